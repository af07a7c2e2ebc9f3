//! Instances that do not come back as they should (promise P1), described as stories.

use insta::assert_snapshot;
use prism_functions::domain::Code;
use prism_functions::domain::save::SaveState;
use prism_functions::ports::Encryption;
use prism_local::ec2::{Capacity, KeyPolicy};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::story::{story_with, tell, to_the_end};
use prism_tests::untouched::ask;
use prism_tests::world::{ADA, Setup, begun, id_of, launch_request, launched, region};

#[test]
fn no_room_for_two_hours() {
    let told = story_with(ask(), 5, |world| {
        world.set_capacity(Capacity::Refused);
        world.pass(2 * 3600);
        world.set_capacity(Capacity::Available);
    });
    assert_snapshot!(told, @r"
    as usual to 21.5s  AwaitSnapshots x3
        23.5s  RestartInstance !NoCapacity x30
    2h02m48.367s  AwaitRunning x3
    2h03m2.867s  AwaitImage
    2h03m2.867s  RegisterTemplate
    2h03m2.867s  CompleteSave
    2h03m2.867s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 7377.3671875 s, and 7377.8671875 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

/// Reservations, Dedicated Hosts, quotas and unknown codes: all of them pass, and the save continues as if nothing had
/// happened.
#[test]
fn any_refusal_of_a_start_that_may_pass_is_tried_for_hours() {
    for (code, told) in [
        ("ReservationCapacityExceeded", "NoCapacity"),
        ("InsufficientCapacityOnHost", "NoCapacity"),
        ("IncompatibleHostRequirements", "NoCapacity"),
        ("UnavailableHostRequirements", "NoCapacity"),
        ("InstanceLimitExceeded", "QuotaExceeded"),
        ("VcpuLimitExceeded", "QuotaExceeded"),
        ("ServerInternal", "AwsUnavailable"),
        ("RetryableError", "AwsUnavailable"),
        ("RequestExpired", "CredentialsExpired"),
        ("RequestTimeTooSkewed", "ClockWrong"),
        ("PendingVerification", "AwsRefused"),
        ("NobodyHasHeardOfThis", "AwsRefused"),
    ] {
        let world = launched(Setup::seeded(11));
        let id = begun(&world, ask());
        world.pass(5);
        let room = |capacity| world.admin.set_capacity(&region(), "*", capacity).unwrap();
        room(Capacity::RefusedAs(code.to_owned()));
        world.pass(3 * 3600);
        let record = world.record(&id).unwrap();
        assert_eq!(record.state, SaveState::Running, "{code}: {record:#?}");
        let trouble = record.trouble.unwrap();
        assert_eq!(trouble.code, told, "{code}");
        assert!(trouble.message.contains(code), "{}", trouble.message);
        room(Capacity::Available);
        to_the_end(&world, &id);
        let record = world.record(&id).unwrap();
        assert_eq!(
            (record.state, record.version),
            (SaveState::Succeeded, Some(1)),
            "{code}: {record:#?}"
        );
    }
}

/// An error that only a change of the instance can end raises the alarm at once, and the sweep keeps trying.
#[test]
fn a_permanent_refusal_is_reported_at_once() {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, ask());
    world.pass(5);
    let room = |capacity| world.admin.set_capacity(&region(), "*", capacity).unwrap();
    room(Capacity::RefusedAs("UnsupportedOperation".to_owned()));
    world.pass(120);
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Stranded, "{record:#?}");
    assert_eq!(record.failure.unwrap().code, "StartRefused");
    assert_eq!(record.version, None, "the AMI is not available yet");
    room(Capacity::Available);
    world.sweep(90);
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Failed, "{record:#?}");
}

#[test]
fn a_start_that_falls_back() {
    let told = story_with(ask(), 5, |world| {
        world.set_capacity(Capacity::FailsLate);
        world.pass(60);
        world.set_capacity(Capacity::Available);
    });
    assert_snapshot!(told, @r"
    as usual to 21.5s  AwaitSnapshots x3
        23.5s  (RestartInstance, AwaitRunning) x3
        1m45s  AwaitImage
        1m45s  RegisterTemplate
        1m45s  CompleteSave
        1m45s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 99.5 s, and 100 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn no_room_for_longer_than_the_save_waits() {
    let told = story_with(ask(), 5, |world| {
        world.set_capacity(Capacity::FailsLate);
        world.pass(2 * 3600);
        world.set_capacity(Capacity::Available);
    });
    assert_snapshot!(told, @r"
    as usual to 21.5s  AwaitSnapshots x3
        23.5s  (RestartInstance, AwaitRunning) x59
       30m23s  RestartInstance
       30m29s  AwaitRunning x3 !RestartTimedOut
     30m38.5s  RestoreInstance x63
    2h08m50.5s  DiscardImage
    2h08m50.5s  FailSave
    2h08m50.5s  Failed RestartTimedOut
    save: failed, RestartTimedOut in AwaitRunning
    instance: running, down for 7445.5 s, and 7730.5 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn a_key_that_is_lost_and_fixed() {
    let key = "arn:aws:kms:us-east-1:111122223333:key/1";
    let world = launched(Setup::seeded(11));
    let instance = id_of(&world);
    let volume = world.instance(instance.as_str()).volumes[0].volume.clone();
    let encryption = Encryption::CustomerKey(key.to_owned());
    world.admin.set_encryption(&volume, encryption).unwrap();
    let id = begun(&world, ask());
    world.pass(22);
    world.admin.set_key_policy(key, KeyPolicy::Nobody).unwrap();
    world.clock.run_until_idle().unwrap();
    assert_snapshot!(tell(&world, &id), @r"
    as usual to 23.5s  RestartInstance
        29.5s  AwaitRunning x3 !RestoreImpossible
          39s  RestoreInstance x4 !RestoreImpossible
          54s  Stranded
          54s  Failed RestoreImpossible
    save: stranded, RestoreImpossible in RestoreInstance
    instance: stopped, down for 54 s, and nothing by the record
    left: AMIs 1, snapshots 1
    notices: save.stranded (alarm)
    ");
    // The sweep retries automatically, without success until the key can be used.
    world.sweep(3);
    assert_eq!(world.record(&id).unwrap().state, SaveState::Stranded);
    world.admin.set_key_policy(key, KeyPolicy::Account).unwrap();
    world.sweep(12);
    assert_snapshot!(to_the_end(&world, &id), @r"
    as usual to 23.5s  RestartInstance
        29.5s  AwaitRunning x3 !RestoreImpossible
          39s  RestoreInstance x4 !RestoreImpossible
          54s  Stranded
          54s  Failed RestoreImpossible
    -- recovery 1
          54s  RestoreInstance x4 !RestoreImpossible
        1m09s  Stranded
        1m09s  Failed RestoreImpossible
    -- recovery 2 alike, at 5m54s 6m09s 6m09s
    -- recovery 3 alike, at 10m54s 11m09s 11m09s
    -- recovery 4
       20m54s  RestoreInstance x4
       21m09s  DiscardImage
       21m09s  FailSave
       21m09s  Failed SaveInterrupted
    save: failed, RestoreImpossible in RestoreInstance
    instance: running, down for 1269 s, and 1269 s by the record
    left: AMIs 0, snapshots 0
    notices: save.stranded (alarm) x4, save.failed
    ");
}

/// The permission to start the instance is missing for a day, and no user acts: the sweep retries automatically.
#[test]
fn a_permission_that_is_restored_only_after_a_day() {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, ask());
    world.pass(5);
    world.admin.deny("StartInstances").unwrap();
    world.clock.run_until_idle().unwrap();
    assert_eq!(world.record(&id).unwrap().state, SaveState::Stranded);
    world.sweep(24 * 12);
    world.admin.allow("StartInstances").unwrap();
    world.sweep(6 * 12);
    assert_snapshot!(to_the_end(&world, &id), @r"
    as usual to 21.5s  AwaitSnapshots x3
        23.5s  RestartInstance !PermissionMissing
        23.5s  RestoreInstance !PermissionMissing
        23.5s  Stranded
        23.5s  Failed PermissionMissing
    -- recovery 1
        23.5s  RestoreInstance !PermissionMissing
        23.5s  Stranded
        23.5s  Failed PermissionMissing
    -- recovery 2 alike, at 5m23.5s 5m23.5s 5m23.5s
    -- recovery 3 alike, at 10m23.5s 10m23.5s 10m23.5s
    -- recovery 4 alike, at 15m23.5s 15m23.5s 15m23.5s
    -- recovery 5 alike, at 25m23.5s 25m23.5s 25m23.5s
    -- recovery 6 alike, at 45m23.5s 45m23.5s 45m23.5s
    -- recovery 7 alike, at 1h25m23.5s 1h25m23.5s 1h25m23.5s
    -- recovery 8 alike, at 2h45m23.5s 2h45m23.5s 2h45m23.5s
    -- recovery 9 alike, at 5h25m23.5s 5h25m23.5s 5h25m23.5s
    -- recovery 10 alike, at 10h45m23.5s 10h45m23.5s 10h45m23.5s
    -- recovery 11 alike, at 16h45m23.5s 16h45m23.5s 16h45m23.5s
    -- recovery 12 alike, at 22h45m23.5s 22h45m23.5s 22h45m23.5s
    -- recovery 13
    28h45m23.5s  RestoreInstance x4
    28h45m38.5s  CompleteSave
    28h45m38.5s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 103538.5 s, and 103538.5 s by the record
    left: AMIs 1, snapshots 1
    notices: save.stranded (alarm) x13, save.succeeded
    ");
}

/// There is no capacity for longer than a restore retries.
#[test]
fn no_room_for_two_days() {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, ask());
    world.pass(5);
    world.set_capacity(Capacity::Refused);
    world.sweep(48 * 12);
    world.set_capacity(Capacity::Available);
    world.sweep(6 * 12);
    assert_snapshot!(to_the_end(&world, &id), @r"
    as usual to 21.5s  AwaitSnapshots x3
        23.5s  RestartInstance !NoCapacity x61
    4h32m42.367s  RestoreInstance !NoCapacity x150 !RestoreGaveUp
    16h35m1.234s  Stranded
    16h35m1.234s  Failed RestoreGaveUp
    -- recovery 1
    16h35m05s  RestoreInstance !NoCapacity x150 !RestoreGaveUp
    28h37m23.867s  Stranded
    28h37m23.867s  Failed RestoreGaveUp
    -- recovery 2 alike, at 28h40m05s 40h42m23.867s 40h42m23.867s
    -- recovery 3
    40h45m05s  RestoreInstance x4 !NoCapacity x93
    48h02m38.867s  CompleteSave
    48h02m38.867s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 172958.8671875 s, and 172958.8671875 s by the record
    left: AMIs 1, snapshots 1
    notices: save.stranded (alarm) x3, save.succeeded
    ");
}

/// The instance is running, but its status checks cannot be read: that does not keep its duty open.
#[test]
fn status_checks_that_nobody_may_read() {
    let told = story_with(ask(), 5, |world| {
        world.admin.deny("DescribeInstanceStatus").unwrap();
    });
    assert_snapshot!(told, @r"
    as usual to 44s  AwaitImage x2
        1m35s  RegisterTemplate
        1m35s  CompleteSave
        1m35s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 38.5 s, and 39 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

/// Launches and starts by users are not retried automatically, and an exceeded quota is not reported as missing
/// capacity.
#[test]
fn a_launch_or_start_by_a_user_says_what_to_do() {
    let world = launched(Setup::seeded(11));
    let here = region();
    ask!(world, stop_instance(&ADA, &here, "work")).unwrap();
    world.pass(120);
    for (code, told, advice) in [
        (
            "InsufficientInstanceCapacity",
            Code::NoCapacity,
            "another size",
        ),
        ("VcpuLimitExceeded", Code::QuotaExceeded, "quota increase"),
    ] {
        let capacity = Capacity::RefusedAs(code.to_owned());
        world.admin.set_capacity(&region(), "*", capacity).unwrap();
        // The launch before has tried every zone: their turns are over.
        world.pass(60);
        let start = world.service.start_instance(&ADA, &here, "work");
        let request = launch_request("ubuntu", "other");
        for problem in [
            world.run(start).unwrap_err(),
            ask!(world, launch(&ADA, &request)).unwrap_err(),
        ] {
            assert_eq!(problem.code, told, "{problem:?}");
            assert!(problem.advice().contains(advice), "{}", problem.advice());
            assert!(!problem.advice().contains("automatically"), "{problem:?}");
        }
    }
}
