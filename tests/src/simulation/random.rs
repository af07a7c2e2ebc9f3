//! Random runs: several instances and templates, overlapping saves, an unusual cloud, and a number of faults, all
//! decided by a seed.

use std::time::Duration;

use prism_functions::domain::How;
use prism_functions::ports::Encryption;
use prism_local::ec2::{AtReboot, Capacity, Settings as CloudSettings, VolumeSpec};

use super::before::{self, add_instance, open, room};
use super::campaign::{Tally, Watch, all};
use super::chance::{Chance, Script};
use super::fault::Kind;
use super::path::Path;
use super::run::Run;
use super::scene::{Deed, Scene, Way, Wish};
use super::wanted::Wanted;
use crate::world::save_request;

const COPIES: [&str; 2] = ["eu-west-1", "us-west-2"];

pub fn random(seed: u64) -> Run {
    let run = Run::play(scene(seed, false));
    if !run.conductor.lacked_past() {
        return run;
    }
    // Keeping past states takes as long as everything else together, and few runs need it, so only those are run again.
    // Up to the stale read, both runs are the same.
    drop(run);
    Run::play(scene(seed, true))
}

pub fn randoms(from: u64, count: u64, watch: Watch<'_>) -> Tally {
    let seeds: Vec<u64> = (from..from.saturating_add(count)).collect();
    all(&seeds, watch, |seed, tally| {
        let run = random(*seed);
        tally.add(&run, || format!("cargo xtask simulate --seed {seed}"));
    })
}

fn scene(seed: u64, remembers: bool) -> Scene {
    let mut rng = fastrand::Rng::with_seed(seed);
    let rng = &mut rng;
    let instances: Vec<(String, bool, u32, bool, AtReboot)> = (0..rng.u32(1..=3))
        .map(|n| {
            let (running, under_a_key) = (rng.u32(..100) < 85, rng.u32(..4) == 0);
            let what = match rng.u32(..10) {
                0 | 1 => AtReboot::PowersOff,
                2 => AtReboot::Hangs,
                _ => AtReboot::Boots,
            };
            (
                format!("work-{n}"),
                running,
                rng.u32(..3),
                under_a_key,
                what,
            )
        })
        .collect();
    let wishes = wishes(rng, instances.len());
    let rate = [0.0, 0.002, 0.01, 0.03, 0.1][rng.usize(..5)];
    let most = rng.u32(1..=6);
    let (later, denies) = troubles(rng);
    Scene {
        seed,
        cloud: cloud(rng),
        settings: Path::settings(),
        events: rng.bool(),
        later,
        prepare: Box::new(move |world| {
            for (name, running, volumes, under_a_key, what) in &instances {
                let id = add_instance(world, name, *running);
                before::at_reboot(world, &id, *what);
                for n in 0..*volumes {
                    let spec = VolumeSpec {
                        device: format!(
                            "/dev/sd{}",
                            char::from(b'f' + u8::try_from(n).unwrap_or(0))
                        ),
                        size_gib: 1,
                        used_bytes: 1 << 20,
                        encryption: Encryption::None,
                        delete_on_termination: true,
                    };
                    world.admin.add_volume(&id, &spec).expect("it is there");
                }
                if *under_a_key {
                    before::under_a_key(world, &id);
                }
            }
        }),
        wishes,
        way: Way::Requests,
        script: Script {
            chance: Some(Chance::new(seed, rate, most, Kind::everywhere().collect())),
            remembers,
            ..Script::default()
        },
        mutant: None,
        // Starting everything once more takes a third as long as everything else together.
        again: seed.is_multiple_of(4),
        denies,
    }
}

fn wishes(rng: &mut fastrand::Rng, instances: usize) -> Vec<Wish> {
    let templates = rng.usize(1..=2);
    let wish = |n: usize, rng: &mut fastrand::Rng| {
        let instance = format!("work-{}", rng.usize(..instances));
        let template = format!("kept-{}", rng.usize(..templates));
        let mut request = save_request(&instance, &template);
        for copy in COPIES {
            if rng.u32(..3) == 0 {
                request.copy_to.insert(copy.parse().expect("a Region"));
            }
        }
        request.public = rng.u32(..8) == 0;
        if rng.u32(..3) == 0 {
            request.how = How::Reboot;
        }
        Wish {
            after_ms: rng.u64(..150_000),
            wanted: Wanted::Save(request),
            request_id: format!("wish-{n}"),
        }
    };
    let count = rng.usize(1..=4);
    (0..count).map(|n| wish(n, rng)).collect()
}

fn cloud(rng: &mut fastrand::Rng) -> CloudSettings {
    let mut cloud = CloudSettings::default();
    let mut some = |from: u64, to: u64| Duration::from_millis(rng.u64(from..to));
    let durations = &mut cloud.durations;
    durations.stop = some(1_000, 40_000);
    durations.start = some(1_000, 30_000);
    durations.shutdown = some(0, 60_000);
    durations.boot = some(0, 60_000);
    durations.terminate = some(1_000, 30_000);
    durations.terminated_visible = Duration::from_hours(24 * 30);
    durations.snapshot_initiation = some(0, 8_000);
    durations.snapshot_stagger = some(0, 2_000);
    durations.snapshot_base = some(1_000, 200_000);
    durations.registration = some(0, 20_000);
    durations.mapping_delay = some(0, 20_000);
    durations.copy_base = some(1_000, 120_000);
    durations.consistency = some(0, 4_000);
    durations.stopped_settles = some(0, 4_000);
    durations.deregistered_visible = some(0, 60_000);
    cloud.limits.snapshots_outlive_deregistration = rng.bool();
    cloud
}

/// What goes wrong in the cloud itself, each with its end if it does not end by itself; and whether a permission that
/// is needed to clean up is missing.
fn troubles(rng: &mut fastrand::Rng) -> (Vec<(u64, Deed)>, bool) {
    let mut troubles: Vec<(u64, Deed)> = vec![(0, Box::new(open))];
    let mut denies = false;
    for _ in 0..rng.u32(..3) {
        let at = rng.u64(..200);
        let long = rng.u64(1..8_000);
        let mut trouble = |after_s: u64, deed: Deed| troubles.push((after_s, deed));
        match rng.u32(..8) {
            0 => trouble(
                at,
                Box::new(|w| w.admin.fail_next_image("why").expect("there")),
            ),
            1 => trouble(
                at,
                Box::new(|w| w.admin.fail_next_snapshot("why").expect("there")),
            ),
            2 => trouble(
                at,
                Box::new(|w| w.admin.fail_next_copy("why").expect("there")),
            ),
            3 => {
                let odd = Capacity::RefusedAs("SomethingNew".to_owned());
                let less = [Capacity::Refused, Capacity::FailsLate, odd];
                let less = less[rng.usize(..3)].clone();
                trouble(at, Box::new(move |w| room(w, less.clone())));
                trouble(at + long, Box::new(|w| room(w, Capacity::Available)));
            }
            4 => {
                let actions = [
                    "CreateImage",
                    "StopInstances",
                    "StartInstances",
                    "CopyImage",
                    "DescribeInstances",
                    "DescribeImages",
                    "DescribeSnapshots",
                    "DeregisterImage",
                    "DeleteSnapshot",
                ];
                let index = rng.usize(..actions.len());
                let action = actions[index];
                // The permissions from here on are needed to clean up.
                denies |= index >= 5;
                trouble(at, Box::new(move |w| w.admin.deny(action).expect("there")));
                trouble(
                    at + long,
                    Box::new(move |w| w.admin.allow(action).expect("there")),
                );
            }
            _ => {}
        }
    }
    (troubles, denies)
}
