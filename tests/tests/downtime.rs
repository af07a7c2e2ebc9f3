//! An instance is down for its stop, the initiation of its snapshots and its start, and hardly any longer (promise P3).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::time::Duration;

use prism_functions::domain::save::SaveState;
use prism_functions::ports::Encryption;
use prism_local::ec2::{Durations, InstanceSpec, VolumeSpec};
use prism_tests::world::{Setup, World, region, save_request};

/// The maximum ratio of the downtime to the necessary time.
const MOST: f64 = 1.10;
/// The pause between two polls of a starting instance, in seconds.
const POLL_S: f64 = 2.0;
const GIB: u64 = 1 << 30;

/// Adds an instance with a root volume of this size and further volumes of a TiB, all mostly full.
fn instance(world: &World, root_gib: u32, further: u8) {
    let mut spec = InstanceSpec::named("work");
    spec.root_size_gib = Some(root_gib);
    spec.tags.insert("prism:owner".into(), "ada".into());
    let id = world.admin.add_instance(&region(), &spec).unwrap();
    for n in 0..further {
        let volume = VolumeSpec {
            device: format!("/dev/sd{}", char::from(b'f' + n)),
            size_gib: 1024,
            used_bytes: 700 * GIB,
            encryption: Encryption::None,
            delete_on_termination: true,
        };
        world.admin.add_volume(&id, &volume).unwrap();
    }
    world.pass(300);
}

/// Saves an instance. Returns its downtime and the necessary downtime, in seconds.
fn measured(durations: &Durations, root_gib: u32, further: u8) -> (f64, f64) {
    let world = Setup::slow(3, |d| *d = durations.clone()).build();
    instance(&world, root_gib, further);
    let record = world.save("ada", save_request("work", "kept")).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{record:#?}");
    let id = &record.instance().unwrap().id;
    let down = world.cloud.not_running(id, record.started_at, world.now());
    let down = down.unwrap().as_secs_f64();
    let noted = record.downtime_s.unwrap();
    assert!(
        (down..=down + POLL_S).contains(&noted),
        "the record says {noted} s, the simulator {down} s"
    );
    let initiation =
        durations.snapshot_initiation + durations.snapshot_stagger * u32::from(further);
    let floor = durations.stop + initiation + durations.start;
    (down, floor.as_secs_f64())
}

#[track_caller]
fn check(durations: &Durations, root_gib: u32, further: u8) {
    let (down, floor) = measured(durations, root_gib, further);
    let image = durations.snapshot_base;
    assert!(
        down <= floor * MOST && down >= floor,
        "down for {down} s of at least {floor} s; the image took over {image:?}"
    );
}

#[test]
fn a_small_volume_costs_its_owner_no_more_than_it_must() {
    check(&Durations::default(), 30, 0);
}

#[test]
fn a_large_volume_costs_its_owner_no_more_than_a_small_one() {
    let durations = Durations {
        snapshot_base: Duration::from_hours(5),
        ..Durations::default()
    };
    check(&durations, 2048, 0);
    let (small, _) = measured(&durations, 30, 0);
    let (large, _) = measured(&durations, 2048, 0);
    assert!((small - large).abs() < 0.001, "{small} s and {large} s");
}

#[test]
fn six_volumes_cost_their_owner_no_more_than_they_must() {
    check(&Durations::default(), 30, 5);
}

/// Stops and initiations that end just after a poll, which is the worst case.
#[test]
fn no_duration_falls_between_the_polls() {
    for stop_ms in [15_100, 20_100, 34_900, 61_010, 90_200, 200_100] {
        for initiation_ms in [100, 2_100, 9_100] {
            let durations = Durations {
                stop: Duration::from_millis(stop_ms),
                snapshot_initiation: Duration::from_millis(initiation_ms),
                ..Durations::default()
            };
            check(&durations, 30, 1);
        }
    }
}
