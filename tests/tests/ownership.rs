//! Ownership of resources in EC2 (promise P9): everything that a deployment creates has its identity as a tag, and
//! anything with another identity is neither seen nor changed.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::sync::Arc;

use prism_functions::domain::save::SaveState;
use prism_functions::domain::tags::{DEPLOYMENT_TAG, OWNER_TAG, SAVE_TAG};
use prism_functions::domain::{Code, DeploymentId, SaveId};
use prism_functions::operations::{Fixed, Left, Leftovers, Service, save_id_of};
use prism_functions::ports::{Change, Condition, Ec2 as _, Key, NewImage, Table as _, Tags, Write};
use prism_functions::registry::Registry;
use prism_functions::rules::{Env, Identity};
use prism_local::ec2::InstanceSpec;
use prism_local::store::MemoryTable;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, DEPLOYMENT, Setup, World, id_of, launched, region, save_request, share_request,
};
use serde_json::{Value, json};

fn is_ours(tags: &Tags) -> bool {
    tags.get(DEPLOYMENT_TAG).map(String::as_str) == Some(DEPLOYMENT)
}

#[test]
fn everything_that_is_created_carries_the_deployments_tag() {
    let world = World::new(1);
    let instance = world.launch("ada", "ubuntu", "work");
    assert!(is_ours(&instance.tags), "{instance:#?}");
    let mut request = save_request("work", "kept");
    request.copy_to = BTreeSet::from(["eu-west-1".parse().unwrap()]);
    assert_eq!(world.save("ada", request).unwrap().version, Some(1));
    let inventory = world.admin.inventory().unwrap();
    assert_eq!((inventory.images.len(), inventory.snapshots.len()), (2, 2));
    for (region, image) in &inventory.images {
        assert!(is_ours(&image.tags), "{region}: {image:#?}");
    }
    for (region, snapshot) in &inventory.snapshots {
        assert!(is_ours(&snapshot.tags), "{region}: {snapshot:#?}");
    }
}

fn process(world: &World, table: &Arc<MemoryTable>, configured: Option<&str>) -> Env {
    let configured = configured.map(|id| id.parse().unwrap());
    Env {
        registry: Registry::new(Arc::clone(table) as _),
        identity: Identity::configured(configured),
        ..world.service.env.clone()
    }
}

fn identity(world: &World, env: &Env) -> Result<DeploymentId, Code> {
    let asked = world.run(env.deployment());
    asked.cloned().map_err(|problem| problem.code)
}

/// A deployment's identity is in its table. A restored table keeps the identity, and a process that is configured with
/// the wrong table is refused before anything is created or removed.
#[test]
fn a_table_is_of_one_deployment_for_good() {
    let world = World::new(2);
    let table = Arc::new(MemoryTable::default());
    let ask = |configured| identity(&world, &process(&world, &table, configured));
    assert_eq!(ask(None), Err(Code::DeploymentMismatch), "nobody knows it");
    assert_eq!(
        ask(Some("the-first-one")).unwrap().as_str(),
        "the-first-one"
    );
    assert_eq!(ask(None).unwrap().as_str(), "the-first-one");
    assert_eq!(
        ask(Some("the-first-one")).unwrap().as_str(),
        "the-first-one"
    );
    assert_eq!(ask(Some("the-second-one")), Err(Code::DeploymentMismatch));
    assert_eq!(
        ask(None).unwrap().as_str(),
        "the-first-one",
        "it is unchanged"
    );
}

/// The sweep writes the identity into a table that has none, and brings instances back regardless of the identity.
#[test]
fn the_sweep_writes_the_deployment_after_it_has_restored_everything() {
    let world = launched(Setup::seeded(4));
    let id = ask!(world, start_save(&ADA, save_request("work", "kept"), None))
        .unwrap()
        .save_id;
    world.pass(22);
    let stop = world.service.executions.stop(id.as_str(), "by the test");
    world.run(stop).unwrap();
    let configured = |id: &str| Service {
        env: Env {
            identity: Identity::configured(Some(id.parse().unwrap())),
            ..world.service.env.clone()
        },
        ..world.service.clone()
    };
    let kept = || world.run(world.service.env.registry.deployment()).unwrap();
    world
        .run(
            world
                .service
                .env
                .registry
                .claim(&"the-first-one".parse().unwrap()),
        )
        .unwrap();
    let refused = world.run(configured("the-second-one").sweep());
    assert_eq!(refused.unwrap_err().code, Code::DeploymentMismatch);
    assert_eq!(
        world.record(&id).unwrap().epoch,
        2,
        "its recovery was begun anyway"
    );
    assert_eq!(kept().unwrap().as_str(), "the-first-one");
    let fresh = deployment(&world, DEPLOYMENT);
    let env = Env {
        identity: Identity::configured(Some("a-new-one".parse().unwrap())),
        ..fresh.env.clone()
    };
    let fresh = Service { env, ..fresh };
    world.run(fresh.sweep()).unwrap();
    let kept = world.run(fresh.env.registry.deployment()).unwrap();
    assert_eq!(kept.unwrap().as_str(), "a-new-one");
}

/// Two processes that start at the same time agree, and each reads the identity from the table only once.
#[test]
fn a_process_asks_once_for_its_identity() {
    let world = World::new(3);
    let env = Env {
        identity: Identity::configured(Some("the-first-one".parse().unwrap())),
        ..world.service.env.clone()
    };
    identity(&world, &env).unwrap();
    let writes = world.table.writes();
    let reads = world.table.reads();
    identity(&world, &env.clone()).unwrap();
    assert_eq!((world.table.writes(), world.table.reads()), (writes, reads));
}

/// A deployment with this identity in the world's account, with an empty table of its own.
fn deployment(world: &World, id: &str) -> Service {
    let env = Env {
        registry: Registry::new(Arc::new(MemoryTable::default())),
        identity: Identity::known(id.parse().unwrap()),
        ..world.service.env.clone()
    };
    Service {
        env,
        ..world.service.clone()
    }
}

fn look(world: &World, service: &Service) -> Leftovers {
    let looked = world.run(service.leftovers()).unwrap();
    assert!(looked.unseen.is_empty(), "{looked:?}");
    looked
}

fn count(world: &World) -> (usize, usize) {
    let inventory = world.admin.inventory().unwrap();
    (inventory.images.len(), inventory.snapshots.len())
}

#[test]
fn another_deployments_doctor_finds_nothing_of_this_one() {
    let world = launched(Setup::seeded(4));
    world.save("ada", save_request("work", "kept")).unwrap();
    let other = deployment(&world, "another-deployment");
    let looked = look(&world, &other);
    assert_eq!((looked.found, looked.unknown), (vec![], vec![]));
    let fixed = world.run(other.fix(&everything(&world))).unwrap();
    assert_eq!(fixed.len(), 2);
    for (leftover, outcome) in fixed {
        assert!(matches!(outcome, Fixed::Explained), "{leftover:?}");
    }
    assert_eq!(count(&world), (1, 1), "even where it is told to");
}

/// What the doctor of this deployment would find if its table was lost.
fn everything(world: &World) -> Vec<prism_functions::operations::Leftover> {
    look(world, &deployment(world, DEPLOYMENT)).found
}

/// A stack whose table was created again, or a home whose registry was. Its AMIs are then unknown, which is no reason
/// to treat them as leftovers of a failed save.
#[test]
fn resources_of_a_lost_table_are_unexplained() {
    let world = launched(Setup::seeded(4));
    world.save("ada", save_request("work", "kept")).unwrap();
    let found = everything(&world);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|it| it.unexplained), "{found:#?}");
}

fn image(world: &World, name: &str, id: &SaveId, deployment: Option<&str>) {
    let mut tags = Tags::from([(SAVE_TAG.to_owned(), id.to_string())]);
    tags.extend(deployment.map(|id| (DEPLOYMENT_TAG.to_owned(), id.to_owned())));
    let new = NewImage {
        instance: id_of(world),
        name: name.to_owned(),
        reboot: false,
        exclude: std::collections::BTreeSet::new(),
        description: String::new(),
        tags,
    };
    let made = world.run(world.ec2.create_image(&region(), &new));
    made.unwrap();
    world.pass(600);
}

/// A resource without an identity belongs to this deployment if a record explains it; otherwise its owner is unknown.
#[test]
fn untagged_resources_are_ours_only_with_a_record() {
    let world = launched(Setup::seeded(4));
    let stranger = "save-00000000".parse().unwrap();
    image(&world, "stranger", &stranger, None);
    let looked = look(&world, &world.service);
    assert_eq!(looked.found, vec![]);
    assert_eq!(looked.unknown.len(), 2, "{looked:#?}");
    assert!(matches!(looked.unknown[0].what, Left::Image { .. }));
    let fixed = ask!(world, fix(&looked.unknown)).unwrap();
    assert!(fixed.iter().all(|(_, it)| matches!(it, Fixed::Explained)));
    assert_eq!(count(&world), (1, 1));
    let known = world.save("ada", save_request("work", "kept")).unwrap();
    image(&world, "late", &known.save_id, None);
    let found = look(&world, &world.service).found;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|it| !it.unexplained), "{found:#?}");
}

/// The same user requests saves from two deployments with the same request ID, so the saves have the same ID. The one
/// that is cancelled only rolls back what it created itself.
#[test]
fn a_save_of_the_same_id_takes_back_its_own_alone() {
    let world = launched(Setup::seeded(4));
    let id = save_id_of(&ADA.user, "both").unwrap();
    image(&world, "theirs", &id, Some("another-deployment"));
    let started = world
        .service
        .start_save(&ADA, save_request("work", "kept"), Some("both"));
    assert_eq!(world.run(started).unwrap().save_id, id);
    world.pass(40);
    ask!(world, cancel_save(&ADA, &id)).unwrap();
    world.clock.run_until_idle().unwrap();
    assert_eq!(world.record(&id).unwrap().state, SaveState::Cancelled);
    let inventory = world.admin.inventory().unwrap();
    let names: Vec<&str> = inventory
        .images
        .iter()
        .map(|(_, it)| it.name.as_str())
        .collect();
    assert_eq!((names, inventory.snapshots.len()), (vec!["theirs"], 1));
}

fn set(world: &World, field: &str, value: Value) {
    let key = Key::new("TEMPLATE#kept", "VERSION#000001");
    let item = world.run(world.table.get(&key)).unwrap().unwrap();
    let mut record = item.attributes["record"].clone();
    record[field] = value;
    let set = Change::Set("record".to_owned(), record);
    let write = Write::Update(key, vec![set], Condition::ItemPresent);
    world.run(world.table.transact(&[write])).unwrap();
}

/// A resource with another deployment's tag does not belong to this one, even if a record names it.
#[test]
fn resources_of_another_deployment_in_a_record_are_neither_opened_nor_removed() {
    let world = launched(Setup::seeded(4));
    let theirs = "save-00000000".parse().unwrap();
    image(&world, "theirs", &theirs, Some("another-deployment"));
    world.save("ada", save_request("work", "kept")).unwrap();
    let inventory = world.admin.inventory().unwrap();
    let mut images = inventory.images.iter().map(|(_, it)| it);
    let foreign = images.find(|it| it.name == "theirs").unwrap();
    let snapshot = foreign.volumes[0].snapshot.clone().unwrap();
    let kept = "kept".parse().unwrap();
    let registry = &world.service.env.registry;
    let before = world.run(registry.version(&kept, 1));
    let before = before.unwrap().unwrap();
    let here = region();
    set(
        &world,
        "amis",
        json!({ here.as_str(): { "x86_64": foreign.id } }),
    );
    let request = share_request("account:444455556666");
    let refused = ask!(world, share(&ADA, &kept, &request)).unwrap_err();
    assert_eq!(refused.code, Code::ShareImpossible, "{refused}");
    let held = world.ec2.launch_permissions(&here, &foreign.id);
    assert_eq!(world.run(held).unwrap(), []);
    // Its AMI was deregistered from outside: only the snapshot is left, and in the record.
    set(&world, "amis", json!(before.amis));
    let mut snapshots = before.snapshots.clone();
    snapshots.entry(here.clone()).or_default().push(snapshot);
    set(&world, "snapshots", json!(snapshots));
    let gone = world.ec2.deregister_image(&here, &foreign.id);
    world.run(gone).unwrap();
    world.pass(600);
    let all = "kept".parse().unwrap();
    let deletion = world.service.delete_template(&ADA, &all, false);
    assert!(world.run(deletion).unwrap().finished);
    assert_eq!(count(&world), (0, 1));
}

/// An instance of another deployment whose owner has the same name there: in this deployment it has no owner.
#[test]
fn an_instance_of_another_deployment_is_not_there() {
    let world = World::new(4);
    let mut spec = InstanceSpec::named("work");
    spec.tags.insert(OWNER_TAG.to_owned(), "ada".to_owned());
    let theirs = (DEPLOYMENT_TAG.to_owned(), "another-deployment".to_owned());
    spec.tags.extend([theirs]);
    let id = world.admin.add_instance(&region(), &spec).unwrap();
    let listed = ask!(world, instances(&ADA, &region())).unwrap();
    assert!(listed.is_empty(), "{listed:?}");
    for name in ["work", id.as_str()] {
        let refused = ask!(world, plan_save(&ADA, save_request(name, "kept"))).unwrap_err();
        assert_eq!(refused.code, Code::InstanceNotFound, "{name}");
    }
    // A name used there is free here, and refers to one instance.
    world.launch("ada", "ubuntu", "work");
    let record = world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(record.version, Some(1));
    assert_ne!(record.instance().unwrap().id, id);
}
