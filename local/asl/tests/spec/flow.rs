//! Flow: waits, concurrency, loops, and concurrent executions.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use prism_asl::{
    Clock, Execution, Functions, Identity, MemoryHistory, Status, StopHandle, TaskFailure,
    TaskTokens, VirtualClock,
};
use serde_json::{Value, json};

use crate::support::Answer::{After, Now};
use crate::support::{echo, load, machine, run, task};

/// Guide, "Wait": seconds or a timestamp, literal or computed; a timestamp in the past does not wait.
#[test]
fn waits() {
    for (field, value, input, seconds) in [
        ("Seconds", json!(90), json!({}), 90),
        ("Seconds", json!(0), json!({}), 0),
        (
            "Seconds",
            json!("{% $states.input.s * 2 %}"),
            json!({"s": 45}),
            90,
        ),
        (
            "Timestamp",
            json!("1970-01-02T00:00:00Z"),
            json!({}),
            86_400,
        ),
        (
            "Timestamp",
            json!("{% $states.input.t %}"),
            json!({"t": "1970-01-01T02:00:30+02:00"}),
            30,
        ),
        ("Timestamp", json!("1969-01-01T00:00:00Z"), json!({}), 0),
    ] {
        let mut state = json!({"Type": "Wait", "Output": "waited", "End": true});
        state[field] = value;
        let run = run(&machine("W", &json!({"W": state})), input, echo);
        assert_eq!((run.output(), run.took_s), (json!("waited"), seconds));
    }
    for (field, value) in [
        ("Seconds", "{% -1 %}"),
        ("Seconds", "{% 1.5 %}"),
        ("Seconds", "{% 'a' %}"),
        ("Timestamp", "{% 'tomorrow' %}"),
    ] {
        let mut state = json!({"Type": "Wait", "End": true});
        state[field] = json!(value);
        let run = run(&machine("W", &json!({"W": state})), json!({}), echo);
        assert_eq!(run.error(), "States.QueryEvaluationError");
    }
}

/// Guide, "Parallel": results are in the order of the branches, not of their completion.
#[test]
fn parallel_results_are_in_order() {
    let branch = |name: &str| {
        let mut states = json!({});
        states[name] = task(
            name,
            json!({"Output": "{% $states.result.Payload %}", "End": true}),
        );
        json!({"StartAt": name, "States": states})
    };
    let states = json!({"P": {
        "Type": "Parallel",
        "Arguments": {"n": "{% $states.input + 1 %}"},
        "Branches": [branch("slow"), branch("quick")],
        "Output": {"results": "{% $states.result %}"},
        "End": true,
    }});
    let run = run(&machine("P", &states), json!(1), |name, payload, _| {
        After(
            if name == "slow" { 9 } else { 1 },
            json!([name, payload["n"]]),
        )
    });
    assert_eq!(
        run.output(),
        json!({"results": [["slow", 2], ["quick", 2]]})
    );
    assert_eq!(run.took_s, 9);
}

/// Guide, "Map": `MaxConcurrency`, which is 40 if it is 0 or absent.
#[test]
fn map_concurrency() {
    for (concurrency, expected) in [
        (json!(1), 100),
        (json!(3), 34),
        (json!("{% 2 * 5 %}"), 10),
        (json!(0), 3),
        (json!(1_000), 3),
    ] {
        let states = json!({"M": {
            "Type": "Map",
            "MaxConcurrency": concurrency,
            "ItemProcessor": {"StartAt": "T", "States": {"T": task("f", json!({"Output": "{% $states.result.Payload %}", "End": true}))}},
            "End": true,
        }});
        let items: Vec<i32> = (0..100).collect();
        let run = run(&machine("M", &states), json!(items), |_, payload, _| {
            After(1, payload.clone())
        });
        assert_eq!((run.output(), run.took_s), (json!(items), expected));
    }
}

#[test]
fn a_loop_polls_until_it_is_done() {
    let states = json!({
        "Poll": task("poll", json!({"Assign": {"n": "{% $exists($n) ? $n + 1 : 1 %}"}, "Output": "{% $states.result.Payload %}", "Next": "Done"})),
        "Done": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.done %}", "Next": "End"}], "Default": "Pause"},
        "Pause": {"Type": "Wait", "Seconds": 2, "Next": "Poll"},
        "End": {"Type": "Succeed", "Output": "{% $n %}"},
    });
    let run = run(&machine("Poll", &states), json!({}), |_, _, n| {
        Now(json!({"done": n == 4}))
    });
    assert_eq!((run.output(), run.took_s), (json!(5), 8));
}

/// Guide, quotas: the 25,000th event is the failure.
#[test]
fn the_history_is_bounded() {
    let states = json!({
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Condition": false, "Next": "C"}], "Default": "A"},
        "C": {"Type": "Succeed"},
    });
    let run = run(&machine("A", &states), json!({}), echo);
    assert_eq!(run.error(), "States.Runtime");
    assert_eq!(run.events.len(), 25_000);
}

#[test]
fn branches_nest() {
    let inner = json!({"StartAt": "I", "States": {"I": {
        "Type": "Parallel",
        "Branches": [{"StartAt": "J", "States": {"J": {
            "Type": "Pass",
            "Output": "{% [$states.context.Map.Item.Index, $states.input] %}",
            "End": true,
        }}}],
        "End": true,
    }}});
    let states = json!({"M": {"Type": "Map", "ItemProcessor": inner, "End": true}});
    let run = run(&machine("M", &states), json!(["a", "b"]), echo);
    assert_eq!(run.output(), json!([[[0, "a"]], [[1, "b"]]]));
}

struct Slow(Arc<dyn Clock>);

#[async_trait::async_trait]
impl Functions for Slow {
    async fn invoke(&self, _: &str, payload: Value) -> Result<Value, TaskFailure> {
        self.0.sleep(Duration::from_millis(10)).await;
        Ok(payload)
    }
}

fn execution(clock: &Arc<dyn Clock>, definition: &Value, index: usize) -> Execution {
    Execution {
        machine: Arc::new(load(definition).expect("the definition is good")),
        identity: Identity::of(
            "eu-west-1",
            "111122223333",
            "machine",
            &format!("run-{index}"),
            &**clock,
        ),
        input: json!(index),
        clock: Arc::clone(clock),
        functions: Arc::new(Slow(Arc::clone(clock))),
        history: Arc::new(MemoryHistory::new()),
        seed: index as u64,
        stop: StopHandle::new(),
        tokens: TaskTokens::new(),
    }
}

/// Concurrent executions do not affect each other.
#[test]
fn a_thousand_executions_share_a_clock() {
    let virtual_clock = VirtualClock::new(DateTime::UNIX_EPOCH);
    let clock: Arc<dyn Clock> = Arc::new(virtual_clock.clone());
    let definition = machine(
        "T",
        &json!({"T": task("f", json!({"Output": "{% $states.result.Payload %}", "End": true}))}),
    );
    let outcomes = virtual_clock.run(join_all(
        (0..1_000).map(|index| execution(&clock, &definition, index).run()),
    ));
    for (index, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.output.as_deref(), Some(&json!(index)));
    }
    assert_eq!(virtual_clock.now().timestamp_millis(), 10);
}

/// The real clock, as an adapter would implement it.
struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the real clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the real clock")]
    fn sleep(&self, duration: Duration) -> futures::future::BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[tokio::test(flavor = "current_thread")]
async fn executions_run_on_tokio() {
    let clock: Arc<dyn Clock> = Arc::new(WallClock);
    let definition = machine("T", &json!({"T": task("f", json!({"End": true}))}));
    let running = tokio::spawn(execution(&clock, &definition, 1).run());
    assert_eq!(
        running.await.expect("it does not panic").status,
        Status::Succeeded
    );
}

/// A stop before the execution ends it before its first state; a stop after the execution has no effect.
#[test]
fn a_stop_may_come_early_or_late() {
    let virtual_clock = VirtualClock::new(DateTime::UNIX_EPOCH);
    let clock: Arc<dyn Clock> = Arc::new(virtual_clock.clone());
    let definition = crate::support::pass(json!(1));
    let early = execution(&clock, &definition, 1);
    early.stop.stop(None, None);
    let outcome = virtual_clock.run(early.run());
    assert_eq!((outcome.status, outcome.error), (Status::Aborted, None));
    let late = execution(&clock, &definition, 2);
    let stop = late.stop.clone();
    assert_eq!(virtual_clock.run(late.run()).status, Status::Succeeded);
    stop.stop(None, None);
}

/// A function that stops its own execution and returns immediately.
struct Stopping(StopHandle);

#[async_trait::async_trait]
impl Functions for Stopping {
    async fn invoke(&self, _: &str, payload: Value) -> Result<Value, TaskFailure> {
        self.0.stop(None, Some("by the function".to_owned()));
        Ok(payload)
    }
}

/// StopExecution: no state begins after a stop, and a stop takes precedence over any result, even if the execution
/// never has to wait in between.
#[test]
fn a_stop_lets_no_further_state_begin() {
    let clock = VirtualClock::new(DateTime::UNIX_EPOCH);
    let last = machine("T", &json!({"T": task("f", json!({"End": true}))}));
    let not_last = machine(
        "T",
        &json!({"T": task("f", json!({"Next": "P"})), "P": {"Type": "Pass", "End": true}}),
    );
    for definition in [last, not_last] {
        let history = Arc::new(MemoryHistory::new());
        let mut stopped = execution(&(Arc::new(clock.clone()) as _), &definition, 1);
        stopped.functions = Arc::new(Stopping(stopped.stop.clone()));
        stopped.history = Arc::clone(&history) as _;
        let outcome = clock.run(stopped.run());
        assert_eq!(outcome.status, Status::Aborted);
        let events = history.events();
        let names = events.iter().map(|event| event.event.type_name());
        let of_entered = names.filter(|name| name.ends_with("StateEntered"));
        assert_eq!(of_entered.count(), 1);
    }
}

#[test]
fn a_dropped_execution_leaves_nothing_behind() {
    let virtual_clock = VirtualClock::new(DateTime::UNIX_EPOCH);
    let clock: Arc<dyn Clock> = Arc::new(virtual_clock.clone());
    let definition = machine(
        "T",
        &json!({"T": task("f", json!({"TimeoutSeconds": 60, "End": true}))}),
    );
    let running = Box::pin(execution(&clock, &definition, 1).run());
    let moment = clock.sleep(Duration::from_millis(1));
    drop(virtual_clock.run(futures::future::select(running, moment)));
    assert_eq!(virtual_clock.pending_timers(), 0);
}
