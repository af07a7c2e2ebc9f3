//! The longest and the largest possible execution stays within Step Functions' limits (promise P8).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use prism_asl::{EVENT_LIMIT, Event, Functions, HistoryEvent, PAYLOAD_LIMIT_BYTES, TaskFailure};
use prism_functions::domain::SaveId;
use prism_functions::domain::save::{COPY_REGIONS, SaveRequest, SaveState, USER_TAGS};
use prism_functions::operations::ProjectRequest;
use prism_functions::ports::{ExecutionStatus, Executions};
use prism_functions::steps;
use prism_local::ec2::{Capacity, Durations, REGIONS};
use prism_tests::asks::Asks as _;
use prism_tests::between::Between;
use prism_tests::world::{REGION, Setup, World, caller, launched as usual, region, save_request};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Everything takes almost as long as the definition allows.
fn slowest(d: &mut Durations) {
    d.stop = (15 * MINUTE).checked_sub(Duration::from_secs(11)).unwrap();
    d.snapshot_initiation = (10 * MINUTE).checked_sub(Duration::from_secs(7)).unwrap();
    d.start = (30 * MINUTE).checked_sub(Duration::from_secs(11)).unwrap();
    d.snapshot_base = 23 * HOUR + 45 * MINUTE;
    d.copy_base = 11 * HOUR + 30 * MINUTE;
    d.mapping_delay = Duration::ZERO;
}

/// A world in which the instance is launched at the usual pace and then saved at another. No events arrive, because
/// then a save waits longest and polls most often.
fn launched(change: impl FnOnce(&mut Durations)) -> World {
    let mut setup = Setup::seeded(5);
    setup.events = false;
    let world = setup.build();
    world.launch("ada", "ubuntu", "work");
    let mut settings = world.cloud.settings().unwrap();
    change(&mut settings.durations);
    world.cloud.set_settings(settings).unwrap();
    world
}

fn copied_to(count: usize) -> SaveRequest {
    let others = REGIONS.iter().filter(|name| **name != REGION).take(count);
    let copy_to: BTreeSet<_> = others.map(|name| name.parse().unwrap()).collect();
    assert_eq!(copy_to.len(), count);
    SaveRequest {
        copy_to,
        ..save_request("work", "kept")
    }
}

fn events(world: &World, id: &SaveId) -> Vec<HistoryEvent> {
    world.executions.history(id.as_str()).unwrap().events()
}

/// The number of events of the longest successful save, with copies to this many Regions.
fn longest(regions: usize) -> u64 {
    let world = launched(slowest);
    let record = world.save("ada", copied_to(regions)).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{record:#?}");
    let took = record.ended_at.unwrap() - record.started_at;
    let copies = if regions > 0 { 11 } else { 0 };
    assert!(took.num_hours() >= 23 + copies, "it took only {took}");
    events(&world, &record.save_id).len() as u64
}

#[test]
fn the_longest_save_stays_within_the_history() {
    let (none, fewer, most_here) = (longest(0), longest(8), longest(9));
    let each = most_here - fewer;
    let most = most_here + each * (COPY_REGIONS as u64 - 9);
    println!("{none} events without copies, {each} for each Region, {most} at most");
    // A thousand retries, of three events each, must fit as well.
    assert!(most < EVENT_LIMIT - 3 * 1000, "{most} events");
}

/// A start that is accepted and fails later, again and again. Each attempt takes many polls.
#[test]
fn a_start_that_keeps_falling_back_stays_within_the_history() {
    for start in [15, 100, 400] {
        let world = launched(|d| {
            slowest(d);
            d.start = Duration::from_secs(start);
        });
        let late = Capacity::FailsLate;
        world.admin.set_capacity(&region(), "*", late).unwrap();
        let request = save_request("work", "kept");
        let ada = caller("ada");
        let started = world.service.start_save(&ada, request, None);
        let id = world.clock.run(started).unwrap().save_id;
        // Capacity returns just before the save would give up: the longest way to the image.
        world.pass((15 + 10 + 29) * 60 - 30 - 2 * start);
        world.set_capacity(Capacity::Available);
        world.clock.run_until_idle().unwrap();
        let record = world.record(&id).unwrap();
        assert_eq!(
            record.state,
            SaveState::Succeeded,
            "start {start}: {record:#?}"
        );
        let events = events(&world, &id).len() as u64;
        let copies = 700 * COPY_REGIONS as u64;
        println!("{events} events with starts of {start} s");
        assert!(
            events + copies < EVENT_LIMIT - 3 * 1000,
            "start {start}: {events}"
        );
    }
}

/// The other long case: the instance cannot be started for as long as the save retries.
#[test]
fn the_longest_restore_stays_within_the_history() {
    for capacity in [Capacity::Refused, Capacity::FailsLate] {
        let world = launched(slowest);
        world
            .admin
            .set_capacity(&region(), "*", capacity.clone())
            .unwrap();
        let record = world.save("ada", copied_to(9)).unwrap();
        assert_eq!(record.state, SaveState::Stranded);
        let took = record.updated_at - record.started_at;
        let events = events(&world, &record.save_id).len() as u64;
        println!("{events} events in {} h, {capacity:?}", took.num_hours());
        assert!(
            took.num_hours() >= 12 && events < EVENT_LIMIT / 2,
            "{took}, {events}"
        );
    }
}

#[test]
fn the_largest_request_stays_within_the_payloads() {
    let wide = "\u{1f52c}";
    let mut request = copied_to(9);
    request.description = wide.repeat(255);
    request.tags = (0..USER_TAGS)
        .map(|n| (format!("{n:02}{}", wide.repeat(126)), wide.repeat(256)))
        .collect();
    request.template = "t".repeat(64).parse().unwrap();
    request.project = Some("p".repeat(64).parse().unwrap());
    request.accept_instance_store_loss = Some(wide.repeat(128));
    for fails in [false, true] {
        let world = launched(|_| {});
        let project = ProjectRequest {
            name: "p".repeat(64).parse().unwrap(),
            description: String::new(),
        };
        let ada = caller("ada");
        let made = world.service.create_project(&ada, project);
        world.clock.run(made).unwrap();
        if fails {
            world.admin.fail_next_image(&"why ".repeat(5000)).unwrap();
        }
        let record = world.save("ada", request.clone()).unwrap();
        let state = if fails {
            SaveState::Failed
        } else {
            SaveState::Succeeded
        };
        assert_eq!(record.state, state, "{:?}", record.failure);
        let largest = events(&world, &record.save_id)
            .iter()
            .map(size)
            .max()
            .unwrap();
        println!("{largest} bytes at most, failing: {fails}");
        assert!(largest < PAYLOAD_LIMIT_BYTES / 2, "{largest} bytes");
        let stored = serde_json::to_vec(&record).unwrap().len();
        assert!(
            stored < prism_functions::ports::ITEM_BYTES / 2,
            "{stored} bytes"
        );
    }
}

/// An input that only a user who starts executions directly can send. Whatever it requests, the execution ends before
/// any step is called, because no step could be given the whole input.
#[test]
fn an_input_that_no_state_could_hand_on_is_refused_at_once() {
    let request = json!({ "caller": caller("ada"), "request": save_request("work", "kept") });
    let copy = json!({ "caller": caller("ada"), "copy": { "template": "kept" } });
    for (number, mut input) in [request, copy].into_iter().enumerate() {
        input["more"] = json!("x".repeat(262_000 - input.to_string().len()));
        let world = usual(Setup::seeded(6));
        let inventory = world.admin.inventory().unwrap();
        let name = format!("save-0123456789abcdef012{number}");
        let started = world.executions.start(&name, input);
        world.clock.run(started).unwrap();
        world.clock.run_until_idle().unwrap();
        let described = world.clock.run(world.executions.describe(&name)).unwrap();
        assert_eq!(described.status, ExecutionStatus::Failed);
        assert_eq!(described.error.as_deref(), Some("InvalidInput"));
        assert!(described.cause.unwrap().contains("30,000 characters"));
        let id = name.parse().unwrap();
        let called = events(&world, &id);
        let called = called
            .iter()
            .filter(|event| matches!(event.event, Event::TaskScheduled { .. }));
        assert_eq!(called.count(), 0);
        assert_eq!(world.admin.inventory().unwrap(), inventory);
    }
}

/// CreateImage and DiscardImage fail with the longest possible causes, 32,768 characters, of the kind that takes most
/// space as JSON.
#[derive(Clone)]
struct Verbose;

struct Failing(Arc<dyn Functions>);

impl Between for Verbose {
    fn functions(&self, functions: Arc<dyn Functions>) -> Arc<dyn Functions> {
        Arc::new(Failing(functions))
    }
}

#[async_trait]
impl Functions for Failing {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let step = steps::find(function).map(|step| step.name);
        if matches!(step, Some("CreateImage" | "DiscardImage")) {
            return Err(TaskFailure {
                error: "SomethingElse".to_owned(),
                cause: "\u{1}".repeat(32_768),
            });
        }
        self.0.invoke(function, payload).await
    }
}

#[test]
fn the_largest_causes_stay_within_what_ends_a_failed_save() {
    let world = usual(Setup {
        between: Arc::new(Verbose),
        ..Setup::seeded(7)
    });
    let mut request = copied_to(9);
    request.tags = (0..USER_TAGS)
        .map(|n| (format!("{n:02}{}", "k".repeat(126)), "v".repeat(256)))
        .collect();
    let record = world.save("ada", request).unwrap();
    assert_eq!(record.state, SaveState::Failed, "{record:?}");
    let failure = record.failure.unwrap();
    assert!(failure.message.contains("SomethingElse"));
    assert!(record.leftovers.unwrap().contains("SomethingElse"));
    assert!(record.ended_at.is_some());
}

fn size(event: &HistoryEvent) -> usize {
    match &event.event {
        Event::ExecutionStarted { input, .. } | Event::StateEntered { input, .. } => input.len(),
        Event::TaskScheduled { parameters, .. } => parameters.len(),
        Event::TaskFailed { cause, .. } => cause.as_ref().map_or(0, String::len),
        Event::ExecutionSucceeded { output } | Event::TaskSucceeded { output, .. } => output.len(),
        Event::StateExited {
            output, assigned, ..
        } => output.len() + assigned.iter().map(|(_, value)| value.len()).sum::<usize>(),
        _ => 0,
    }
}
