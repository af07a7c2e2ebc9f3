//! Saves that have EC2 reboot the instance instead of stopping it: it never leaves the state `running` (promise P1), keeps
//! what a stop would take, and its volumes are captured while its operating system is down.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use insta::assert_snapshot;
use prism_asl::{Functions, TaskFailure};
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::{Finding, SaveRecord, SaveRequest, SaveState};
use prism_functions::domain::{Code, How, InstanceId};
use prism_functions::operations::ScheduleEdit;
use prism_functions::ports::{Encryption, Reservation};
use prism_functions::steps;
use prism_local::ec2::{Admin, AtReboot, Capacity, Durations, InstanceFacts, Purchase, VolumeSpec};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::between::Between;
use prism_tests::story::to_the_end;
use prism_tests::untouched::{ask, edited, plans, refuses};
use prism_tests::world::{
    ADA, Setup, World, begun, id_of, launched, nightly, rebooting, region, schedule_request,
};
use prism_tests::{clean, world::copied};
use serde_json::Value;

/// The maximum ratio of the downtime to the necessary time.
const MOST: f64 = 1.10;

fn request() -> SaveRequest {
    rebooting(ask())
}

/// A running instance whose operating system does this when it is to reboot.
fn which(at_reboot: AtReboot) -> (World, InstanceId) {
    let world = launched(Setup::seeded(11));
    let id = id_of(&world);
    let edited = world.admin.edit(&id, |facts| facts.at_reboot = at_reboot);
    edited.unwrap();
    (world, id)
}

fn states(world: &World, id: &InstanceId, record: &SaveRecord) -> Vec<InstanceState> {
    let history = world.cloud.history_of(id).unwrap();
    let since = history.iter().filter(|(at, _)| *at >= record.started_at);
    since.map(|(_, state)| *state).collect()
}

#[test]
fn a_running_instance() {
    let (world, _) = which(AtReboot::Boots);
    let id = begun(&world, request());
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  CreateImage
           1s  AwaitSnapshots x13
          13s  AwaitRunning x6
          48s  AwaitImage x2
      1m24.5s  RegisterTemplate
      1m24.5s  CompleteSave
      1m24.5s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 32 s, and 13 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn an_instance_that_powers_itself_off_is_started_again() {
    let (world, _) = which(AtReboot::PowersOff);
    let id = begun(&world, request());
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  CreateImage
           1s  AwaitSnapshots x13
          13s  AwaitRunning x4
        30.5s  RestartInstance
        36.5s  AwaitRunning x3
          51s  AwaitImage x2
      1m24.5s  RegisterTemplate
      1m24.5s  CompleteSave
      1m24.5s  Succeeded
    save: succeeded as kept@1
    instance: running, down for 45.5 s, and 46 s by the record
    left: AMIs 1, snapshots 1
    notices: save.succeeded
    ");
}

#[test]
fn a_forced_reboot_fails_the_save() {
    let (world, _) = which(AtReboot::Hangs);
    let id = begun(&world, request());
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  CreateImage
           1s  AwaitSnapshots x97 !RebootForced
        4m05s  RestoreInstance x12
        5m00s  DiscardImage
        5m00s  FailSave
        5m00s  Failed RebootForced
    save: failed, RebootForced in AwaitSnapshots
    instance: running, down for 262 s, and nothing by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn an_image_that_fails_during_the_reboot() {
    let (world, _) = which(AtReboot::Boots);
    world.admin.fail_next_snapshot("why").unwrap();
    let id = begun(&world, request());
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  CreateImage
           1s  AwaitSnapshots x13
          13s  AwaitRunning x6
          48s  AwaitImage x2 !ImageFailed
      1m14.5s  RestoreInstance
      1m14.5s  DiscardImage
      1m14.5s  FailSave
      1m14.5s  Failed ImageFailed
    save: failed, ImageFailed in AwaitImage
    instance: running, down for 32 s, and 13 s by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
}

#[test]
fn a_save_that_is_cancelled_during_the_reboot_waits_until_it_is_over() {
    let (world, _) = which(AtReboot::PowersOff);
    let id = begun(&world, request());
    world.pass(5);
    let cancelled = world.service.cancel_save(&ADA, &id);
    world.must(cancelled);
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  CreateImage
           1s  AwaitSnapshots x5 !SaveCancelled
           5s  RestoreInstance x9
          45s  DiscardImage !NotReady x9
    5m25.859s  FailSave
    5m25.859s  Failed SaveCancelled
    save: cancelled, SaveCancelled in AwaitSnapshots
    instance: running, down for 45 s, and 45 s by the record
    left: AMIs 0, snapshots 0
    notices: save.cancelled
    ");
}

#[test]
fn the_instance_keeps_everything_that_a_stop_takes() {
    let (world, id) = edited(|facts| facts.instance_type = "m5d.large".to_owned());
    let guest = world
        .cloud
        .guest(world.ec2.account().clone(), region(), id.clone());
    let run = |words: &str, input: &str| {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        guest.run(&words, input.as_bytes()).unwrap()
    };
    run("tee /mnt/instance-store/scratch", "kept");
    let before = world.instance(id.as_str());
    let saved = world
        .save("ada", copied(request(), &["us-west-2"]))
        .unwrap();
    clean::check(&world, &saved);
    let after = world.instance(id.as_str());
    assert_eq!(after, before);
    assert!(before.public_ip.is_some());
    assert_eq!(run("cat /mnt/instance-store/scratch", "").stdout, "kept");
    assert_eq!(states(&world, &id, &saved), []);
    assert_eq!(saved.finding, Some(Finding::Original));
    assert_eq!(world.version("kept", 1).how, How::Reboot);
}

#[test]
fn it_needs_no_capacity_to_start_again() {
    let (world, id) = which(AtReboot::Boots);
    world.set_capacity(Capacity::Refused);
    let saved = world.save("ada", request()).unwrap();
    clean::check(&world, &saved);
    assert_eq!(saved.state, SaveState::Succeeded);
    assert_eq!(states(&world, &id, &saved), []);
}

#[test]
fn it_is_down_no_longer_than_necessary() {
    for (shutdown_s, volumes) in [(1, 0), (10, 0), (60, 5), (200, 1)] {
        let world = Setup::slow(3, |durations| {
            durations.shutdown = Duration::from_secs(shutdown_s);
        });
        let world = launched(world);
        let id = id_of(&world);
        for n in 0..volumes {
            let volume = VolumeSpec {
                device: format!("/dev/sd{}", char::from(b'f' + n)),
                size_gib: 1024,
                used_bytes: 700 << 30,
                encryption: Encryption::None,
                delete_on_termination: true,
            };
            world.admin.add_volume(&id, &volume).unwrap();
        }
        let saved = world.save("ada", request()).unwrap();
        clean::check(&world, &saved);
        let durations = Durations::default();
        let captured = Duration::from_secs(shutdown_s)
            + durations.snapshot_initiation
            + durations.snapshot_stagger * u32::from(volumes);
        let down = world
            .cloud
            .down(&id, saved.started_at, world.now())
            .unwrap();
        let (down, floor) = (
            down.as_secs_f64(),
            (captured + durations.boot).as_secs_f64(),
        );
        assert!(
            (floor..=floor * MOST).contains(&down),
            "{down} s of {floor}"
        );
        // The record ends with the snapshots. It shows them late by one poll, and the time of EC2's responses.
        let (noted, captured) = (saved.downtime_s.unwrap(), captured.as_secs_f64());
        assert!(
            (captured..=captured + 7.0).contains(&noted),
            "{noted} s of {captured}"
        );
    }
}

#[test]
fn a_stopped_instance_is_captured_as_it_is() {
    let (world, id) = which(AtReboot::Boots);
    world.admin.stop(&id).unwrap();
    world.pass(60);
    let plan = plans(&world, &request());
    assert_eq!(plan.expected_downtime_s, 0);
    let saved = world.save("ada", request()).unwrap();
    clean::check(&world, &saved);
    assert_eq!(states(&world, &id, &saved), []);
    assert_eq!(world.version("kept", 1).how, How::Stop);
}

#[test]
fn somebody_who_stops_the_instance_meanwhile_is_respected() {
    // While the operating system shuts down, right after the snapshots have begun, and after the save has seen them.
    for (after_s, code) in [(5, Some(Code::InstanceChanged)), (14, None), (60, None)] {
        let (world, id) = which(AtReboot::Boots);
        let save = begun(&world, request());
        world.pass(after_s);
        world.admin.stop(&id).unwrap();
        world.clock.run_until_idle().unwrap();
        let record = world.record(&save).unwrap();
        clean::check_released(&world, &record);
        let failure = record.failure.as_ref().map(|it| it.code.as_str());
        assert_eq!(failure, code.map(Code::as_str), "after {after_s} s");
        assert_eq!(world.instance(id.as_str()).state, InstanceState::Stopped);
    }
}

#[test]
fn snapshots_that_begin_after_somebody_ended_the_instance_are_discarded() {
    type Act = fn(&World, &InstanceId);
    let acts: [Act; 2] = [
        |world, id| world.admin.stop(id).unwrap(),
        |world, id| world.admin.terminate(id).unwrap(),
    ];
    for act in acts {
        // Its snapshots begin just before late effects are no longer awaited, and EC2 does not list them yet.
        let mut setup = Setup::seeded(11);
        setup.cloud.durations.shutdown = Duration::from_secs(43);
        let world = launched(setup);
        let id = id_of(&world);
        let save = begun(&world, request());
        world.pass(5);
        act(&world, &id);
        let cancelled = world.service.cancel_save(&ADA, &save);
        world.must(cancelled);
        world.clock.run_until_idle().unwrap();
        let record = world.record(&save).unwrap();
        assert_eq!(record.state, SaveState::Cancelled);
        clean::check_released(&world, &record);
        world.pass(600);
        let left = world.admin.inventory().unwrap();
        assert!(left.snapshots.is_empty(), "{left:#?}");
    }
}

#[test]
fn what_concerns_only_the_stop_does_not_prevent_a_reboot() {
    type Change = fn(&mut InstanceFacts);
    let changes: [(Change, Code); 4] = [
        (|facts| facts.stop_protection = true, Code::StopProtected),
        (
            |facts| facts.purchase = Purchase::SpotOneTime,
            Code::SpotInstance,
        ),
        (
            |facts| facts.instance_type = "g5.xlarge".to_owned(),
            Code::InstanceStoreData,
        ),
        (
            |facts| facts.ties.reservation = Some("cr-1".to_owned()),
            Code::ReservationEnds,
        ),
    ];
    for (change, code) in changes {
        let (world, _) = edited(change);
        let ends = Reservation {
            active: true,
            ends_at: Some(world.now() + Duration::from_mins(20)),
        };
        world.admin.set_reservation("cr-1", ends).unwrap();
        let problem = refuses(&world, &ask(), code, "work");
        assert!(problem.advice().contains("--how reboot"), "{problem:?}");
        let saved = world.save("ada", request()).unwrap();
        clean::check(&world, &saved);
        assert_eq!(saved.state, SaveState::Succeeded, "{code}: {saved:#?}");
    }
    // The others remain.
    let (world, _) = edited(|facts| facts.autoscaling_group = Some("web".to_owned()));
    refuses(&world, &request(), Code::AutoScalingMember, "reboots");
    let (world, _) = edited(|facts| facts.ebs_root = false);
    refuses(&world, &request(), Code::InstanceStoreRoot, "work");
    let (world, _) = edited(|facts| facts.ties.operator = Some("eks".to_owned()));
    refuses(&world, &request(), Code::ManagedInstance, "eks");
}

#[test]
fn a_reboot_needs_only_the_permission_to_create_an_image() {
    let (world, _) = which(AtReboot::Boots);
    world.admin.deny("StopInstances").unwrap();
    world.admin.deny("StartInstances").unwrap();
    let saved = world.save("ada", request()).unwrap();
    clean::check(&world, &saved);
    assert_eq!(saved.state, SaveState::Succeeded);
    world.admin.deny("CreateImage").unwrap();
    refuses(&world, &request(), Code::PermissionMissing, "CreateImage");
}

/// Takes the permission to create an image away right before the step that needs it.
#[derive(Clone, Default)]
struct Denies(Arc<OnceLock<Admin>>);

struct Denied(Arc<dyn Functions>, Denies);

impl Between for Denies {
    fn functions(&self, functions: Arc<dyn Functions>) -> Arc<dyn Functions> {
        Arc::new(Denied(functions, self.clone()))
    }
}

#[async_trait]
impl Functions for Denied {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let step = steps::find(function).map(|step| step.name);
        if step == Some("CreateImage") {
            self.1.0.get().unwrap().deny("CreateImage").unwrap();
        }
        self.0.invoke(function, payload).await
    }
}

#[test]
fn a_refused_image_is_no_reboot() {
    let denies = Denies::default();
    let world = launched(Setup {
        between: Arc::new(denies.clone()),
        ..Setup::seeded(11)
    });
    assert!(denies.0.set(world.admin.clone()).is_ok());
    let id = begun(&world, request());
    assert_snapshot!(to_the_end(&world, &id), @r"
           0s  PlanSave
           0s  CreateImage !PermissionMissing
           0s  RestoreInstance
           0s  DiscardImage
           0s  FailSave
           0s  Failed PermissionMissing
    save: failed, PermissionMissing in CreateImage
    instance: running, down for 0 s, and nothing by the record
    left: AMIs 0, snapshots 0
    notices: save.failed
    ");
    let record = world.record(&id).unwrap();
    assert_eq!(record.downtime_s, None);
    assert_eq!(record.image_requested_at, None);
}

#[test]
fn a_plan_recommends_the_reboot_where_a_stop_is_risky() {
    let (world, _) = edited(|facts| facts.instance_type = "g5g.xlarge".to_owned());
    let told = |request: &SaveRequest| {
        let warnings = plans(&world, request).warnings.into_iter();
        warnings.map(|it| (it.code, it.text)).collect::<Vec<_>>()
    };
    let of_stop = told(&ask());
    let codes: Vec<_> = of_stop.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["PublicIpChanges", "CapacityAtRisk"]);
    assert!(
        of_stop
            .iter()
            .all(|(_, text)| text.contains("--how reboot: it is down for about a minute"))
    );
    let of_reboot = told(&request());
    assert_eq!(of_reboot.len(), 1, "{of_reboot:?}");
    assert_eq!(of_reboot[0].0, "BootNotShown");
}

#[test]
fn a_schedule_reboots_once_it_is_changed_to() {
    let (world, id) = which(AtReboot::Boots);
    let schedule = schedule_request("nightly", ask());
    ask!(world, create_schedule(&ADA, schedule)).unwrap();
    let edit = ScheduleEdit {
        how: Some(How::Reboot),
        ..ScheduleEdit::default()
    };
    let edited = ask!(world, edit_schedule(&ADA, &nightly(), edit)).unwrap();
    assert_eq!(edited.request, request());
    let started = ask!(world, run_schedule(&ADA, &nightly(), None)).unwrap();
    world.clock.run_until_idle().unwrap();
    let record = world.record(&started.save_id).unwrap();
    clean::check(&world, &record);
    assert_eq!(record.version, Some(1), "{:?}", record.failure);
    assert_eq!(states(&world, &id, &record), []);
}
