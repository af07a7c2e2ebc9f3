//! Leftovers of saves whose records were lost or whose calls took effect late: they are found and fixed once, and
//! nothing that a version uses is ever changed (promise P5).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use prism_functions::domain::SaveId;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::SaveState;
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::operations::{Fixed, Left, Leftover, TemplatesPage};
use prism_functions::ports::{Condition, Key, NewImage, Table as _, Tags, Write};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, REGION, Setup, World, begun, copy_request, id_of, launched, region, save_request,
};

fn found(world: &World) -> Vec<Leftover> {
    let looked = ask!(world, leftovers()).unwrap();
    assert!(looked.unseen.is_empty(), "{looked:?}");
    assert!(looked.regions.len() >= 10, "{looked:?}");
    looked.found
}

fn kinds(found: &[Leftover]) -> Vec<String> {
    let kind = |it: &Leftover| {
        serde_json::to_value(it).unwrap()["kind"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut kinds: Vec<String> = found.iter().map(kind).collect();
    kinds.sort();
    kinds
}

/// Fixes all of it. Everything must be done, or under way.
fn fix(world: &World, found: &[Leftover]) -> Vec<(Leftover, Fixed)> {
    let fixed = ask!(world, fix(found)).unwrap();
    for (leftover, outcome) in &fixed {
        assert!(
            !matches!(outcome, Fixed::Failed(_)),
            "{leftover:?}: {outcome:?}"
        );
    }
    fixed
}

fn delete(world: &World, pk: String, sk: &str) {
    let write = Write::Delete(Key::new(pk, sk), Condition::ItemPresent);
    world.run(world.table.transact(&[write])).unwrap();
}

fn saved() -> (World, SaveId) {
    let world = launched(Setup::seeded(4));
    let mut request = save_request("work", "kept");
    request.copy_to.insert("eu-west-1".parse().unwrap());
    let record = world.save("ada", request).unwrap();
    assert_eq!(record.version, Some(1));
    (world, record.save_id)
}

#[test]
fn nothing_is_left_over_at_any_moment_of_a_save_or_after_it() {
    for seconds in (0..60).step_by(4).chain([70, 100, 150, 400]) {
        let world = launched(Setup::seeded(seconds));
        let mut request = save_request("work", "kept");
        request.copy_to.insert("eu-west-1".parse().unwrap());
        begun(&world, request);
        world.pass(seconds);
        let found = found(&world);
        assert!(found.is_empty(), "at {seconds}: {found:#?}");
    }
}

/// A version whose save's record is lost keeps what it uses, and so does one whose owner has renamed it.
#[test]
fn what_a_version_uses_is_never_left_over() {
    let (world, id) = saved();
    delete(&world, format!("SAVE#{id}"), "META");
    assert_eq!(kinds(&found(&world)), Vec::<String>::new());
}

#[test]
fn a_late_ami_of_a_failed_save_is_found_and_removed_with_its_snapshots() {
    let world = launched(Setup::seeded(4));
    let instance = id_of(&world);
    let id = begun(&world, save_request("work", "kept"));
    world.pass(15);
    ask!(world, cancel_save(&ADA, &id)).unwrap();
    world.clock.run_until_idle().unwrap();
    assert_eq!(world.record(&id).unwrap().state, SaveState::Cancelled);
    assert!(found(&world).is_empty());
    // The abandoned call takes effect an hour later.
    world.pass(3600);
    let late = NewImage {
        instance,
        name: format!("prism-kept-{id}"),
        reboot: false,
        exclude: std::collections::BTreeSet::new(),
        description: String::new(),
        tags: Tags::from([(SAVE_TAG.to_owned(), id.to_string())]),
    };
    let (ec2, here) = (&world.service.env.ec2, region());
    world.run(ec2.create_image(&here, &late)).unwrap();
    world.pass(600);
    let every = TemplatesPage::default();
    let listed = world.service.templates(&ADA, &every, 100, None);
    let templates = world.run(listed).unwrap().items;
    assert!(
        templates.iter().all(|it| it.name != "kept"),
        "it becomes no template"
    );
    let left = found(&world);
    assert_eq!(kinds(&left), ["image", "snapshot"]);
    assert!(left[0].why.contains("cancelled"), "{left:?}");
    assert_eq!(left[0].save_id.as_ref(), Some(&id));
    // A launch template that names the AMI keeps it.
    let Left::Image { id: image, .. } = &left[0].what else {
        panic!("{left:?}");
    };
    let template = "lt-0123456789abcdef0".parse().unwrap();
    let set = |versions: &[_]| world.admin.set_launch_template(&here, &template, versions);
    set(std::slice::from_ref(image)).unwrap();
    let tried = ask!(world, fix(&left[..1])).unwrap();
    assert!(
        matches!(&tried[0].1, Fixed::Failed(why) if why.message.contains(template.as_str())),
        "{tried:?}"
    );
    set(&[]).unwrap();
    fix(&world, &left);
    assert!(found(&world).is_empty());
    let again = fix(&world, &left);
    assert!(
        again.iter().all(|(_, it)| matches!(it, Fixed::Explained)),
        "{again:?}"
    );
}

#[test]
fn a_lock_and_a_duty_of_no_save_are_released_and_the_instance_started() {
    let world = launched(Setup::seeded(4));
    let instance = id_of(&world);
    let id = begun(&world, save_request("work", "kept"));
    world.pass(15);
    world.admin.deny("StartInstances").unwrap();
    world.pass(60);
    assert_eq!(world.record(&id).unwrap().state, SaveState::Stranded);
    assert!(found(&world).is_empty(), "the save explains all of it");
    world.admin.allow("StartInstances").unwrap();
    delete(&world, format!("SAVE#{id}"), "META");
    let left = found(&world);
    assert_eq!(kinds(&left), ["duty", "image", "lock", "snapshot"]);
    fix(&world, &left);
    world.pass(120);
    // The instance was down. It has been started, and is now seen running.
    assert_eq!(
        world.instance(instance.as_str()).state,
        InstanceState::Running
    );
    let left = found(&world);
    assert_eq!(kinds(&left), ["duty"]);
    fix(&world, &left);
    assert!(found(&world).is_empty());
    let record = world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "it can be saved again");
}

#[test]
fn a_lost_save_a_stale_wait_a_copys_lock_and_a_schedule_that_points_nowhere() {
    let (world, id) = saved();
    // A schedule of an instance that no longer exists.
    let nightly = ScheduleRequest {
        name: None,
        cadence: "rate(1 day)".parse().unwrap(),
        timezone: "UTC".parse().unwrap(),
        jitter_minutes: 0,
        keep: None,
        request: save_request("work", "kept"),
    };
    ask!(world, create_schedule(&ADA, nightly)).unwrap();
    assert!(found(&world).is_empty());
    // A copy whose record is lost.
    let copy = copy_request("kept", 1, &["us-west-2"]);
    let copy = ask!(world, start_copy(&ADA, &copy, None)).unwrap().save_id;
    world.pass(5);
    let stop = world.service.executions.stop(copy.as_str(), "by the test");
    world.run(stop).unwrap();
    assert_eq!(kinds(&found(&world)), ["save"], "it has lost its execution");
    delete(&world, format!("SAVE#{copy}"), "META");
    // A wait that outlived its save.
    let image = world.record(&id).unwrap().image.unwrap();
    let wait = serde_json::json!({
        "save_id": id, "epoch": 1, "token": "t", "until": world.now(),
    });
    let mut attributes = serde_json::Map::new();
    attributes.insert("record".to_owned(), wait);
    attributes.insert("revision".to_owned(), 1.into());
    attributes.insert("form".to_owned(), 1.into());
    let key = Key::new(format!("IMAGE#{REGION}#{image}"), "WAIT");
    let item = prism_functions::ports::Item { key, attributes };
    let write = Write::Put(item, Condition::Always);
    world.run(world.table.transact(&[write])).unwrap();
    world.admin.terminate(&id_of(&world)).unwrap();
    world.pass(300);
    let left = found(&world);
    assert_eq!(
        kinds(&left),
        ["copy_lock", "image", "schedule", "snapshot", "wait"]
    );
    fix(&world, &left);
    assert!(found(&world).is_empty(), "{:#?}", found(&world));
    let schedule = ask!(world, schedule(&ADA, &"kept".parse().unwrap())).unwrap();
    assert!(schedule.schedule.paused, "it is paused and not deleted");
}

#[test]
fn a_save_that_lost_its_execution_is_put_back() {
    let world = launched(Setup::seeded(4));
    let id = begun(&world, save_request("work", "kept"));
    world.pass(22);
    let stop = world.service.executions.stop(id.as_str(), "by the test");
    world.run(stop).unwrap();
    let left = found(&world);
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0].what, Left::Save { id: id.clone() });
    fix(&world, &left);
    prism_tests::story::to_the_end(&world, &id);
    assert!(found(&world).is_empty());
}

/// A Region that cannot be read is reported, and the others are still checked.
#[test]
fn a_region_that_refuses_is_reported() {
    let (world, _) = saved();
    world.admin.deny("DescribeSnapshots").unwrap();
    let looked = ask!(world, leftovers()).unwrap();
    assert_eq!(looked.unseen.len(), looked.regions.len(), "{looked:?}");
    let here = region();
    assert!(looked.unseen.iter().any(|(region, _)| *region == here));
}
