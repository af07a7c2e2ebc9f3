//! Requests to EC2 other than saves take turns: a burst of copies, launches or removals is spread out before EC2
//! throttles any of it, and the account's other users keep their share.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::save::{RegionCopy, SaveRecord, SaveState, seconds_between};
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::{Code, Region, SaveId, Timestamp};
use prism_functions::operations::Fixed;
use prism_functions::ports::{
    Executions as _, Item, Key, NewImage, Page, Query, Table, TableError, Tags, Write,
};
use prism_local::ec2::Traffic;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::between::Between;
use prism_tests::story::to_the_end;
use prism_tests::turns::copies_taken_for;
use prism_tests::world::{
    ADA, Setup, World, begun, caller, copy_request, id_of, import_request, launch_request,
    launched, region, save_request,
};
use serde_json::json;

const FAR: &str = "eu-west-1";
/// The share of EC2's buckets with which copies to a Region follow each other every 100 s.
const LITTLE: u8 = 1;

fn far() -> Region {
    FAR.parse().unwrap()
}

/// A deployment in an account whose other users take half of EC2's throttles.
fn beside_others() -> Setup {
    let mut setup = Setup::seeded(7);
    setup.cloud.throttles.neighbour_percent = 50;
    setup.cloud.limits.instances = 2000;
    setup
}

/// The requests to EC2 in a Region during an action: the deployment's, and those of the account's other users.
fn asked(world: &World, of: &Region, act: impl FnOnce()) -> BTreeMap<String, (Traffic, Traffic)> {
    let before = world.admin.traffic(of).unwrap();
    act();
    let less = |now: Traffic, then: Traffic| Traffic {
        calls: now.calls - then.calls,
        throttled: now.throttled - then.throttled,
    };
    let mut asked = world.admin.traffic(of).unwrap();
    for (name, (own, others)) in &mut asked {
        let then = before.get(name).copied().unwrap_or_default();
        (*own, *others) = (less(*own, then.0), less(*others, then.1));
    }
    asked
}

#[track_caller]
fn check_unthrottled(asked: &BTreeMap<String, (Traffic, Traffic)>) {
    let throttled = asked
        .iter()
        .filter(|(_, (own, others))| own.throttled + others.throttled > 0);
    assert_eq!(throttled.collect::<Vec<_>>(), []);
}

fn ask(template: &str) -> CopyRequest {
    copy_request(template, 1, &[FAR])
}

/// Ada's templates `kept-0` and so on, each with a version of the same AMI.
fn kept(setup: Setup, templates: u32) -> World {
    let world = launched(setup);
    world.save("ada", save_request("work", "kept-0")).unwrap();
    let file = ask!(world, export_template(&ADA, &"kept-0@1".parse().unwrap()));
    let request = import_request(file.unwrap());
    for number in 1..templates {
        let name = format!("kept-{number}").parse().unwrap();
        ask!(world, import_template(&ADA, &name, &request)).unwrap();
        world.pass(1);
    }
    world
}

fn copies(world: &World, templates: u32) -> Vec<SaveId> {
    let begin = |number: u32| {
        let id: SaveId = format!("save-{number:020x}").parse().unwrap();
        let request = ask(&format!("kept-{number}"));
        let input = json!({"copy": request, "save_id": id, "epoch": 1, "caller": ADA.clone()});
        let started = world.executions.start(id.as_str(), input);
        world.run(started).unwrap();
        id
    };
    (0..templates).map(begin).collect()
}

fn record(world: &World, id: &SaveId) -> SaveRecord {
    world.record(id).unwrap()
}

#[test]
fn hundreds_of_copies_to_a_region_are_asked_for_as_ec2_takes_them() {
    let world = kept(beside_others(), 300);
    world.pass(60);
    let begin = world.now();
    let mut ids = Vec::new();
    let mut there = BTreeMap::new();
    let here = asked(&world, &region(), || {
        there = asked(&world, &far(), || {
            ids = copies(&world, 300);
            world.clock.run_until_idle().unwrap();
        });
    });
    check_unthrottled(&here);
    // The first fifty are polled in lockstep, twice as they end.
    let images = there.remove("DescribeImages").unwrap();
    assert_eq!(images.0.throttled, 0);
    assert!(images.1.throttled * 1000 <= images.1.calls, "{images:?}");
    check_unthrottled(&there);
    assert_eq!(there["CopyImage"].0.calls, 300);
    let mut last = 0.0_f64;
    for id in &ids {
        let record = record(&world, id);
        assert_eq!(record.state, SaveState::Succeeded, "{record:#?}");
        let asked_at = record.copy_requested_at.unwrap();
        last = last.max(seconds_between(begin, asked_at));
    }
    // Fifty at once, then one every two seconds.
    assert!((495.0..=520.0).contains(&last), "{last}");
}

#[test]
fn a_copy_that_would_wait_too_long_is_refused() {
    let world = kept(Setup::seeded(7), 1);
    copies_taken_for(&world, 6 * 3600);
    let id = copies(&world, 1).remove(0);
    to_the_end(&world, &id);
    let copied = record(&world, &id);
    assert_eq!(copied.failure.unwrap().code, Code::QueueFull.as_str());
    assert_eq!(copied.copy_requested_at, None);
    // A version exists even if its copy fails.
    let mut save = save_request("work", "other");
    save.copy_to = [far()].into();
    let id = begun(&world, save);
    for _ in 0..200 {
        copies_taken_for(&world, 6 * 3600);
        world.pass(1);
    }
    to_the_end(&world, &id);
    let saved = record(&world, &id);
    assert_eq!(saved.version, Some(1), "{saved:#?}");
    let queue_full = |copy: &RegionCopy| matches!(copy, RegionCopy::Failed { code, .. } if code == Code::QueueFull.as_str());
    assert!(saved.copies.values().all(queue_full), "{saved:#?}");
    assert_eq!(saved.copies.len(), 1);
}

/// A table that loses the first write that records the turn of a copy.
struct Lossy {
    table: Arc<dyn Table>,
    seen: Arc<AtomicU32>,
}

#[async_trait]
impl Table for Lossy {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.table.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        let notes = format!("{writes:?}").contains("copy_turns");
        if notes && self.seen.fetch_add(1, Ordering::Relaxed) == 0 {
            return Err(TableError::Unavailable {
                reason: "it is lost".to_owned(),
                transient: true,
                advice: None,
                source: None,
            });
        }
        self.table.transact(writes).await
    }
}

struct LosesTurns(Arc<AtomicU32>);

impl Between for LosesTurns {
    fn table(&self, table: Arc<dyn Table>) -> Arc<dyn Table> {
        let seen = Arc::clone(&self.0);
        Arc::new(Lossy { table, seen })
    }
}

fn little() -> Setup {
    let mut setup = Setup::seeded(7);
    setup.settings.ec2_share = LITTLE.try_into().unwrap();
    setup
}

/// The time from an instant until each copy was requested from EC2, in seconds.
fn asked_after(world: &World, begin: Timestamp, ids: &[SaveId]) -> Vec<f64> {
    let at = |id| record(world, id).copy_requested_at.unwrap();
    ids.iter()
        .map(|id| seconds_between(begin, at(id)))
        .collect()
}

/// If an execution dies between taking its turn and recording it, the turn is wasted and it takes another.
#[test]
fn a_crash_after_the_turn_wastes_it_and_nothing_else() {
    let seen = Arc::new(AtomicU32::new(0));
    let setup = Setup {
        between: Arc::new(LosesTurns(Arc::clone(&seen))),
        ..little()
    };
    let world = kept(setup, 2);
    let begin = world.now();
    let ids = copies(&world, 2);
    world.clock.run_until_idle().unwrap();
    assert!(seen.load(Ordering::Relaxed) > 0, "no note was lost");
    let after = asked_after(&world, begin, &ids);
    assert!(
        after[0] < 1.0 && (200.0..205.0).contains(&after[1]),
        "{after:?}"
    );
    let pressed = world.admin.traffic(&far()).unwrap();
    assert_eq!(pressed["CopyImage"].0.calls, 2);
    for id in &ids {
        assert_eq!(record(&world, id).state, SaveState::Succeeded);
    }
}

/// An execution is stopped while it waits. Its successor keeps the same turn.
#[test]
fn a_continued_copy_keeps_its_turn() {
    let world = kept(little(), 3);
    let begin = world.now();
    let ids = copies(&world, 2);
    world.pass(50);
    let stop = world
        .service
        .executions
        .stop(ids[1].as_str(), "by the test");
    world.run(stop).unwrap();
    world.sweep(1);
    world.clock.run_until_idle().unwrap();
    let after = asked_after(&world, begin, &ids);
    assert!((100.0..105.0).contains(&after[1]), "{after:?}");
    // The next turn is not delayed by it either.
    let key = Key::new(format!("TURNS#{FAR}"), "COPIES");
    let item = world.run(world.table.get(&key)).unwrap().unwrap();
    let next = item.attributes["next_ms"].as_i64().unwrap();
    assert_eq!((next - begin.timestamp_millis()) / 1000, 200);
}

/// A save that waits to be copied is cancelled, and ends without waiting for hours.
#[test]
fn a_copy_is_cancelled_while_it_waits_for_its_turn() {
    let world = kept(little(), 30);
    let ids = copies(&world, 30);
    world.pass(60);
    let last = ids.last().unwrap();
    ask!(world, cancel_save(&ADA, last)).unwrap();
    world.pass(700);
    let record = record(&world, last);
    assert_eq!(record.state, SaveState::Cancelled);
    assert_eq!(record.copy_requested_at, None);
}

/// The number of launch attempts until one succeeded, by a client that waits as long as it is told.
async fn launched_at_last(world: &World, number: u32) -> u32 {
    let request = launch_request("ubuntu", &format!("student-{number}"));
    let student = caller(&format!("student-{number}"));
    for asked in 1..=4 {
        match world.service.launch(&student, &request).await {
            Ok(_) => return asked,
            Err(problem) => {
                assert_eq!(problem.code, Code::Throttled, "{problem:?}");
                let pause_s = problem.retry_after_s.unwrap();
                assert!(problem.advice().contains(&format!("in {pause_s} s")));
                let pause = Duration::from_secs(pause_s.into());
                world.service.env.clock.sleep(pause).await;
            }
        }
    }
    panic!("student {number} gives up");
}

#[test]
fn many_launches_at_one_instant_are_paced_by_ec2s_rate() {
    let world = beside_others().build();
    let begin = world.now();
    let mut times = Vec::new();
    let pressed = asked(&world, &region(), || {
        let all = join_all((0..30).map(|number| launched_at_last(&world, number)));
        times = world.run(all);
    });
    check_unthrottled(&pressed);
    assert_eq!(pressed["RunInstances"].0.calls, 30);
    // A single user is served at once. In a burst, each client is told once when to come back.
    assert_eq!(times[0], 1);
    assert!(times.iter().all(|asked| *asked <= 2), "{times:?}");
    let took = seconds_between(begin, world.now());
    assert!((27.0..=31.0).contains(&took), "{took}");
}

fn templates(templates: u32, versions: u32) -> World {
    let world = launched(beside_others());
    world.admin.stop(&id_of(&world)).unwrap();
    world.pass(120);
    for template in 0..templates {
        for number in 1..=versions {
            let request = save_request("work", &format!("kept-{template}"));
            let record = world.save("ada", request).unwrap();
            assert_eq!(record.version, Some(number), "{record:#?}");
        }
    }
    world.pass(600);
    world
}

/// Deletes all templates at one instant, and sweeps until nothing is left.
#[track_caller]
fn check_deletion(count: u32, versions: u32, sweeps: u32) {
    let world = templates(count, versions);
    let pressed = asked(&world, &region(), || {
        let names: Vec<_> = (0..count)
            .map(|number| format!("kept-{number}").parse().unwrap())
            .collect();
        let service = &world.service;
        let deleted = names
            .iter()
            .map(|name| service.delete_template(&ADA, name, false));
        for deletion in world.run(join_all(deleted)) {
            assert!(deletion.unwrap().begun);
        }
        world.sweep(sweeps);
    });
    check_unthrottled(&pressed);
    let removed = u64::from(count * versions);
    assert_eq!(pressed["DeregisterImage"].0.calls, removed);
    assert_eq!(pressed["DeleteSnapshot"].0.calls, removed);
}

#[test]
fn a_template_of_a_hundred_versions_is_deleted_and_nobody_throttled() {
    check_deletion(1, 100, 21);
}

/// Deletions without a turn within seconds are left to the sweep.
#[test]
fn many_templates_are_deleted_at_one_instant_and_nobody_throttled() {
    check_deletion(20, 5, 4);
}

#[test]
fn the_doctor_removes_a_hundred_leftovers_and_nobody_is_throttled() {
    let world = launched(beside_others());
    let id = begun(&world, save_request("work", "kept"));
    world.pass(15);
    let here = region();
    ask!(world, cancel_save(&ADA, &id)).unwrap();
    world.clock.run_until_idle().unwrap();
    for number in 0..100 {
        let late = NewImage {
            instance: id_of(&world),
            name: format!("prism-kept-{id}-{number}"),
            reboot: false,
            exclude: std::collections::BTreeSet::new(),
            description: String::new(),
            tags: Tags::from([(SAVE_TAG.to_owned(), id.to_string())]),
        };
        let made = world.service.env.ec2.create_image(&here, &late);
        world.run(made).unwrap();
        world.pass(60);
    }
    world.pass(7200);
    let found = ask!(world, leftovers()).unwrap().found;
    assert_eq!(found.len(), 200, "AMIs and their snapshots");
    let begin = world.now();
    let pressed = asked(&world, &region(), || {
        for (leftover, outcome) in ask!(world, fix(&found)).unwrap() {
            assert!(matches!(outcome, Fixed::Done), "{leftover:?}: {outcome:?}");
        }
    });
    check_unthrottled(&pressed);
    assert_eq!(pressed["DeregisterImage"].0.calls, 100);
    assert_eq!(pressed["DeleteSnapshot"].0.calls, 100);
    // Fifty of each at once, then one every 0.4 s.
    let took = seconds_between(begin, world.now());
    assert!((38.0..=42.0).contains(&took), "{took}");
}
