//! Instances: their states over time, and what EC2 refuses.

use std::time::Duration;

use futures::executor::block_on;
use prism_functions::domain::Region;
use prism_functions::domain::ec2::{InstanceState, StatusChecks};
use prism_functions::ports::{
    Ec2, Ec2ErrorKind, Encryption, InstanceFilter, KeyState, NewImage, NewVolume, Parameters,
    Probe, Tags,
};

use super::{World, account, assert_refused, code, launch, region};
use crate::ec2::{Capacity, Durations, KeyPolicy, Purchase, Settings, TYPES, VolumeSpec};

const PARAMETER: &str =
    "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ami-id";

#[test]
fn a_stop_and_a_start_pass_through_their_intermediates() {
    let w = World::new();
    let id = w.running();
    let address = w.instance(&id).public_ip;
    let before = w.clock.0.lock().unwrap().to_owned();
    w.stop(&id).unwrap();
    assert_eq!(w.state(&id), InstanceState::Stopping);
    assert_refused(w.start(&id), "IncorrectInstanceState");
    w.stop(&id).unwrap();
    w.wait(19);
    assert_eq!(w.state(&id), InstanceState::Stopping);
    w.wait(1);
    let stopped = w.instance(&id);
    assert_eq!(stopped.state, InstanceState::Stopped);
    assert_eq!(
        stopped.state_reason.unwrap().code,
        "Client.UserInitiatedShutdown"
    );
    assert_eq!(stopped.transitioned_at, Some(before));
    assert_eq!(stopped.public_ip, None);
    w.start(&id).unwrap();
    assert_eq!(w.state(&id), InstanceState::Pending);
    w.wait(15);
    let running = w.instance(&id);
    assert_eq!(
        (running.state, running.state_reason),
        (InstanceState::Running, None)
    );
    assert_ne!(running.public_ip, address);
    let down = w
        .cloud
        .not_running(&id, before, before + Duration::from_secs(999));
    assert_eq!(down.unwrap(), Duration::from_secs(35));
    let events = w.cloud.events_of(id.as_str()).unwrap();
    let after = w.cloud.events_after(Some(events[0].number)).unwrap();
    assert_eq!(after, events[1..]);
    let story: Vec<String> = events.iter().map(ToString::to_string).collect();
    assert!(story.last().unwrap().ends_with("running"), "{story:?}");
}

#[test]
fn status_checks_pass_some_time_after_running() {
    let w = World::new();
    let id = w.stopped();
    let checks = || block_on(w.ec2.status_checks(&w.region, &id)).unwrap();
    assert_eq!(checks(), StatusChecks::NotApplicable);
    w.start_fully(&id);
    assert_eq!(checks(), StatusChecks::Initializing);
    w.wait(120);
    assert_eq!(checks(), StatusChecks::Ok);
}

#[test]
fn an_elastic_address_stays() {
    let w = World::new();
    let id = w.running();
    w.admin.edit(&id, |facts| facts.elastic_ip = true).unwrap();
    let address = w.instance(&id).public_ip;
    w.stop_fully(&id);
    w.start(&id).unwrap();
    assert_eq!(w.instance(&id).public_ip, address);
}

type Change = fn(&mut crate::ec2::InstanceFacts);

#[test]
fn what_cannot_be_stopped_is_refused_with_ec2s_codes() {
    let w = World::new();
    let cases: [(&str, Change); 4] = [
        ("UnsupportedOperation", |f| {
            f.purchase = Purchase::SpotOneTime;
        }),
        ("UnsupportedOperation", |f| {
            f.purchase = Purchase::SpotPersistent;
            f.fleet = Some("fleet-1".to_owned());
        }),
        ("UnsupportedOperation", |f| f.ebs_root = false),
        ("OperationNotPermitted", |f| f.stop_protection = true),
    ];
    for (expected, change) in cases {
        let id = w.running();
        w.admin.edit(&id, change).unwrap();
        assert_eq!(code(w.stop(&id)), expected);
        assert_eq!(w.state(&id), InstanceState::Running);
    }
    let persistent = w.running();
    w.admin
        .edit(&persistent, |f| f.purchase = Purchase::SpotPersistent)
        .unwrap();
    w.stop(&persistent).unwrap();
    assert!(w.instance(&persistent).spot);
}

#[test]
fn a_stopped_member_of_a_group_is_replaced() {
    let w = World::new();
    let id = w.running();
    w.admin
        .edit(&id, |f| f.autoscaling_group = Some("web".to_owned()))
        .unwrap();
    w.stop(&id).unwrap();
    w.wait(61);
    assert_eq!(w.state(&id), InstanceState::ShuttingDown);
    w.wait(20);
    let filter = InstanceFilter::Tag("aws:autoscaling:groupName".to_owned(), "web".to_owned());
    let members = block_on(w.ec2.instances(&w.region, &filter)).unwrap();
    assert_eq!(members.len(), 1);
    assert_ne!(members[0].id, id);
}

#[test]
fn terminated_instances_are_described_by_id_for_an_hour() {
    let w = World::new();
    let id = w.running();
    block_on(w.ec2.terminate_instance(&w.region, &id)).unwrap();
    assert_eq!(w.state(&id), InstanceState::ShuttingDown);
    w.wait(20);
    assert_eq!(w.state(&id), InstanceState::Terminated);
    assert_refused(w.stop(&id), "IncorrectInstanceState");
    let filter = InstanceFilter::Tag("Name".to_owned(), "lab".to_owned());
    assert!(
        block_on(w.ec2.instances(&w.region, &filter))
            .unwrap()
            .is_empty()
    );
    w.wait(3600);
    let filter = InstanceFilter::Ids(vec![id]);
    let gone = block_on(w.ec2.instances(&w.region, &filter));
    assert_refused(gone, "InvalidInstanceID.NotFound");
    assert!(w.admin.inventory().unwrap().volumes.is_empty());
}

#[test]
fn capacity_and_quota_stop_a_start_early_or_late() {
    let w = World::new();
    let id = w.stopped();
    let capacity = |c| w.admin.set_capacity(&w.region, "t3.large", c).unwrap();
    capacity(Capacity::Refused);
    assert_refused(w.start(&id), "InsufficientInstanceCapacity");
    capacity(Capacity::FailsLate);
    w.start(&id).unwrap();
    assert_eq!(w.state(&id), InstanceState::Pending);
    w.wait(15);
    let back = w.instance(&id);
    assert_eq!(back.state, InstanceState::Stopped);
    assert_eq!(
        back.state_reason.unwrap().code,
        "Server.InsufficientInstanceCapacity"
    );
    capacity(Capacity::Available);
    w.admin.set_instance_quota(&w.region, Some(0)).unwrap();
    assert_refused(w.start(&id), "InstanceLimitExceeded");
    w.admin.set_instance_quota(&w.region, None).unwrap();
    w.start_fully(&id);
    assert_eq!(w.state(&id), InstanceState::Running);
}

#[test]
fn a_lost_key_lets_a_start_fail_late() {
    const KEY: &str = "arn:aws:kms:us-east-1:111111111111:key/1";
    let w = World::new();
    let id = w.running();
    let spec = VolumeSpec {
        device: "/dev/sdf".to_owned(),
        size_gib: 100,
        used_bytes: 1 << 30,
        encryption: Encryption::CustomerKey(KEY.to_owned()),
        delete_on_termination: false,
    };
    w.admin.add_volume(&id, &spec).unwrap();
    w.admin.set_key_policy(KEY, KeyPolicy::Nobody).unwrap();
    w.stop_fully(&id);
    w.start_fully(&id);
    let back = w.instance(&id);
    assert_eq!(back.state, InstanceState::Stopped);
    assert_eq!(back.state_reason.unwrap().code, "Client.InternalError");

    // A disabled key, as KMS and EC2 report it.
    w.admin.set_key_policy(KEY, KeyPolicy::Account).unwrap();
    w.start_fully(&id);
    w.admin.set_key_state(KEY, KeyState::Disabled).unwrap();
    assert_eq!(w.state(&id), InstanceState::Running, "it notices nothing");
    let grant = Probe::Grant(KEY.to_owned());
    assert_refused(
        block_on(w.ec2.probe(&w.region, &grant)),
        "DisabledException",
    );
    block_on(w.ec2.probe(&w.region, &Probe::Stop(id.clone()))).unwrap();
    block_on(w.ec2.probe(&w.region, &Probe::Start(id.clone()))).unwrap();
    w.stop_fully(&id);
    w.start_fully(&id);
    assert_eq!(w.state(&id), InstanceState::Stopped);
    let reason = w.instance(&id).state_reason.unwrap();
    assert_eq!(reason.code, "Client.InvalidKMSKey.InvalidState");
    w.admin.set_key_state(KEY, KeyState::Enabled).unwrap();
    w.start_fully(&id);
    assert_eq!(w.state(&id), InstanceState::Running);
}

#[test]
fn launches_are_idempotent_and_checked() {
    let w = World::new();
    let image = block_on(w.ec2.image(&w.region, PARAMETER)).unwrap();
    let new = launch(&image, "token-1");
    let first = w.run(&new).unwrap();
    assert_eq!(first.state, InstanceState::Pending);
    let filter = InstanceFilter::Ids(vec![first.id.clone()]);
    // A new ID takes a second to become visible.
    let early = block_on(w.ec2.instances(&w.region, &filter));
    assert_refused(early, "InvalidInstanceID.NotFound");
    assert_eq!(w.run(&new).unwrap().id, first.id);
    let other = super::NewInstance {
        volumes: vec![root_of(99)],
        ..new.clone()
    };
    assert_refused(w.run(&other), "IdempotentParameterMismatch");
    let fresh = |change: fn(&mut super::NewInstance)| {
        let mut other = launch(&image, "");
        change(&mut other);
        w.wait(1);
        code(w.run(&other))
    };
    assert_eq!(
        fresh(|n| n.volumes = vec![root_of(4)]),
        "InvalidBlockDeviceMapping"
    );
    assert_eq!(
        fresh(|n| n.instance_type = "t4g.large".to_owned()),
        "InvalidParameterValue"
    );
    assert_eq!(
        fresh(|n| n.instance_type = "x".to_owned()),
        "InvalidParameterValue"
    );
    assert_eq!(
        fresh(|n| n.client_token = "x".repeat(65)),
        "InvalidParameterValue"
    );
    assert_eq!(
        fresh(|n| n.image = "ami-00000000000000001".parse().unwrap()),
        "InvalidAMIID.NotFound"
    );
    assert_refused(w.stop(&first.id), "IncorrectInstanceState");
    w.wait(15);
    assert_eq!(w.state(&first.id), InstanceState::Running);
}

#[test]
fn permissions_regions_and_accounts_keep_apart() {
    let w = World::new();
    let id = w.running();
    let probe = |probe| block_on(w.ec2.probe(&w.region, &probe));
    probe(Probe::Stop(id.clone())).unwrap();
    w.admin.deny("StopInstances").unwrap();
    assert_refused(probe(Probe::Stop(id.clone())), "UnauthorizedOperation");
    assert_refused(w.stop(&id), "UnauthorizedOperation");
    probe(Probe::Start(id.clone())).unwrap();
    let image = |description: &str| NewImage {
        instance: id.clone(),
        name: "lab".to_owned(),
        reboot: false,
        exclude: std::collections::BTreeSet::new(),
        description: description.to_owned(),
        tags: Tags::new(),
    };
    probe(Probe::CreateImage(image("Saved from lab"))).unwrap();
    assert_refused(
        probe(Probe::CreateImage(image("Saved from Müller"))),
        "InvalidParameterValue",
    );
    w.admin.allow("StopInstances").unwrap();
    w.stop(&id).unwrap();

    let stranger = w.cloud.account(account('2'));
    let not_theirs = block_on(stranger.start_instance(&w.region, &id));
    assert_refused(not_theirs, "InvalidInstanceID.NotFound");
    let elsewhere = block_on(w.ec2.start_instance(&region("eu-west-1"), &id));
    assert_refused(elsewhere, "InvalidInstanceID.NotFound");
    let nowhere = block_on(w.ec2.start_instance(&region("mars-north-1"), &id));
    assert_refused(nowhere, "Unreachable");
}

#[test]
fn calls_are_throttled_per_account_region_and_action() {
    let w = World::new();
    let ids: Vec<_> = (0..8).map(|_| w.running()).collect();
    let stops = ids.iter().filter(|id| w.stop(id).is_ok()).count();
    assert_eq!(stops, 8);
    w.wait(20);
    let answers: Vec<_> = ids.iter().map(|id| w.start(id)).collect();
    let throttled = answers.iter().filter_map(|a| a.as_ref().err());
    let throttled: Vec<_> = throttled.collect();
    assert_eq!(throttled.len(), 3);
    assert!(
        throttled
            .iter()
            .all(|e| e.kind() == Ec2ErrorKind::Throttled)
    );
    w.wait(1);
    let again = ids.iter().filter(|id| w.start(id).is_ok()).count();
    assert_eq!(again, 2);
    let elsewhere = region("us-west-2");
    let other = block_on(w.ec2.start_instance(&elsewhere, &ids[0]));
    assert_refused(other, "InvalidInstanceID.NotFound");
}

#[test]
fn throttles_can_be_scaled_and_switched_off() {
    let starts = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        let w = World::with(settings);
        let id = w.running();
        (0..50).filter(|_| w.start(&id).is_ok()).count()
    };
    assert_eq!(starts(|_| ()), 5);
    assert_eq!(starts(|s| s.throttles.scale_percent = 200), 10);
    assert_eq!(starts(|s| s.throttles.scale_percent = 1), 1);
    assert_eq!(starts(|s| s.throttles.enabled = false), 50);
}

#[test]
fn the_number_of_remembered_events_is_limited() {
    let mut settings = Settings::instant();
    settings.limits.events = 10;
    let w = World::with(settings);
    let ids: Vec<_> = (0..20).map(|_| w.running()).collect();
    let events = w.cloud.events().unwrap();
    assert_eq!(events.len(), 10);
    assert!(w.cloud.events_of(ids[0].as_str()).unwrap().is_empty());
    assert_eq!(w.cloud.history_of(&ids[0]).unwrap().len(), 2);
}

#[test]
fn a_virtual_clock_can_leap_to_what_is_due() {
    let w = World::new();
    let id = w.running();
    assert_eq!(w.cloud.next_due().unwrap(), None);
    w.stop(&id).unwrap();
    let due = w.cloud.next_due().unwrap().unwrap();
    assert_eq!(
        due,
        w.instance(&id).transitioned_at.unwrap() + Duration::from_secs(20)
    );
}

#[test]
fn every_type_is_described_once() {
    let w = World::with(Settings::instant());
    for facts in TYPES {
        let told = block_on(w.ec2.instance_type(&w.region, facts.name)).unwrap();
        assert_eq!(told.instance_store_gb, facts.instance_store_gb);
        assert_eq!(TYPES.iter().filter(|t| t.name == facts.name).count(), 1);
        assert!(facts.vcpus > 0 && facts.memory_mib >= 1024);
    }
    let unknown = block_on(w.ec2.instance_type(&w.region, "z9.huge"));
    assert_refused(unknown, "InvalidInstanceType");
}

#[test]
fn public_parameters_name_stable_images() {
    let w = World::new();
    let get = |region: &Region, path| block_on(w.ec2.image(region, path));
    let here = get(&w.region, PARAMETER).unwrap();
    assert_eq!(get(&w.region, PARAMETER).unwrap(), here);
    assert_ne!(get(&region("eu-west-1"), PARAMETER).unwrap(), here);
    let other = World::with(Settings {
        durations: Durations::zero(),
        ..Settings::default()
    });
    assert_eq!(
        block_on(other.ec2.image(&w.region, PARAMETER)).unwrap(),
        here
    );
    let arm = get(
        &w.region,
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    );
    let arm = w.image(&arm.unwrap());
    assert_eq!(arm.architecture.as_str(), "arm64");
    assert_eq!(arm.root_device, "/dev/xvda");
    assert_refused(get(&w.region, "/mine/ami"), "ParameterNotFound");
}

#[test]
fn a_fleet_that_maintains_its_capacity_replaces_who_is_stopped() {
    let w = World::new();
    let id = w.running();
    let member = |facts: &mut crate::ec2::InstanceFacts| facts.fleet = Some("fleet-1".to_owned());
    w.admin.edit(&id, member).unwrap();
    w.stop(&id).unwrap();
    w.wait(600);
    assert_eq!(w.state(&id), InstanceState::Stopped);
    w.start(&id).unwrap();
    w.wait(60);
    w.admin.maintain_fleet("fleet-1").unwrap();
    w.stop(&id).unwrap();
    w.wait(600);
    assert_eq!(w.state(&id), InstanceState::Terminated);
}

#[test]
fn an_instance_starts_in_its_reservation_alone_while_that_lasts() {
    let w = World::new();
    let id = w.stopped();
    let tied = |facts: &mut crate::ec2::InstanceFacts| facts.ties.reservation = Some("cr-1".into());
    w.admin.edit(&id, tied).unwrap();
    assert_refused(w.start(&id), "ReservationCapacityExceeded");
    let now = prism_functions::ports::Clock::now(&*w.clock);
    let reservation = prism_functions::ports::Reservation {
        active: true,
        ends_at: Some(now + Duration::from_mins(10)),
    };
    w.admin.set_reservation("cr-1", reservation).unwrap();
    w.start(&id).unwrap();
    w.wait(60);
    w.stop(&id).unwrap();
    w.wait(600);
    assert_refused(w.start(&id), "ReservationCapacityExceeded");
    let told = block_on(w.ec2.reservation(&w.region, "cr-1")).unwrap();
    assert!(!told.active);
}

/// The root volume with this size.
fn root_of(size_gib: u32) -> NewVolume {
    NewVolume {
        device: "/dev/sda1".to_owned(),
        size_gib: Some(size_gib),
        delete_on_termination: true,
    }
}
