//! Templates over time: their versions, which version a name stands for, their lineage, and the differences of versions
//! (promise P6).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;

use async_trait::async_trait;
use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::save::{SaveRequest, SaveState};
use prism_functions::domain::template::{Template, Version};
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::{IdempotencyKey, Nothing};
use prism_functions::operations::{
    Asked, LaunchInstance, LaunchRequest, Operation as _, Service, TemplateView,
};
use prism_functions::ports::{Item, Key, Page, Query, Table, TableError, Write};
use prism_functions::registry::Registry;
use prism_functions::rules::Env;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::clean;
use prism_tests::world;
use prism_tests::world::{
    ADA, BOB, Setup, World, caller, launch_request, launched, reference, region, save_request,
};

fn saved(world: &World, user: &str, instance: &str, template: &str) -> u32 {
    let record = world.save(user, save_request(instance, template)).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{:?}", record.failure);
    record.version.unwrap()
}

fn public(instance: &str, template: &str) -> SaveRequest {
    world::public(save_request(instance, template))
}

fn shown(world: &World, user: &str, text: &str) -> Result<(Template, Version), Problem> {
    match ask!(world, template(&caller(user), &reference(text)))? {
        TemplateView::Saved {
            template, version, ..
        } => Ok((*template, *version)),
        TemplateView::BuiltIn { .. } => panic!("{text} is built in"),
    }
}

fn rollback(world: &World, user: &str, name: &str, to: Option<u32>) -> Result<(u32, u32), Problem> {
    let done = ask!(
        world,
        rollback(&caller(user), &name.parse().unwrap(), to, false)
    )?;
    assert_eq!(done.template.latest, done.to);
    Ok((done.from, done.to))
}

#[test]
fn a_rollback_changes_the_latest_version_and_reuses_no_number() {
    let world = launched(Setup::seeded(31));
    for number in 1..=3 {
        assert_eq!(saved(&world, "ada", "work", "kept"), number);
    }
    let third = shown(&world, "ada", "kept@3").unwrap().1;
    assert_eq!(rollback(&world, "ada", "kept", None).unwrap(), (3, 2));
    assert_eq!(shown(&world, "ada", "kept").unwrap().1.number, 2);
    assert_eq!(shown(&world, "ada", "kept@latest").unwrap().1.number, 2);
    assert_eq!(shown(&world, "ada", "kept@3").unwrap().1, third);
    assert_eq!(rollback(&world, "ada", "kept", Some(1)).unwrap(), (2, 1));
    let plan = ask!(world, plan_save(&ADA, save_request("work", "kept")));
    assert_eq!(plan.unwrap().next_version, 4);
    // A launch uses the version that the name stands for.
    let plan = ask!(world, plan_launch(&ADA, &launch_request("kept", "again")));
    assert_eq!(plan.unwrap().template, "kept@1");
    assert_eq!(saved(&world, "ada", "work", "kept"), 4);
    assert_eq!(shown(&world, "ada", "kept").unwrap().1.number, 4);
    // Forwards again, and to the version that it stands for already.
    assert_eq!(rollback(&world, "ada", "kept", Some(2)).unwrap(), (4, 2));
    assert_eq!(rollback(&world, "ada", "kept", Some(4)).unwrap(), (2, 4));
    let writes = world.table.writes();
    assert_eq!(rollback(&world, "ada", "kept", Some(4)).unwrap(), (4, 4));
    assert_eq!(world.table.writes(), writes);
}

#[test]
fn a_rollback_that_cannot_be_is_refused() {
    let world = launched(Setup::seeded(32));
    let record = world.save("ada", public("work", "kept")).unwrap();
    assert_eq!(record.version, Some(1));
    let code = |user: &str, name: &str, to| rollback(&world, user, name, to).unwrap_err().code;
    assert_eq!(code("ada", "kept", None), Code::VersionNotFound);
    assert_eq!(code("ada", "kept", Some(2)), Code::VersionNotFound);
    assert_eq!(code("bob", "kept", Some(1)), Code::NotAllowed);
    assert_eq!(code("ada", "nothing", None), Code::TemplateNotFound);
    assert_eq!(code("ada", "ubuntu", None), Code::NotAllowed);
    saved(&world, "ada", "work", "own");
    assert_eq!(code("bob", "own", Some(1)), Code::TemplateNotFound);
}

fn tree(world: &World, user: &str, name: &str) -> Vec<String> {
    let lineage = ask!(world, lineage(&caller(user), &name.parse().unwrap())).unwrap();
    assert!(!lineage.truncated);
    let nodes = lineage.nodes.into_iter().map(|node| match node.parent {
        Some(parent) => format!("{parent} > {}", node.name),
        None => node.name,
    });
    nodes.collect()
}

/// ubuntu > kept@1 > (kept@2, mine@1 > deep@1, bobs@1 > deeper@1); mine@2 comes from ubuntu alone.
fn family() -> World {
    let world = launched(Setup::seeded(33));
    world.save("ada", public("work", "kept")).unwrap();
    world.launch("ada", "kept", "second");
    world.save("ada", public("second", "kept")).unwrap();
    saved(&world, "ada", "second", "mine");
    saved(&world, "ada", "work", "mine");
    world.launch("ada", "mine@1", "third");
    world.save("ada", public("third", "deep")).unwrap();
    world.launch("bob", "kept@1", "fourth");
    saved(&world, "bob", "fourth", "bobs");
    world.launch("bob", "bobs", "fifth");
    world.save("bob", public("fifth", "deeper")).unwrap();
    world
}

#[test]
fn a_lineage_spans_templates_and_hides_those_of_others() {
    let world = family();
    assert_eq!(
        tree(&world, "ada", "kept"),
        [
            "ubuntu",
            "ubuntu > kept@1",
            "kept@1 > kept@2",
            "kept@1 > mine@1",
            "mine@1 > deep@1",
        ]
    );
    assert_eq!(
        tree(&world, "bob", "kept"),
        [
            "ubuntu",
            "ubuntu > kept@1",
            "kept@1 > bobs@1",
            "bobs@1 > deeper@1",
            "kept@1 > kept@2",
        ]
    );
    // Upwards, past an ancestor that is private to another user.
    assert_eq!(
        tree(&world, "bob", "deep"),
        ["ubuntu", "ubuntu > kept@1", "kept@1 > deep@1"]
    );
    assert_eq!(
        tree(&world, "ada", "mine"),
        [
            "ubuntu",
            "ubuntu > kept@1",
            "kept@1 > mine@1",
            "mine@1 > deep@1",
            "ubuntu > mine@2",
        ]
    );
    assert_eq!(
        tree(&world, "cy", "ubuntu"),
        ["ubuntu", "ubuntu > kept@1", "kept@1 > kept@2"]
    );
    let hidden = ask!(world, lineage(&BOB, &"mine".parse().unwrap()));
    assert_eq!(hidden.unwrap_err().code, Code::TemplateNotFound);
}

#[test]
fn the_name_of_a_parent_that_is_not_visible_is_hidden() {
    let world = family();
    let parent = |user: &str| shown(&world, user, "deep").unwrap().1.parent;
    assert_eq!(parent("ada").as_deref(), Some("mine@1"));
    assert_eq!(parent("bob"), None);
    let listed = ask!(world, versions(&BOB, &"deep".parse().unwrap(), 10, None)).unwrap();
    assert_eq!(listed.items[0].parent, None);
    let diff = ask!(world, diff(&BOB, &reference("kept"), &reference("deep"))).unwrap();
    let told = serde_json::to_string(&diff).unwrap();
    assert!(!told.contains("mine"), "{told}");
}

fn install(world: &World, name: &str, words: &[&str]) {
    let id = ask!(world, instance(&ADA, &region(), name)).unwrap().id;
    let guest = world.cloud.guest(world.ec2.account().clone(), region(), id);
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(guest.run(&words, &[]).unwrap().exit_code, 0);
}

#[test]
fn versions_differ_by_what_is_known_of_them() {
    let world = launched(Setup::seeded(34));
    install(&world, "work", &["pip", "install", "obspy==1.4.0"]);
    saved(&world, "ada", "work", "kept");
    install(&world, "work", &["pip", "install", "obspy==1.4.1"]);
    install(&world, "work", &["apt-get", "install", "-y", "git"]);
    let described = SaveRequest {
        description: "with git".to_owned(),
        ..save_request("work", "other")
    };
    world.save("ada", described).unwrap();
    let kept = reference("kept");
    let diff = ask!(world, diff(&ADA, &kept, &reference("other@1"))).unwrap();
    assert_eq!(
        (diff.from.as_str(), diff.to.as_str()),
        ("kept@1", "other@1")
    );
    let field = |name: &str| diff.fields.iter().find(|it| it.field == name);
    assert_eq!(field("description").unwrap().to, "with git");
    assert!(field("instance_type").is_none() && field("parent").is_none());
    let packages = diff.packages.unwrap();
    assert_eq!(packages.changed.len(), 1);
    assert_eq!(packages.changed[0].name, "obspy");
    assert!(packages.added.iter().any(|package| package.name == "git"));
    assert!(packages.removed.is_empty() && packages.complete);
    let none = ask!(world, diff(&BOB, &kept, &reference("other")));
    assert_eq!(none.unwrap_err().code, Code::TemplateNotFound);
    let built_in = ask!(world, diff(&ADA, &kept, &reference("ubuntu")));
    assert_eq!(built_in.unwrap_err().code, Code::VersionNotFound);
}

fn launch_arm(world: &World, name: &str) {
    let request = LaunchRequest {
        architecture: Some(Architecture::Arm64),
        ..launch_request("ubuntu", name)
    };
    ask!(world, launch(&ADA, &request)).unwrap();
    world.pass(300);
}

fn add_arch(instance: &str, version: Option<u32>) -> SaveRequest {
    SaveRequest {
        add_arch: true,
        version,
        ..save_request(instance, "kept")
    }
}

#[test]
fn an_architecture_is_added_to_a_version_that_lacks_it_and_replaces_nothing() {
    let world = launched(Setup::seeded(35));
    saved(&world, "ada", "work", "kept");
    saved(&world, "ada", "work", "kept");
    launch_arm(&world, "arm");
    let before = shown(&world, "ada", "kept@1").unwrap().1;
    let plan = ask!(world, plan_save(&ADA, add_arch("arm", Some(1)))).unwrap();
    assert_eq!((plan.next_version, plan.adds_to), (1, Some(1)));
    let record = world.save("ada", add_arch("arm", Some(1))).unwrap();
    assert_eq!(record.version, Some(1), "{:?}", record.failure);
    clean::check(&world, &record);
    let (template, after) = shown(&world, "ada", "kept@1").unwrap();
    assert_eq!((template.latest, template.newest()), (2, 2));
    assert_eq!(template.architectures, [Architecture::X86_64]);
    let (here, was) = (&after.amis[&region()], &before.amis[&region()]);
    assert_eq!(here[&Architecture::X86_64], was[&Architecture::X86_64]);
    assert_eq!(Some(&here[&Architecture::Arm64]), record.image.as_ref());
    assert_eq!(after.snapshots[&region()].len(), 2);
    assert!(after.snapshot_bytes > before.snapshot_bytes);
    // Each architecture is launched as it was saved.
    let planned = |architecture| {
        let request = LaunchRequest {
            architecture: Some(architecture),
            ..launch_request("kept@1", "again")
        };
        let plan = ask!(world, plan_launch(&ADA, &request));
        plan.map(|plan| plan.instance_type)
    };
    assert_eq!(planned(Architecture::Arm64).unwrap(), "t4g.large");
    assert_eq!(planned(Architecture::X86_64).unwrap(), "t3.large");
    // An existing architecture is not replaced.
    for instance in ["arm", "work"] {
        let request = add_arch(instance, Some(1));
        let refused = ask!(world, plan_save(&ADA, request));
        assert_eq!(refused.unwrap_err().code, Code::ArchitectureTaken);
    }
    let now = shown(&world, "ada", "kept@1").unwrap().1;
    assert_eq!(now, after);
}

#[test]
fn two_saves_that_add_the_same_architecture_at_once_add_it_once() {
    let world = launched(Setup::seeded(36));
    saved(&world, "ada", "work", "kept");
    launch_arm(&world, "one");
    launch_arm(&world, "two");
    let begun = ["one", "two"].map(|instance| {
        let request = add_arch(instance, None);
        ask!(world, start_save(&ADA, request, None))
            .unwrap()
            .save_id
    });
    world.clock.run_until_idle().unwrap();
    let records = begun.map(|id| world.record(&id).unwrap());
    for record in &records {
        clean::check(&world, record);
    }
    let (won, lost): (Vec<_>, Vec<_>) = records.iter().partition(|it| it.version.is_some());
    assert_eq!((won.len(), lost.len()), (1, 1));
    assert_eq!(lost[0].failure.as_ref().unwrap().code, "ArchitectureTaken");
    let version = shown(&world, "ada", "kept").unwrap().1;
    assert_eq!(version.added.len(), 1);
    assert_eq!(version.added[0].save_id, won[0].save_id);
}

#[test]
fn what_cannot_be_added_is_refused() {
    let world = launched(Setup::seeded(37));
    saved(&world, "ada", "work", "kept");
    let refused = |request: SaveRequest| {
        let plan = ask!(world, plan_save(&ADA, request));
        plan.unwrap_err().code
    };
    let absent = SaveRequest {
        template: "absent".parse().unwrap(),
        ..add_arch("work", None)
    };
    assert_eq!(refused(absent), Code::TemplateNotFound);
    assert_eq!(refused(add_arch("work", Some(9))), Code::VersionNotFound);
    assert_eq!(refused(add_arch("work", Some(0))), Code::InvalidInput);
    assert_eq!(
        refused(world::public(add_arch("work", None))),
        Code::InvalidInput
    );
    let stray = SaveRequest {
        version: Some(1),
        ..save_request("work", "kept")
    };
    assert_eq!(refused(stray), Code::InvalidInput);
}

#[test]
fn launches_are_counted_once_for_the_template_and_its_version() {
    let world = launched(Setup::seeded(38));
    world.save("ada", public("work", "kept")).unwrap();
    saved(&world, "ada", "work", "kept");
    let revision = || {
        let name = "kept".parse().unwrap();
        let stored = world.run(world.service.env.registry.template(&name));
        stored.unwrap().unwrap().revision
    };
    let before = revision();
    world.launch("ada", "kept@1", "first");
    world.launch("bob", "kept", "second");
    let key = IdempotencyKey(Some("once".to_owned()));
    let again = Asked::with(Nothing {}, launch_request("kept", "third")).head(key);
    for _ in 0..3 {
        let launched = LaunchInstance::run(&world.service, &BOB, again.clone());
        world.run(launched).unwrap();
        world.pass(1);
    }
    let (template, second) = shown(&world, "ada", "kept").unwrap();
    assert_eq!((template.launches, second.usage.launches), (3, 2));
    assert_eq!(template.last_launched_by, Some("bob".parse().unwrap()));
    assert_eq!(second.usage.last_launched_at, template.last_launched_at);
    let first = shown(&world, "ada", "kept@1").unwrap().1;
    assert_eq!(first.usage.launches, 1);
    assert_eq!(first.usage.last_launched_by, Some("ada".parse().unwrap()));
    // A launch does not change the template, and a change of the template does not lose a launch.
    assert_eq!(revision(), before);
    rollback(&world, "ada", "kept", None).unwrap();
    saved(&world, "ada", "work", "kept");
    let (template, second) = shown(&world, "ada", "kept@2").unwrap();
    assert_eq!((template.launches, second.usage.launches), (3, 2));
}

struct Uncounting(Arc<dyn Table>);

#[async_trait]
impl Table for Uncounting {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.0.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.0.query(query).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        if writes
            .iter()
            .any(|write| write.key().pk.starts_with("LAUNCH#") && write.key().sk == "META")
        {
            return Err(TableError::Unavailable {
                reason: "by the test".to_owned(),
                transient: false,
                advice: None,
                source: None,
            });
        }
        self.0.transact(writes).await
    }
}

#[test]
fn a_launch_that_cannot_be_counted_succeeds() {
    let world = launched(Setup::seeded(39));
    saved(&world, "ada", "work", "kept");
    let table = Uncounting(Arc::clone(&world.table) as Arc<dyn Table>);
    let service = Service {
        env: Env {
            registry: Registry::new(Arc::new(table)),
            ..world.service.env.clone()
        },
        ..world.service.clone()
    };
    let request = launch_request("kept", "copy");
    let (_, instance) = world.run(service.launch(&ADA, &request)).unwrap();
    assert_eq!(instance.name, "copy");
    assert_eq!(shown(&world, "ada", "kept").unwrap().0.launches, 0);
}
