//! Anything that a stop of the instance would undo is reported before the stop (promise P2).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::time::Duration;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::SavePlan;
use prism_functions::domain::{Code, InstanceId, SaveId, VolumeId};
use prism_functions::ports::{Encryption, Reservation};
use prism_local::ec2::{Durations, InstanceSpec, Settings, VolumeSpec};
use prism_tests::clean;
use prism_tests::story::to_the_end;
use prism_tests::untouched::{ask, edited, plans, refuses, world};
use prism_tests::world::{Setup, World, begun, id_of, launched, region};

fn texts(plan: &SavePlan, code: &str) -> Vec<String> {
    let of_code = plan.warnings.iter().filter(|it| it.code == code);
    of_code.map(|it| it.text.clone()).collect()
}

fn warns(plan: &SavePlan, code: &str, names: &str) {
    let texts = texts(plan, code);
    assert!(
        texts.len() == 1 && texts[0].contains(names),
        "{code}: {:?}",
        plan.warnings
    );
}

#[test]
fn an_instance_that_another_service_operates_is_refused() {
    let (world, id) = edited(|facts| facts.ties.operator = Some("eks.amazonaws.com".to_owned()));
    let problem = refuses(&world, &ask(), Code::ManagedInstance, "eks.amazonaws.com");
    assert!(problem.message.contains(id.as_str()));
    // If nothing is stopped, EC2 itself decides what is allowed.
    let (world, _) = edited(|facts| facts.ties.operator = Some("eks.amazonaws.com".to_owned()));
    world.admin.stop(&id).unwrap();
    world.pass(60);
    plans(&world, &ask());
}

#[test]
fn a_volume_on_its_way_off_is_refused_until_it_is_gone() {
    let (world, id) = world();
    let volume = world.admin.add_volume(&id, &spec("/dev/sdf")).unwrap();
    world.admin.begin_to_detach(&volume).unwrap();
    let problem = refuses(&world, &ask(), Code::VolumeMoving, volume.as_str());
    assert!(problem.message.contains("/dev/sdf"));
}

fn spec(device: &str) -> VolumeSpec {
    VolumeSpec {
        device: device.to_owned(),
        size_gib: 2,
        used_bytes: 1 << 20,
        encryption: Encryption::None,
        delete_on_termination: true,
    }
}

#[test]
fn with_a_second_interface_the_public_address_is_lost_and_not_changed() {
    let (world, id) = world();
    let plan = plans(&world, &ask());
    warns(&plan, "PublicIpChanges", "changes at the restart");
    assert_eq!(texts(&plan, "PublicIpLost"), [""; 0]);
    let lost = |facts: &mut prism_local::ec2::InstanceFacts| facts.ties.several_interfaces = true;
    world.admin.edit(&id, lost).unwrap();
    let plan = plans(&world, &ask());
    let address = world.instance(id.as_str()).public_ip.unwrap();
    warns(&plan, "PublicIpLost", &address);
    assert_eq!(texts(&plan, "PublicIpChanges"), [""; 0]);
    // The result is as the warning says.
    let saved = world.save("ada", ask()).unwrap();
    assert!(saved.version.is_some());
    assert_eq!(world.instance(id.as_str()).public_ip, None);
    // An Elastic IP is kept.
    let elastic = |facts: &mut prism_local::ec2::InstanceFacts| facts.elastic_ip = true;
    world.admin.edit(&id, elastic).unwrap();
    assert_eq!(texts(&plans(&world, &ask()), "PublicIpLost"), [""; 0]);
}

#[test]
fn a_volume_that_others_write_to_is_reported() {
    let (world, id) = world();
    let volume = world.admin.add_volume(&id, &spec("/dev/sdf")).unwrap();
    assert_eq!(
        texts(&plans(&world, &ask()), "MultiAttachedVolume"),
        [""; 0]
    );
    let other = world
        .admin
        .add_instance(&region(), &InstanceSpec::named("other"));
    let other = other.unwrap();
    world.admin.attach_also(&volume, &other).unwrap();
    let plan = plans(&world, &ask());
    warns(&plan, "MultiAttachedVolume", other.as_str());
    // This does not depend on whether the instance is running.
    world.admin.stop(&id).unwrap();
    world.pass(60);
    warns(
        &plans(&world, &ask()),
        "MultiAttachedVolume",
        volume.as_str(),
    );
}

#[test]
fn a_mac_is_down_while_its_host_is_scrubbed() {
    let (world, id) = edited(|facts| {
        facts.instance_type = "mac2.metal".to_owned();
    });
    let usual = plans(&world, &ask()).expected_downtime_s;
    warns(&plans(&world, &ask()), "MacHostScrubbed", "110 minutes");
    assert!(usual > 6600, "{usual}");
    let saved = world.save("ada", ask()).unwrap();
    assert!(saved.version.is_some(), "{saved:#?}");
    let down = saved.downtime_s.unwrap();
    assert!((6600.0..7500.0).contains(&down), "{down}");
    assert_eq!(world.instance(id.as_str()).state.as_str(), "running");
}

#[test]
fn hosts_outposts_and_secrets_are_reported() {
    let (world, _) = edited(|facts| {
        facts.ties.dedicated_host = true;
        facts.ties.nitro_tpm = true;
        facts.ties.outpost =
            Some("arn:aws:outposts:us-east-1:111122223333:outpost/op-1".to_owned());
    });
    let plan = plans(&world, &ask());
    warns(&plan, "T3OnDedicatedHost", "standard");
    warns(&plan, "NitroTpmNotSaved", "work");
    warns(&plan, "OnOutpost", "outpost/op-1");
    let (world, _) = edited(|facts| {
        facts.ties.dedicated_host = true;
        facts.instance_type = "m5.large".to_owned();
    });
    assert_eq!(texts(&plans(&world, &ask()), "T3OnDedicatedHost"), [""; 0]);
}

#[test]
fn a_member_of_a_fleet_that_maintains_its_capacity_is_refused() {
    let (world, id) = edited(|facts| facts.fleet = Some("fleet-1".to_owned()));
    // A fleet that launched it once, or no longer exists, replaces nothing.
    plans(&world, &ask());
    world.admin.maintain_fleet("fleet-1").unwrap();
    let problem = refuses(&world, &ask(), Code::FleetMember, "fleet-1");
    assert!(problem.message.contains(id.as_str()));
    let (world, _) = edited(|facts| {
        let tag = "aws:ec2spot:fleet-request-id".to_owned();
        facts.tags.insert(tag, "sfr-1".to_owned());
    });
    refuses(&world, &ask(), Code::FleetMember, "sfr-1");
}

#[test]
fn a_reservation_that_has_ended_or_ends_soon_takes_no_instance_back() {
    let (world, id) = edited(|facts| facts.ties.reservation = Some("cr-1".to_owned()));
    let is = |active, hours: Option<i64>| {
        let ends_at = hours.map(|hours| world.now() + chrono::TimeDelta::hours(hours));
        let reservation = Reservation { active, ends_at };
        world.admin.set_reservation("cr-1", reservation).unwrap();
    };
    // EC2 has forgotten it.
    refuses(&world, &ask(), Code::ReservationEnds, "cr-1");
    is(true, None);
    // Others can use what it leaves.
    warns(&plans(&world, &ask()), "ReservationReleased", "cr-1");
    is(true, Some(24));
    let plan = plans(&world, &ask());
    warns(&plan, "ReservationReleased", "--how reboot");
    is(true, Some(1));
    let problem = refuses(&world, &ask(), Code::ReservationEnds, "ends at 2026");
    assert!(
        problem
            .advice()
            .contains("modify-instance-capacity-reservation")
    );
    is(false, None);
    refuses(&world, &ask(), Code::ReservationEnds, "has ended");
    // A stopped instance is not stopped again.
    world.admin.stop(&id).unwrap();
    world.pass(60);
    let stopped = plans(&world, &ask());
    assert_eq!(texts(&stopped, "ReservationReleased"), [""; 0]);
}

#[test]
fn a_volume_with_as_many_pending_snapshots_as_ec2_allows_is_refused() {
    let (world, id) = world();
    let volume = world.admin.add_volume(&id, &spec("/dev/sdf")).unwrap();
    for _ in 0..4 {
        world.admin.take_snapshot(&volume).unwrap();
    }
    world.pass(2);
    plans(&world, &ask());
    world.admin.take_snapshot(&volume).unwrap();
    world.pass(2);
    let problem = refuses(&world, &ask(), Code::SnapshotsPending, volume.as_str());
    assert!(problem.message.contains("at most 5"));
    world.pass(600);
    plans(&world, &ask());
    world.admin.set_volume_kind(&volume, "st1").unwrap();
    world.admin.take_snapshot(&volume).unwrap();
    world.pass(2);
    refuses(&world, &ask(), Code::SnapshotsPending, "at most 1");
}

/// The instance is stopping; changes from now on were not part of the plan.
fn stopping(volumes: u8) -> (World, InstanceId, Vec<VolumeId>, SaveId) {
    let setup = Setup {
        cloud: Settings {
            durations: Durations {
                // Later than the instance is back, unless the save waits for them.
                snapshot_stagger: Duration::from_secs(40),
                snapshot_base: Duration::from_mins(5),
                ..Durations::default()
            },
            ..Settings::default()
        },
        ..Setup::seeded(7)
    };
    let world = launched(setup);
    let id = id_of(&world);
    let further = (0..volumes).map(|n| {
        let device = format!("/dev/sd{}", char::from(b'f' + n));
        world.admin.add_volume(&id, &spec(&device)).unwrap()
    });
    let further = further.collect();
    let save = begun(&world, ask());
    world.pass(10);
    assert_eq!(world.instance(id.as_str()).state, InstanceState::Stopping);
    (world, id, further, save)
}

#[test]
fn a_volume_that_is_detached_meanwhile_is_not_waited_for() {
    let (world, id, further, save) = stopping(1);
    world.admin.detach(&further[0]).unwrap();
    to_the_end(&world, &save);
    let record = world.record(&save).unwrap();
    assert!(record.version.is_some(), "{record:#?}");
    assert_eq!(record.snapshots.len(), 1);
    assert!(record.downtime_s.unwrap() < 60.0, "{:?}", record.downtime_s);
    assert_eq!(world.instance(id.as_str()).state, InstanceState::Running);
}

#[test]
fn a_volume_that_is_attached_meanwhile_is_waited_for() {
    let (world, id, _, save) = stopping(0);
    world.admin.add_volume(&id, &spec("/dev/sdf")).unwrap();
    to_the_end(&world, &save);
    let record = world.record(&save).unwrap();
    assert!(record.version.is_some(), "{record:#?}");
    assert_eq!(record.snapshots.len(), 2);
    // Its files were consistent: it was captured before the instance ran again.
    clean::check(&world, &record);
}

#[test]
fn snapshots_that_others_begin_meanwhile_cost_the_save_and_not_the_instance() {
    let (world, id, further, save) = stopping(1);
    for _ in 0..5 {
        world.admin.take_snapshot(&further[0]).unwrap();
    }
    to_the_end(&world, &save);
    let record = world.record(&save).unwrap();
    let failure = record.failure.as_ref().unwrap();
    assert_eq!(failure.code, "SnapshotsPending", "{failure:?}");
    assert_eq!(world.instance(id.as_str()).state, InstanceState::Running);
    clean::check(&world, &record);
}
