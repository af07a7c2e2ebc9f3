//! Saves as stories: what happened when, how it ended, and what is left.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use insta::assert_snapshot;
use prism_functions::domain::SaveId;
use prism_functions::domain::save::SaveRequest;
use prism_functions::steps::{PublicScope, Settings};
use prism_tests::story::{tell, to_the_end};
use prism_tests::world::{Setup, World, begun, caller, id_of, launched, region, save_request};

/// A world in which Ada has a running instance called `work`.
fn world() -> World {
    launched(Setup::seeded(11))
}

fn ask() -> SaveRequest {
    save_request("work", "kept")
}

fn copied(regions: &[&str]) -> SaveRequest {
    SaveRequest {
        copy_to: regions.iter().map(|name| name.parse().unwrap()).collect(),
        ..ask()
    }
}

/// The story of a save with something that happens some seconds after the beginning.
fn story_with(request: SaveRequest, after_s: u64, act: impl FnOnce(&World)) -> String {
    let world = world();
    let id = begun(&world, request);
    world.pass(after_s);
    act(&world);
    to_the_end(&world, &id)
}

#[test]
fn a_running_instance() {
    assert_snapshot!(story_with(ask(), 0, |_| {}), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance
          23s  AwaitRunning x9
          39s  AwaitImage x4
        1m15s  AwaitImageEvent
        1m34s  AwaitImage
        1m34s  RegisterTemplate
        1m34s  CompleteSave
        1m34s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 38 s, and 39 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn an_instance_that_was_stopped() {
    let world = world();
    world.admin.stop(&id_of(&world)).unwrap();
    world.pass(60);
    let id = begun(&world, ask());
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  CreateImage
           0s  AwaitSnapshots x4
           3s  AwaitImage x4
          39s  AwaitImageEvent
        1m14s  AwaitImage
        1m14s  RegisterTemplate
        1m14s  CompleteSave
        1m14s  Succeeded
    save: succeeded as kept@1
    instance: stopped
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn two_regions_of_which_one_fails() {
    let request = copied(&["us-west-2", "eu-west-1"]);
    let told = story_with(request, 60, |world| {
        world.admin.fail_next_copy("no key there").unwrap();
    });
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance
          23s  AwaitRunning x9
          39s  AwaitImage x4
        1m15s  AwaitImageEvent
        1m34s  AwaitImage
        1m34s  CopyImage
        1m34s  AwaitCopy
        1m34s  CopyImage
        1m34s  AwaitCopy x8 !CopyFailed
        3m36s  FailCopy
        3m36s  AwaitCopy
        3m36s  RegisterTemplate
        3m36s  CompleteSave
        3m36s  Succeeded
    save: succeeded as kept@1, eu-west-1 failed, us-west-2 available
    instance: running, down for 38 s, and 39 s by the record
    left: AMIs 2, snapshots 2
    notices: save.succeeded
    ");
}

#[test]
fn an_image_that_fails_after_the_restart() {
    let world = world();
    world.admin.fail_next_image("EC2 had a bad day").unwrap();
    let id = begun(&world, ask());
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance
          23s  AwaitRunning x9
          39s  AwaitImage x4
        1m15s  AwaitImageEvent
        1m34s  AwaitImage !ImageFailed
        1m34s  RestoreInstance
        1m34s  DiscardImage
        1m34s  FailSave
        1m34s  Failed ImageFailed
    save: failed, ImageFailed in AwaitImage
    instance: running, down for 38 s, and 39 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn a_snapshot_that_fails() {
    let world = world();
    world.admin.fail_next_snapshot("EBS had a bad day").unwrap();
    let id = begun(&world, ask());
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance
          23s  AwaitRunning x9
          39s  AwaitImage x4
        1m15s  AwaitImageEvent
        1m24s  AwaitImage !ImageFailed
        1m24s  RestoreInstance
        1m24s  DiscardImage
        1m24s  FailSave
        1m24s  Failed ImageFailed
    save: failed, ImageFailed in AwaitImage
    instance: running, down for 38 s, and 39 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn a_second_version() {
    let world = world();
    let first = begun(&world, ask());
    to_the_end(&world, &first);
    let second = begun(&world, ask());
    assert_snapshot!(to_the_end(&world, &second), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance
          23s  AwaitRunning x9
          39s  AwaitImage x4
        1m15s  RegisterTemplate
        1m15s  CompleteSave
        1m15s  Succeeded
    save: succeeded as kept@2
    instance: running, down for 38 s, and 39 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
    assert_snapshot!(tell(&world, &first), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance
          23s  AwaitRunning x9
          39s  AwaitImage x4
        1m15s  AwaitImageEvent
        1m34s  AwaitImage
        1m34s  RegisterTemplate
        1m34s  CompleteSave
        1m34s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 38 s, and 39 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn a_template_for_the_world() {
    let world = launched(Setup {
        settings: Settings {
            public_scope: PublicScope::World,
            ..Settings::default()
        },
        ..Setup::seeded(11)
    });
    world.admin.block_public_images(&region(), false).unwrap();
    let id = begun(
        &world,
        SaveRequest {
            public: true,
            ..ask()
        },
    );
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x4
          23s  RestartInstance
          23s  AwaitRunning x9
          39s  AwaitImage x4
        1m15s  AwaitImageEvent
        1m34s  AwaitImage
        1m34s  RegisterTemplate
        1m34s  CompleteSave
        1m34s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 38 s, and 39 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
    let image = world.record(&id).unwrap().image.unwrap();
    let ec2 = &world.service.env.ec2;
    let permissions = world.clock.run(ec2.launch_permissions(&region(), &image));
    assert_snapshot!(format!("{permissions:?}"), @"Ok([Everyone])");
}

#[test]
fn everything_is_throttled_hard() {
    let world = world();
    let names: Vec<String> = (0..10).map(|n| format!("work-{n}")).collect();
    for name in &names {
        world.launch("ada", "ubuntu", name);
    }
    let mut settings = world.cloud.settings().unwrap();
    settings.throttles.scale_percent = 10;
    world.cloud.set_settings(settings).unwrap();
    let begin = |name: &String| begun(&world, save_request(name, name));
    let ids: Vec<SaveId> = names.iter().map(begin).collect();
    let stories: Vec<String> = ids.iter().map(|id| to_the_end(&world, id)).collect();
    assert_snapshot!(stories[9], @r"
           0s  PlanSave !Throttled x5
      13.447s  StopInstance !Throttled x5
      30.377s  AwaitStopped x17
      50.377s  CreateImage !Throttled
      50.923s  AwaitSnapshots x4
      53.923s  RestartInstance
      53.923s  AwaitRunning x9 !Throttled
    1m10.415s  AwaitImage x4
    1m46.415s  AwaitImageEvent
     2m4.923s  AwaitImage
     2m4.923s  RegisterTemplate
     2m4.923s  CompleteSave
     2m4.923s  Succeeded
    save: succeeded as work-9@1
    instance: running, down for 38.545565132 s, and 40.038135167 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn a_save_that_is_cancelled() {
    let told = story_with(ask(), 21, |world| {
        let saves = world
            .clock
            .run(world.service.saves(&caller("ada"), 1, None));
        let id = saves.unwrap().items[0].save_id.clone();
        world
            .clock
            .run(world.service.cancel_save(&caller("ada"), &id))
            .unwrap();
    });
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage
          20s  AwaitSnapshots x2 !SaveCancelled
          21s  RestoreInstance x4
          36s  DiscardImage !NotReady x4
    1m16.625s  FailSave
    1m16.625s  Failed SaveCancelled
    save: cancelled, SaveCancelled in AwaitSnapshots
    instance: running, down for 36 s, and 36 s by the record
    left: AMIs 0, snapshots 0
    notices: save.cancelled
    ");
}

#[test]
fn a_permission_that_is_taken_away_after_the_plan() {
    let told = story_with(ask(), 5, |world| world.admin.deny("CreateImage").unwrap());
    assert_snapshot!(told, @r"
           0s  PlanSave
           0s  StopInstance
           0s  AwaitStopped x17
          20s  CreateImage !PermissionMissing
          20s  RestoreInstance x4
          35s  DiscardImage !NotReady x4
    1m15.625s  FailSave
    1m15.625s  Failed PermissionMissing
    save: failed, PermissionMissing in CreateImage
    instance: running, down for 35 s, and 35 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}
