//! The sweep: two at once, one while the execution is still running, and how long an instance waits for it (promise
//! P1).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::seconds_between;
use prism_functions::domain::{SaveId, Timestamp};
use prism_functions::operations::Service;
use prism_functions::ports::{Execution, Executions, ExecutionsError};
use prism_tests::interleaved::yielding;
use prism_tests::story::to_the_end;
use prism_tests::world::{REGION, Setup, World, begun, id_of, launched, save_request};
use serde_json::{Value, json};

/// The interval between two sweeps, in seconds.
const SWEEP_S: u64 = 300;

fn started(seed: u64, seconds: u64) -> (World, SaveId) {
    let world = launched(Setup::seeded(seed));
    let id = begun(&world, save_request("work", "kept"));
    world.pass(seconds);
    (world, id)
}

fn abort(world: &World, id: &SaveId) {
    let stop = world.service.executions.stop(id.as_str(), "by the test");
    world.clock.run(stop).unwrap();
}

#[test]
fn two_sweeps_at_once_recover_once() {
    for seconds in (1..60).chain([70, 90]) {
        let (world, id) = started(seconds, seconds);
        let (one, other) = (yielding(&world), yielding(&world));
        let both = || world.clock.run(join(one.sweep(), other.sweep()));
        let (first, second) = both();
        assert!(
            first.unwrap().is_empty() && second.unwrap().is_empty(),
            "it lives"
        );
        abort(&world, &id);
        let (first, second) = both();
        let recoveries = [first.unwrap(), second.unwrap()].concat();
        assert_eq!(recoveries.len(), 1, "at {seconds}: {recoveries:?}");
        to_the_end(&world, &id);
        assert_eq!(world.record(&id).unwrap().epoch, 2);
    }
}

/// When the instance began to start again, and the earliest possible time: it must be stopped first.
fn restart(world: &World, aborted: Timestamp) -> (f64, f64) {
    let history = world.cloud.history_of(&id_of(world)).unwrap();
    let after = |state| {
        let at = history
            .iter()
            .find(|(at, it)| *it == state && *at >= aborted);
        at.map(|(at, _)| *at)
    };
    let pending = after(InstanceState::Pending).expect("it starts again");
    let possible = after(InstanceState::Stopped).map_or(aborted, |at| at.max(aborted));
    (
        seconds_between(aborted, pending),
        seconds_between(possible, pending),
    )
}

/// The save is aborted while the instance is stopping or stopped. Returns the maximum downtime beyond the necessary
/// one.
fn latest(recover: impl Fn(&World, &SaveId)) -> f64 {
    let mut latest = 0.0_f64;
    for seconds in 1..23 {
        let (world, id) = started(seconds, seconds);
        let aborted = world.now();
        abort(&world, &id);
        recover(&world, &id);
        world.clock.run_until_idle().unwrap();
        world.pass(SWEEP_S);
        let (took, late) = restart(&world, aborted);
        assert!(took < 2.0 * 300.0, "{took} s at {seconds}");
        latest = latest.max(late);
        to_the_end(&world, &id);
    }
    latest
}

/// With the event of its end, an aborted save is recovered within seconds; without it, by the next sweep.
#[test]
fn an_aborted_save_has_its_instance_start_again_in_time() {
    let by_event = latest(|world, id| {
        let detail = json!({"name": id, "status": "ABORTED"});
        let event = json!({
            "detail-type": "Step Functions Execution Status Change", "region": REGION, "detail": detail,
        });
        let woken = world.clock.run(world.service.wake(&event)).unwrap();
        assert!(woken.recovery.is_some());
    });
    // RestoreInstance polls every 5 s.
    assert!(by_event <= 6.0, "{by_event} s late with an event");
    let by_sweep = latest(|world, _| {
        // The last sweep was a moment ago.
        world.pass(SWEEP_S);
        assert_eq!(world.clock.run(world.service.sweep()).unwrap().len(), 1);
    });
    let most = 300.0 + 6.0;
    assert!(
        (200.0..=most).contains(&by_sweep),
        "{by_sweep} s late by the sweep"
    );
}

struct Hidden(Arc<dyn Executions>, String);

#[async_trait]
impl Executions for Hidden {
    async fn start(&self, name: &str, input: Value) -> Result<(), ExecutionsError> {
        self.0.start(name, input).await
    }

    async fn describe(&self, name: &str) -> Result<Execution, ExecutionsError> {
        if name == self.1 {
            return Err(ExecutionsError::Unavailable {
                reason: "it does not answer".to_owned(),
                source: None,
            });
        }
        self.0.describe(name).await
    }

    async fn wake(&self, token: &str) -> Result<bool, ExecutionsError> {
        self.0.wake(token).await
    }

    async fn stop(&self, name: &str, cause: &str) -> Result<(), ExecutionsError> {
        self.0.stop(name, cause).await
    }
}

#[test]
fn a_save_that_cannot_be_looked_at_holds_up_no_other() {
    // In either order of the two.
    for (hidden, other) in [(0, 1), (1, 0)] {
        look_past(hidden, other);
    }
}

fn look_past(hidden: usize, other: usize) {
    let world = launched(Setup::seeded(7));
    world.launch("ada", "ubuntu", "play");
    let ids = ["work", "play"].map(|name| begun(&world, save_request(name, name)));
    world.pass(60);
    for id in &ids {
        abort(&world, id);
    }
    world.pass(300);
    let executions = Arc::clone(&world.service.executions);
    let service = Service {
        executions: Arc::new(Hidden(executions, ids[hidden].to_string())),
        ..world.service.clone()
    };
    world.clock.run(service.sweep()).unwrap_err();
    to_the_end(&world, &ids[other]);
    assert!(!world.record(&ids[hidden]).unwrap().state.is_final());
    assert!(world.record(&ids[other]).unwrap().state.is_final());
    world.sweep(2);
    to_the_end(&world, &ids[hidden]);
}
