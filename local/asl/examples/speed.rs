//! Measures the interpreter: one execution of 100 states, and 1,000 executions at once.
//!
//! `cargo run --release -p prism-asl --example speed`

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::DateTime;
use futures::future::join_all;
use prism_asl::{
    Clock, Execution, Functions, Identity, Machine, MemoryHistory, Status, StopHandle, TaskFailure,
    VirtualClock,
};
use serde_json::{Map, Value, json};

struct Echo(VirtualClock);

#[async_trait]
impl Functions for Echo {
    async fn invoke(&self, _: &str, payload: Value) -> Result<Value, TaskFailure> {
        self.0.sleep(Duration::from_secs(1)).await;
        Ok(payload)
    }
}

/// A repetition, 25 times, of Task, Choice, Wait and Pass, with expressions, variables, retriers and catchers.
fn definition() -> String {
    let mut states = Map::new();
    for turn in 0..25 {
        let name = |kind: &str| format!("{kind}{turn}");
        let next = if turn == 24 {
            "End".to_owned()
        } else {
            format!("Task{}", turn + 1)
        };
        states.insert(name("Task"), json!({
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "echo", "Payload": {"save": "{% $states.input.save %}", "turn": turn}},
            "TimeoutSeconds": 60,
            "Retry": [{"ErrorEquals": ["Throttled"], "MaxAttempts": 5, "JitterStrategy": "FULL"}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Broken"}],
            "Assign": {"last": "{% $states.result.Payload.turn %}"},
            "Output": {"save": "{% $states.result.Payload.save %}"},
            "Next": name("Choice"),
        }));
        states.insert(
            name("Choice"),
            json!({
                "Type": "Choice",
                "Choices": [{"Condition": format!("{{% $last != {turn} %}}"), "Next": "Broken"}],
                "Default": name("Wait"),
            }),
        );
        states.insert(
            name("Wait"),
            json!({"Type": "Wait", "Seconds": 2, "Next": name("Pass")}),
        );
        states.insert(
            name("Pass"),
            json!({
                "Type": "Pass",
                "Output": "{% $merge([$states.input, {'at': $states.context.State.Name}]) %}",
                "Next": next,
            }),
        );
    }
    states.insert(
        "Broken".to_owned(),
        json!({"Type": "Fail", "Error": "Broken"}),
    );
    states.insert("End".to_owned(), json!({"Type": "Succeed"}));
    json!({"QueryLanguage": "JSONata", "StartAt": "Task0", "States": states}).to_string()
}

fn execution(
    machine: &Arc<Machine>,
    clock: &VirtualClock,
    index: usize,
) -> (Execution, Arc<MemoryHistory>) {
    let history = Arc::new(MemoryHistory::new());
    let execution = Execution {
        machine: Arc::clone(machine),
        identity: Identity::of(
            "eu-west-1",
            "111122223333",
            "speed",
            &index.to_string(),
            clock,
        ),
        input: json!({"save": {"id": index, "instance": "i-0123456789abcdef0", "tags": {"owner": "me"}}}),
        clock: Arc::new(clock.clone()),
        functions: Arc::new(Echo(clock.clone())),
        history: history.clone(),
        seed: 1,
        stop: StopHandle::new(),
        tokens: prism_asl::TaskTokens::new(),
    };
    (execution, history)
}

#[expect(clippy::disallowed_methods, reason = "this measures real time")]
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

/// The peak memory of the process in MB, if the operating system reports it.
fn peak_mb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

#[expect(clippy::print_stdout, reason = "it prints its measurements")]
fn main() {
    let text = definition();
    let (loading, machine) = timed(|| Machine::load(&text).expect("the definition is good"));
    let machine = Arc::new(machine);
    println!("load: {loading:?} for {} KB", text.len() / 1024);

    let one = |index| {
        let clock = VirtualClock::new(DateTime::UNIX_EPOCH);
        let (execution, history) = execution(&machine, &clock, index);
        let (took, outcome) = timed(|| clock.run(execution.run()));
        assert_eq!(outcome.status, Status::Succeeded, "{outcome:?}");
        (took, history.len())
    };
    let mut runs: Vec<_> = (0..200).map(one).collect();
    runs.sort_unstable();
    let (median, events) = runs[100];
    println!(
        "one execution of 101 states: median {median:?}, worst {:?}, {events} events",
        runs[199].0
    );

    let before = peak_mb();
    let clock = VirtualClock::new(DateTime::UNIX_EPOCH);
    let (executions, histories): (Vec<_>, Vec<_>) = (0..1_000)
        .map(|index| execution(&machine, &clock, index))
        .unzip();
    let (took, outcomes) =
        timed(|| clock.run(join_all(executions.into_iter().map(Execution::run))));
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.status == Status::Succeeded)
    );
    let events: usize = histories.iter().map(|history| history.len()).sum();
    println!("1,000 executions at once: {took:?}, {events} events, all kept");
    println!(
        "peak memory: {before:?} MB before, {:?} MB after",
        peak_mb()
    );
}
