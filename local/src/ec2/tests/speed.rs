//! Measures how long a call takes. `cargo nextest run -p prism-local speed --release --run-ignored all --no-capture`
//! shows the figures; the limits here only detect a large regression.

use std::time::Duration;

use futures::executor::block_on;
use prism_functions::domain::InstanceId;
use prism_functions::ports::{
    Ec2, ImageFilter, InstanceFilter, NewImage, Probe, SnapshotFilter, Tags,
};

use super::{ManualClock, World};
use crate::ec2::{Cloud, Settings};

/// The calls of one save, optionally followed by the deletion of its version; returns the number of calls.
fn save(w: &World, id: &InstanceId, name: &str, keep: bool) -> u32 {
    let mut calls = 0;
    let mut count = || calls += 1;
    let ec2 = &w.ec2;
    let by_id = InstanceFilter::Ids(vec![id.clone()]);
    for probe in [Probe::Stop(id.clone()), Probe::Start(id.clone())] {
        block_on(ec2.probe(&w.region, &probe)).unwrap();
        count();
    }
    block_on(ec2.stop_instance(&w.region, id)).unwrap();
    for _ in 0..11 {
        w.wait(2);
        block_on(ec2.instances(&w.region, &by_id)).unwrap();
        count();
    }
    let tag = ("prism:save".to_owned(), name.to_owned());
    let new = NewImage {
        instance: id.clone(),
        name: name.to_owned(),
        reboot: false,
        exclude: std::collections::BTreeSet::new(),
        description: String::new(),
        tags: Tags::from([tag.clone(), ("Name".to_owned(), "lab".to_owned())]),
    };
    let image = block_on(ec2.create_image(&w.region, &new)).unwrap();
    for _ in 0..5 {
        w.wait(1);
        let filter = SnapshotFilter::Tag(tag.0.clone(), tag.1.clone());
        block_on(ec2.snapshots(&w.region, &filter)).unwrap();
        count();
    }
    block_on(ec2.start_instance(&w.region, id)).unwrap();
    for _ in 0..10 {
        w.wait(2);
        block_on(ec2.instances(&w.region, &by_id)).unwrap();
        count();
    }
    let by_id = ImageFilter::Ids(vec![image.clone()]);
    for _ in 0..40 {
        w.wait(5);
        block_on(ec2.images(&w.region, &by_id)).unwrap();
        count();
    }
    if keep {
        return calls + 3;
    }
    let filter = SnapshotFilter::Tag(tag.0, tag.1);
    let snapshots = block_on(ec2.snapshots(&w.region, &filter)).unwrap();
    block_on(ec2.deregister_image(&w.region, &image)).unwrap();
    for snapshot in snapshots {
        block_on(ec2.delete_snapshot(&w.region, &snapshot.id)).unwrap();
        count();
    }
    calls + 5
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement needs the real time"
)]
fn measure(w: &World, saves: u32, keep: bool) -> Duration {
    let ids: Vec<_> = (0..50).map(|_| w.running()).collect();
    let begun = std::time::Instant::now();
    let mut calls = 0;
    for n in 0..saves {
        let id = &ids[n as usize % ids.len()];
        calls += save(w, id, &format!("save {n}"), keep);
    }
    let each = begun.elapsed() / calls;
    println!("{calls} calls, {each:?} each, {saves} saves");
    each
}

#[test]
fn a_call_in_memory_is_quick() {
    let each = measure(&World::with(unthrottled()), 100, false);
    assert!(each < Duration::from_millis(1), "{each:?}");
}

#[test]
#[ignore = "only a figure: run it with --release"]
fn a_call_is_as_quick_among_thousands_of_images() {
    let each = measure(&World::with(unthrottled()), 5000, true);
    assert!(each < Duration::from_millis(1), "{each:?}");
}

#[test]
#[ignore = "only a figure: run it with --release"]
fn a_call_on_a_file_is_quick_enough() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let cloud = Cloud::open(&folder.path().join("cloud.sqlite3"), clock.clone()).unwrap();
    cloud.set_settings(unthrottled()).unwrap();
    measure(&World::around(cloud, clock), 20, false);
}

fn unthrottled() -> Settings {
    let mut settings = Settings::default();
    settings.throttles.enabled = false;
    settings
}
