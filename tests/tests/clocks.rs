//! After the clock was set back, recorded times are in the future. Nothing may wait until they are reached.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use chrono::TimeDelta;
use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::operations::Left;
use prism_functions::ports::{Change, Condition, Ec2 as _, Key, Table as _, Write};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{Setup, World, caller, launched, region, save_request, share_request};
use serde_json::{Value, json};

fn version_key(number: u32) -> Key {
    Key::new("TEMPLATE#kept", format!("VERSION#{number:06}"))
}

fn set(world: &World, key: &Key, field: &str, value: Value) {
    let item = world.clock.run(world.table.get(key)).unwrap().unwrap();
    let mut record = item.attributes["record"].clone();
    record[field] = value;
    let set = Change::Set("record".to_owned(), record);
    let write = Write::Update(key.clone(), vec![set], Condition::ItemPresent);
    world.clock.run(world.table.transact(&[write])).unwrap();
}

/// A time two days in the future.
fn ahead(world: &World) -> Value {
    json!(world.now() + TimeDelta::days(2))
}

#[test]
fn a_deletion_that_was_noted_for_the_future_waits_for_nobodys_snapshot() {
    let world = launched(Setup::seeded(1));
    for _ in 0..2 {
        world.save("ada", save_request("work", "kept")).unwrap();
    }
    // The record of the first version has a snapshot that the AMI of the second needs.
    let registry = &world.service.env.registry;
    let name = "kept".parse().unwrap();
    let second = world.clock.run(registry.version(&name, 2)).unwrap();
    let snapshots = json!(second.unwrap().snapshots);
    set(&world, &version_key(1), "snapshots", snapshots);
    let first = "kept@1".parse().unwrap();
    let deletion = ask!(world, delete_template(&caller("ada"), &first, true));
    assert!(!deletion.unwrap().finished, "it is in use for the moment");
    set(&world, &version_key(1), "deleted_at", ahead(&world));
    world.sweep(1);
    let first = world.clock.run(registry.version(&name, 1)).unwrap();
    assert!(first.unwrap().removed_at.is_some());
}

#[test]
fn whom_an_ami_is_open_to_is_looked_at_though_it_was_opened_in_the_future() {
    let world = launched(Setup::seeded(2));
    let record = world.save("ada", save_request("work", "kept")).unwrap();
    let kept = "kept".parse().unwrap();
    let request = share_request("account:444455556666");
    ask!(world, share(&caller("ada"), &kept, &request)).unwrap();
    let registry = &world.service.env.registry;
    let version = world
        .clock
        .run(registry.version(&kept, 1))
        .unwrap()
        .unwrap();
    let (_, image) = version.images().next().unwrap();
    let theirs = [LaunchPermission::Account("444455556666".parse().unwrap())];
    let here = region();
    let closed = (world.ec2).remove_launch_permissions(&here, image, &theirs);
    world.clock.run(closed).unwrap();
    let found = || ask!(world, leftovers()).unwrap().found;
    assert_eq!(found(), [], "it may still be opened");
    let grant = Key::new("TEMPLATE#kept", "GRANT#account:444455556666");
    set(&world, &grant, "at", ahead(&world));
    let save = Key::new(format!("SAVE#{}", record.save_id), "META");
    set(&world, &save, "opening_at", ahead(&world));
    let found = found();
    assert!(
        matches!(&found[..], [it] if matches!(it.what, Left::Permissions { .. })),
        "{found:?}"
    );
}

#[test]
fn a_schedule_that_ran_in_the_future_runs_again() {
    let world = launched(Setup::seeded(3));
    let asked = ScheduleRequest {
        name: Some("nightly".parse().unwrap()),
        cadence: "1d".parse().unwrap(),
        timezone: "UTC".parse().unwrap(),
        jitter_minutes: 0,
        keep: None,
        request: save_request("work", "kept"),
    };
    ask!(world, create_schedule(&caller("ada"), asked)).unwrap();
    let key = Key::new("SCHEDULE#ada#nightly", "META");
    set(&world, &key, "last_fired_at", ahead(&world));
    assert_eq!(ask!(world, fire_due_schedules()).unwrap(), []);
    world.pass(24 * 3600);
    let fired = ask!(world, fire_due_schedules()).unwrap();
    assert_eq!(fired.len(), 1);
}
