//! Saves as stories: what happened when, how they ended, and what is left.

use insta::assert_snapshot;
use prism_functions::domain::SaveId;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::story::{story_with, tell, to_the_end};
use prism_tests::untouched::ask;
use prism_tests::world::{
    ADA, Setup, World, begun, copied, id_of, launched, public, region, save_request,
};

/// A world in which Ada has a running instance called `work`.
fn world() -> World {
    launched(Setup::seeded(11))
}

#[test]
fn a_running_instance() {
    assert_snapshot!(story_with(ask(), 0, |_| {}), @r"
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

#[test]
fn an_instance_that_was_stopped() {
    let world = world();
    world.admin.stop(&id_of(&world)).unwrap();
    world.pass(60);
    let id = begun(&world, ask());
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  CreateImage
           1s  AwaitSnapshots x3
           8s  AwaitImage x2
      1m14.5s  RegisterTemplate
      1m14.5s  CompleteSave
      1m14.5s  Succeeded
    save: succeeded as kept@1
    instance: stopped
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn two_regions_of_which_one_fails() {
    let told = story_with(copied(ask(), &["us-west-2", "eu-west-1"]), 60, |world| {
        world.admin.fail_next_copy("no key there").unwrap();
    });
    assert_snapshot!(told, @r"
    as usual to 44s  AwaitImage x2
        1m35s  CopyImage x2
        1m50s  AwaitCopy x7 !CopyFailed
        3m37s  FailCopy
        3m37s  AwaitCopy
        3m37s  RegisterTemplate
        3m37s  CompleteSave
        3m37s  Succeeded
    save: succeeded as kept@1, eu-west-1 failed, us-west-2 available
    instance: running, down for 38.5 s, and 39 s by the record
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
    as usual to 29.5s  AwaitRunning x3
          44s  AwaitImage x2 !ImageFailed
        1m35s  RestoreInstance
        1m35s  DiscardImage
        1m35s  FailSave
        1m35s  Failed ImageFailed
    save: failed, ImageFailed in AwaitImage
    instance: running, down for 38.5 s, and 39 s by the record
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
    as usual to 29.5s  AwaitRunning x3
          44s  AwaitImage x2 !ImageFailed
        1m25s  RestoreInstance
        1m25s  DiscardImage
        1m25s  FailSave
        1m25s  Failed ImageFailed
    save: failed, ImageFailed in AwaitImage
    instance: running, down for 38.5 s, and 39 s by the record
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
    as usual to 44s  AwaitImage x2
        1m03s  RegisterTemplate
        1m03s  CompleteSave
        1m03s  Succeeded
    save: succeeded as kept@2
    instance: running, down for 38.5 s, and 39 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
    assert_snapshot!(tell(&world, &first), @r"
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

#[test]
fn a_template_for_the_world() {
    let world = launched(Setup::seeded(11).open_to_the_world());
    world.admin.block_public_images(&region(), false).unwrap();
    let id = begun(&world, public(ask()));
    assert_snapshot!(to_the_end(&world, &id), @r"
    as usual to 44s  AwaitImage x2
        1m35s  RegisterTemplate
        1m35s  CompleteSave
        1m35s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 38.5 s, and 39 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
    let image = world.record(&id).unwrap().image.unwrap();
    let ec2 = &world.service.env.ec2;
    let permissions = world.run(ec2.launch_permissions(&region(), &image));
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
           0s  PlanSave x5
     1m3.336s  StopInstance
     1m9.336s  AwaitStopped x4
    1m23.836s  CreateImage
    1m24.836s  AwaitSnapshots x3
    1m26.836s  RestartInstance
    1m32.836s  AwaitRunning x3
    1m47.336s  AwaitImage x2
    2m38.336s  RegisterTemplate
    2m38.336s  CompleteSave
    2m38.336s  Succeeded
    save: succeeded as work-9@1
    instance: running, down for 38.5 s, and 39 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn a_save_that_is_cancelled() {
    let told = story_with(ask(), 21, |world| {
        let saves = ask!(world, saves(&ADA, 1, None));
        let id = saves.unwrap().items[0].save_id.clone();
        ask!(world, cancel_save(&ADA, &id)).unwrap();
    });
    assert_snapshot!(told, @r"
    as usual to 20.5s  CreateImage
        21.5s  AwaitSnapshots !SaveCancelled
        21.5s  RestoreInstance x4
        36.5s  DiscardImage !NotReady x4
    1m17.125s  FailSave
    1m17.125s  Failed SaveCancelled
    save: cancelled, SaveCancelled in AwaitSnapshots
    instance: running, down for 36.5 s, and 36.5 s by the record
    left: AMIs 0, snapshots 0
    notices: save.cancelled
    ");
}

#[test]
fn a_permission_that_is_taken_away_after_the_plan() {
    let told = story_with(ask(), 5, |world| world.admin.deny("CreateImage").unwrap());
    assert_snapshot!(told, @r"
    as usual to 6s  AwaitStopped x4
        20.5s  CreateImage !PermissionMissing
        20.5s  RestoreInstance x4
        35.5s  DiscardImage
        35.5s  FailSave
        35.5s  Failed PermissionMissing
    save: failed, PermissionMissing in CreateImage
    instance: running, down for 35.5 s, and 35.5 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}
