//! Measures saves on the virtual clock: the downtime of an instance, and how many saves the real steps, table and
//! simulated cloud carry out in a second of real time.
//!
//! `cargo run --release -p xtask --example saves`

use std::time::{Duration, Instant};

use prism_functions::domain::tags::OWNER_TAG;
use prism_functions::ports::Encryption;
use prism_functions::rules::Settings;
use prism_local::ec2::{Durations, InstanceSpec, Settings as CloudSettings, VolumeSpec};
use prism_tests::world::{World, caller, region, save_request};

const SAVES: u32 = 200;
const USER: &str = "ada";
const GB: u64 = 1_000_000_000;

#[expect(clippy::print_stdout, reason = "it prints its measurements")]
fn main() {
    let floor = floor().as_secs_f64();
    println!("downtime (simulated), over its floor of {floor:.1} s:");
    for (label, bytes) in [("30 GB of data", 30 * GB), ("2 TB of data", 2_000 * GB)] {
        let down = downtime(bytes);
        println!("  {label:<50} {down:>7.1} s   {:+.1} s", down - floor);
    }
    let took = throughput().as_secs_f64();
    println!("saves on the virtual clock (real time):");
    println!(
        "  {:<50} {:>7.0} /s   in {took:.2} s",
        format!("{SAVES} at once, with polls, table and cloud"),
        f64::from(SAVES) / took
    );
}

/// The minimum time that the simulated EC2 needs with two volumes: stop, snapshots, start.
fn floor() -> Duration {
    let of = Durations::default();
    of.stop + of.snapshot_initiation + of.snapshot_stagger + of.start
}

/// The downtime of an instance with this much data, in seconds.
fn downtime(bytes: u64) -> f64 {
    let world = World::new(1);
    let id = world
        .admin
        .add_instance(&region(), &spec("mine"))
        .expect("there is room");
    let volume = VolumeSpec {
        device: "/dev/sdf".to_owned(),
        size_gib: u32::try_from(bytes.div_ceil(1 << 30)).expect("it is a size"),
        used_bytes: bytes,
        encryption: Encryption::None,
        delete_on_termination: true,
    };
    world.admin.add_volume(&id, &volume).expect("it is there");
    let record = world
        .save(USER, save_request("mine", "template"))
        .expect("the save has a record");
    record.downtime_s.expect("the instance was down")
}

/// Measures how long many simultaneous saves take, with EC2's throttles off.
fn throughput() -> Duration {
    let mut cloud = CloudSettings::default();
    cloud.throttles.enabled = false;
    let world = World::with(1, cloud, Settings::default());
    for number in 0..SAVES {
        let spec = spec(&format!("instance-{number}"));
        world
            .admin
            .add_instance(&region(), &spec)
            .expect("there is room");
    }
    #[expect(clippy::disallowed_methods, reason = "this measures real time")]
    let begin = Instant::now();
    let saves: Vec<_> = (0..SAVES)
        .map(|number| {
            let request =
                save_request(&format!("instance-{number}"), &format!("template-{number}"));
            let started = world
                .clock
                .run(world.service.start_save(&caller(USER), request, None));
            started.expect("the save begins").save_id
        })
        .collect();
    world
        .clock
        .run_until_idle()
        .expect("nothing waits for ever");
    let took = begin.elapsed();
    for id in &saves {
        let record = world.record(id).expect("the registry answers");
        assert!(record.version.is_some(), "{record:?}");
    }
    took
}

fn spec(name: &str) -> InstanceSpec {
    let mut spec = InstanceSpec::named(name);
    spec.tags.insert(OWNER_TAG.to_owned(), USER.to_owned());
    spec
}
