//! Saves that do not get as far as the restart, or are interrupted (promise P1), described as stories.

use std::time::Duration;

use insta::assert_snapshot;
use prism_functions::ports::{Image, ImageState, StateReason};
use prism_local::executions::{DEFINITION, load};
use prism_tests::bent::Bent;
use prism_tests::story::{story_with, to_the_end};
use prism_tests::untouched::ask;
use prism_tests::world::{Setup, begun, id_of, launched};

#[test]
fn a_stop_that_takes_too_long() {
    let world = launched(Setup::slow(11, |d| d.stop = Duration::from_mins(16)));
    let id = begun(&world, ask());
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           6s  AwaitStopped x130 !StopTimedOut
       15m00s  RestoreInstance x16
       16m15s  DiscardImage
       16m15s  FailSave
       16m15s  Failed StopTimedOut
    save: failed, StopTimedOut in AwaitStopped
    instance: running, down for 975 s, and 975 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn a_termination_while_it_stops() {
    let told = story_with(ask(), 7, |world| {
        world.admin.terminate(&id_of(world)).unwrap();
    });
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           6s  AwaitStopped x2 !InstanceGone
          12s  RestoreInstance
          12s  DiscardImage
          12s  FailSave
          12s  Failed InstanceGone
    save: failed, InstanceGone in AwaitStopped
    instance: terminated, down for 12 s, and nothing by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn somebody_starts_it_before_its_volumes_are_captured() {
    let told = story_with(ask(), 21, |world| world.admin.start(&id_of(world)).unwrap());
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           6s  AwaitStopped x4
        20.5s  CreateImage
        21.5s  AwaitSnapshots x3 !InstanceChanged
        23.5s  RestoreInstance x4
        38.5s  DiscardImage !NotReady x4
    1m19.125s  FailSave
    1m19.125s  Failed InstanceChanged
    save: failed, InstanceChanged in AwaitSnapshots
    instance: running, down for 36 s, and 38.5 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn somebody_starts_it_once_its_volumes_are_captured() {
    // The snapshots only become visible five seconds after they were started.
    let world = launched(Setup::slow(11, |d| d.consistency = Duration::from_secs(5)));
    let id = begun(&world, ask());
    world.pass(24);
    world.admin.start(&id_of(&world)).unwrap();
    let told = to_the_end(&world, &id);
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           6s  AwaitStopped x4
        20.5s  CreateImage
        21.5s  AwaitSnapshots x7
        27.5s  RestartInstance
        33.5s  AwaitRunning x2
        44.5s  AwaitImage x2
        1m35s  RegisterTemplate
        1m35s  CompleteSave
        1m35s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 39 s, and 39.5 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

/// EC2 fails the image before any volume is captured: the save must not wait ten minutes for a snapshot.
#[test]
fn an_image_that_fails_before_its_snapshots() {
    fn failed(image: Image) -> Image {
        let ours = image
            .tags
            .contains_key(prism_functions::domain::tags::SAVE_TAG);
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
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           6s  AwaitStopped x4
        20.5s  CreateImage
        21.5s  AwaitSnapshots !ImageFailed
        21.5s  RestoreInstance x4
        36.5s  DiscardImage !NotReady x4
    1m17.125s  FailSave
    1m17.125s  Failed ImageFailed
    save: failed, ImageFailed in AwaitSnapshots
    instance: running, down for 36.5 s, and 36.5 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

/// The execution itself times out, which no Catch handles. The sweep brings the instance back.
#[test]
fn an_execution_whose_time_is_out() {
    let shorter = DEFINITION.replace("\"TimeoutSeconds\": 259200", "\"TimeoutSeconds\": 25");
    let world = launched(Setup {
        machine: std::sync::Arc::new(load(&shorter).unwrap()),
        ..Setup::seeded(11)
    });
    let id = begun(&world, ask());
    world.clock.run_until_idle().unwrap();
    world.sweep(2);
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           6s  AwaitStopped x4
        20.5s  CreateImage
        21.5s  AwaitSnapshots x3
        23.5s  RestartInstance
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
    instance: running, down for 38.5 s, and 40 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

/// The registry's permission is removed while the instance is down. The failure is reported at once instead of being
/// retried for hours. Once the permission is back, the sweep brings the instance back.
#[test]
fn a_registry_that_refuses_while_the_instance_is_down() {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, ask());
    world.pass(7);
    world.table.refuse(true);
    world.pass(600);
    world.table.refuse(false);
    world.sweep(2);
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           6s  AwaitStopped x2 !PermissionMissing
          12s  RestoreInstance !PermissionMissing
          12s  Stranded !PermissionMissing
          12s  Failed PermissionMissing
    -- recovery 1
       10m07s  RestoreInstance x4
       10m22s  DiscardImage
       10m22s  FailSave
       10m22s  Failed SaveInterrupted
    save: failed, SaveInterrupted in AwaitStopped
    instance: running, down for 622 s, and 622 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}
