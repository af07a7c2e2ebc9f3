//! Stories of instances that do not stop, or do not come back, as they should (promise P1).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use insta::assert_snapshot;
use prism_functions::domain::SaveId;
use prism_functions::domain::save::{SaveRequest, SaveState};
use prism_functions::ports::{Encryption, Image, ImageState, StateReason};
use prism_local::ec2::Capacity;
use prism_local::executions::{DEFINITION, load};
use prism_tests::bent::Bent;
use prism_tests::clean;
use prism_tests::story::tell;
use prism_tests::world::{Setup, World, begun, id_of, launched, region, save_request};

fn ask() -> SaveRequest {
    save_request("work", "kept")
}

/// The story of a save from here to its end, which must be clean.
fn story(world: &World, id: &SaveId) -> String {
    world.clock.run_until_idle().unwrap();
    world.pass(300);
    clean::check(world, &world.record(id).unwrap());
    tell(world, id)
}

/// The same with something that happens some seconds after the beginning.
fn story_with(after_s: u64, act: impl FnOnce(&World)) -> String {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, ask());
    world.pass(after_s);
    act(&world);
    story(&world, &id)
}

/// Sweeps as EventBridge Scheduler does: every five minutes.
fn sweep(world: &World, times: u32) {
    for _ in 0..times {
        world.clock.run(world.service.sweep()).unwrap();
        world.pass(300);
    }
}

#[test]
fn no_room_for_two_hours() {
    let told = story_with(5, |world| {
        world
            .admin
            .set_capacity(&region(), "*", Capacity::Refused)
            .unwrap();
        world.pass(2 * 3600);
        world
            .admin
            .set_capacity(&region(), "*", Capacity::Available)
            .unwrap();
    });
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance !NoCapacity x30
    2h02m41.867s  AwaitRunning x9
    2h02m57.867s  AwaitImage
    2h02m57.867s  RegisterTemplate
    2h02m57.867s  CompleteSave
    2h02m57.867s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 7376.8671875 s, and 7377.8671875 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn a_start_that_falls_back() {
    let told = story_with(5, |world| {
        world
            .admin
            .set_capacity(&region(), "*", Capacity::FailsLate)
            .unwrap();
        world.pass(60);
        world
            .admin
            .set_capacity(&region(), "*", Capacity::Available)
            .unwrap();
    });
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  (RestartInstance, AwaitRunning) x3
        1m41s  AwaitImage
        1m41s  RegisterTemplate
        1m41s  CompleteSave
        1m41s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 100 s, and 101 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn no_room_for_longer_than_the_save_waits() {
    let told = story_with(5, |world| {
        world
            .admin
            .set_capacity(&region(), "*", Capacity::FailsLate)
            .unwrap();
        world.pass(2 * 3600);
        world
            .admin
            .set_capacity(&region(), "*", Capacity::Available)
            .unwrap();
    });
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  (RestartInstance, AwaitRunning) x52
       30m19s  RestartInstance
       30m19s  AwaitRunning x3 !RestartTimedOut
       30m39s  RestoreInstance x63
     2h08m51s  DiscardImage
     2h08m51s  FailSave
     2h08m51s  Failed RestartTimedOut
    save: failed, RestartTimedOut in RestartInstance
    instance: running, down for 7446 s, and 7731 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn a_key_that_is_lost_and_mended() {
    let key = "arn:aws:kms:us-east-1:111122223333:key/1";
    let world = launched(Setup::seeded(11));
    let instance = id_of(&world);
    let volume = world.instance(instance.as_str()).volumes[0].volume.clone();
    let encryption = Encryption::CustomerKey(key.to_owned());
    world.admin.set_encryption(&volume, encryption).unwrap();
    let id = begun(&world, ask());
    world.pass(22);
    world.admin.set_key_accessible(key, false).unwrap();
    world.clock.run_until_idle().unwrap();
    assert_snapshot!(tell(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance
          23s  AwaitRunning x9 !RestoreImpossible
          39s  RestoreInstance !RestoreImpossible
          39s  Stranded
          39s  Failed RestoreImpossible
    save: stranded, RestoreImpossible in RestoreInstance
    instance: stopped, down for 39 s, and nothing by the record
    left: AMIs 1, snapshots 1
    notices: save.stranded (alarm)
    ");
    // Nothing changes that by itself.
    sweep(&world, 3);
    assert_eq!(world.record(&id).unwrap().state, SaveState::Stranded);
    world.admin.set_key_accessible(key, true).unwrap();
    let ada = prism_tests::world::caller("ada");
    world
        .clock
        .run(world.service.start_instance(&ada, &region(), "work"))
        .unwrap();
    world.pass(60);
    sweep(&world, 1);
    assert_snapshot!(story(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance
          23s  AwaitRunning x9 !RestoreImpossible
          39s  RestoreInstance !RestoreImpossible
          39s  Stranded
          39s  Failed RestoreImpossible
    -- recovery 1
       16m39s  RestoreInstance
       16m39s  DiscardImage
       16m39s  FailSave
       16m39s  Failed SaveInterrupted
    save: failed, RestoreImpossible in RestoreInstance
    instance: running, down for 954 s, and 999 s by the record
    left: AMIs 0, snapshots 0
    notices: save.stranded (alarm), save.failed
    ");
}

#[test]
fn a_stop_that_takes_too_long() {
    let world = launched(Setup::slow(11, |d| d.stop = Duration::from_mins(16)));
    let id = begun(&world, ask());
    assert_snapshot!(story(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x168 !StopTimedOut
       15m03s  RestoreInstance x16
       16m18s  DiscardImage
       16m18s  FailSave
       16m18s  Failed StopTimedOut
    save: failed, StopTimedOut in AwaitStopped
    instance: running, down for 978 s, and 978 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn a_termination_while_it_stops() {
    let told = story_with(7, |world| world.admin.terminate(&id_of(world)).unwrap());
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x5 !InstanceGone
           8s  RestoreInstance
           8s  DiscardImage
           8s  FailSave
           8s  Failed InstanceGone
    save: failed, InstanceGone in AwaitStopped
    instance: terminated, down for 8 s, and nothing by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn somebody_starts_it_before_its_volumes_are_captured() {
    let told = story_with(21, |world| world.admin.start(&id_of(world)).unwrap());
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4 !InstanceChanged
          23s  RestoreInstance x4
          38s  DiscardImage !NotReady x2
        50.5s  FailSave
        50.5s  Failed InstanceChanged
    save: failed, InstanceChanged in AwaitSnapshots
    instance: running, down for 36 s, and 38 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn somebody_starts_it_once_its_volumes_are_captured() {
    // The snapshots are told of only five seconds after their moment.
    let world = launched(Setup::slow(11, |d| d.consistency = Duration::from_secs(5)));
    let id = begun(&world, ask());
    world.pass(24);
    world.admin.start(&id_of(&world)).unwrap();
    let told = story(&world, &id);
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x8
          27s  RestartInstance
          27s  AwaitRunning x7
          39s  AwaitImage x5
        1m40s  RegisterTemplate
        1m40s  CompleteSave
        1m40s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 39 s, and 39 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

/// EC2 gives the image up before any volume is captured: nobody waits ten minutes for a snapshot.
#[test]
fn an_image_that_fails_before_its_snapshots() {
    fn failed(image: Image) -> Image {
        let ours = image.tags.contains_key(prism_functions::steps::SAVE_TAG);
        let reason = StateReason {
            code: "Client.ImageCreationFailed".to_owned(),
            message: "EC2 had a bad day".to_owned(),
        };
        match (ours, image.state) {
            (true, ImageState::Pending) => Image {
                state: ImageState::Failed,
                state_reason: Some(reason),
                ..image
            },
            _ => image,
        }
    }
    let world = launched(Setup {
        bend: |ec2| {
            std::sync::Arc::new(Bent {
                images: failed,
                snapshots: |_| false,
                ..Bent::straight(ec2)
            })
        },
        ..Setup::slow(11, |d| d.snapshot_initiation = Duration::from_hours(1))
    });
    let id = begun(&world, ask());
    assert_snapshot!(story(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x2 !ImageFailed
          21s  RestoreInstance x4
          36s  DiscardImage !NotReady x3
       59.75s  FailSave
       59.75s  Failed ImageFailed
    save: failed, ImageFailed in AwaitSnapshots
    instance: running, down for 36 s, and 36 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

/// The execution's own time is out, which no Catch sees: the sweep brings the instance back.
#[test]
fn an_execution_whose_time_is_out() {
    let shorter = DEFINITION.replace("\"TimeoutSeconds\": 259200", "\"TimeoutSeconds\": 25");
    let world = launched(Setup {
        machine: std::sync::Arc::new(load(&shorter).unwrap()),
        ..Setup::seeded(11)
    });
    let id = begun(&world, ask());
    world.clock.run_until_idle().unwrap();
    sweep(&world, 2);
    assert_snapshot!(story(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance
          23s  AwaitRunning
          25s  TimedOut
    -- recovery 1
          25s  RestoreInstance x4
          40s  DiscardImage !NotReady x2
          50s  TimedOut
    -- recovery 2
        5m25s  RestoreInstance
        5m25s  DiscardImage
        5m25s  FailSave
        5m25s  Failed SaveInterrupted
    save: failed, SaveInterrupted in AwaitRunning
    instance: running, down for 38 s, and 40 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

/// The permission to start it is lost for a day, and nobody looks: the sweep tries again by itself.
#[test]
fn a_permission_that_comes_back_only_after_a_day() {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, ask());
    world.pass(5);
    world.admin.deny("StartInstances").unwrap();
    world.clock.run_until_idle().unwrap();
    assert_eq!(world.record(&id).unwrap().state, SaveState::Stranded);
    sweep(&world, 24 * 12);
    world.admin.allow("StartInstances").unwrap();
    sweep(&world, 6 * 12);
    assert_snapshot!(story(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance !PermissionMissing
          23s  RestoreInstance !PermissionMissing
          23s  Stranded
          23s  Failed PermissionMissing
    -- recovery 1
          23s  RestoreInstance !PermissionMissing
          23s  Stranded
          23s  Failed PermissionMissing
    -- recovery 2
        5m23s  RestoreInstance !PermissionMissing
        5m23s  Stranded
        5m23s  Failed PermissionMissing
    -- recovery 3
       10m23s  RestoreInstance !PermissionMissing
       10m23s  Stranded
       10m23s  Failed PermissionMissing
    -- recovery 4
       15m23s  RestoreInstance !PermissionMissing
       15m23s  Stranded
       15m23s  Failed PermissionMissing
    -- recovery 5
       25m23s  RestoreInstance !PermissionMissing
       25m23s  Stranded
       25m23s  Failed PermissionMissing
    -- recovery 6
       45m23s  RestoreInstance !PermissionMissing
       45m23s  Stranded
       45m23s  Failed PermissionMissing
    -- recovery 7
     1h25m23s  RestoreInstance !PermissionMissing
     1h25m23s  Stranded
     1h25m23s  Failed PermissionMissing
    -- recovery 8
     2h45m23s  RestoreInstance !PermissionMissing
     2h45m23s  Stranded
     2h45m23s  Failed PermissionMissing
    -- recovery 9
     5h25m23s  RestoreInstance !PermissionMissing
     5h25m23s  Stranded
     5h25m23s  Failed PermissionMissing
    -- recovery 10
    10h45m23s  RestoreInstance !PermissionMissing
    10h45m23s  Stranded
    10h45m23s  Failed PermissionMissing
    -- recovery 11
    16h45m23s  RestoreInstance !PermissionMissing
    16h45m23s  Stranded
    16h45m23s  Failed PermissionMissing
    -- recovery 12
    22h45m23s  RestoreInstance !PermissionMissing
    22h45m23s  Stranded
    22h45m23s  Failed PermissionMissing
    -- recovery 13
    28h45m23s  RestoreInstance x4
    28h45m38s  DiscardImage
    28h45m38s  FailSave
    28h45m38s  Failed SaveInterrupted
    save: failed, PermissionMissing in RestoreInstance
    instance: running, down for 103538 s, and 103538 s by the record
    left: AMIs 0, snapshots 0
    notices: save.stranded (alarm) x13, save.failed
    ");
}

/// There is no room for longer than a restore tries.
#[test]
fn no_room_for_two_days() {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, ask());
    world.pass(5);
    world
        .admin
        .set_capacity(&region(), "*", Capacity::Refused)
        .unwrap();
    sweep(&world, 48 * 12);
    world
        .admin
        .set_capacity(&region(), "*", Capacity::Available)
        .unwrap();
    sweep(&world, 6 * 12);
    assert_snapshot!(story(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance !NoCapacity x61
    4h32m41.867s  RestoreInstance !NoCapacity x150 !RestoreGaveUp
    16h35m0.734s  Stranded
    16h35m0.734s  Failed RestoreGaveUp
    -- recovery 1
    16h35m05s  RestoreInstance !NoCapacity x150 !RestoreGaveUp
    28h37m23.867s  Stranded
    28h37m23.867s  Failed RestoreGaveUp
    -- recovery 2
    28h40m05s  RestoreInstance !NoCapacity x150 !RestoreGaveUp
    40h42m23.867s  Stranded
    40h42m23.867s  Failed RestoreGaveUp
    -- recovery 3
    40h45m05s  RestoreInstance x4 !NoCapacity x93
    48h02m38.867s  DiscardImage
    48h02m38.867s  FailSave
    48h02m38.867s  Failed SaveInterrupted
    save: failed, RestoreGaveUp in RestoreInstance
    instance: running, down for 172958.8671875 s, and 172958.8671875 s by the record
    left: AMIs 0, snapshots 0
    notices: save.stranded (alarm) x3, save.failed
    ");
}
