//! Runs a definition on the virtual clock against scripted functions.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use prism_asl::{
    Clock, Execution, Functions, HistoryEvent, Identity, LoadError, Machine, MemoryHistory,
    Outcome, Status, StopHandle, TaskFailure, TaskTokens, VirtualClock,
};
use serde_json::{Value, json};

pub(crate) enum Answer {
    Now(Value),
    After(u64, Value),
    Fail(&'static str),
    FailAfter(u64, &'static str),
}

use Answer::{After, Fail, FailAfter, Now};

/// A function as a script. The arguments are its name, its payload, and the number of earlier calls.
type Script = dyn Fn(&str, &Value, usize) -> Answer + Send + Sync;

struct Scripted {
    script: Box<Script>,
    clock: VirtualClock,
    calls: Arc<Mutex<Vec<Call>>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) at_s: i64,
    pub(crate) function: String,
    pub(crate) payload: Value,
    /// Whether it completed, instead of being dropped.
    pub(crate) ended: bool,
}

#[async_trait]
impl Functions for Scripted {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let (index, before) = {
            let mut calls = self.calls.lock().expect("no call panics");
            let before = calls
                .iter()
                .filter(|call| call.function == function)
                .count();
            calls.push(Call {
                at_s: self.clock.now().timestamp(),
                function: function.to_owned(),
                payload: payload.clone(),
                ended: false,
            });
            (calls.len() - 1, before)
        };
        let (seconds, result) = match (self.script)(function, &payload, before) {
            Now(value) => (0, Ok(value)),
            After(seconds, value) => (seconds, Ok(value)),
            Fail(error) => (0, Err(TaskFailure::from_handler(error, "it broke"))),
            FailAfter(seconds, error) => {
                (seconds, Err(TaskFailure::from_handler(error, "it broke")))
            }
        };
        if seconds > 0 {
            self.clock.sleep(Duration::from_secs(seconds)).await;
        }
        self.calls.lock().expect("no call panics")[index].ended = true;
        result
    }
}

pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) events: Vec<HistoryEvent>,
    pub(crate) calls: Vec<Call>,
    /// The duration in seconds of virtual time.
    pub(crate) took_s: i64,
}

impl Run {
    pub(crate) fn output(&self) -> Value {
        assert_eq!(self.outcome.status, Status::Succeeded, "{self}");
        self.outcome
            .output
            .as_deref()
            .cloned()
            .expect("a success has an output")
    }

    pub(crate) fn error(&self) -> &str {
        assert_eq!(self.outcome.status, Status::Failed, "{self}");
        self.outcome.error.as_deref().unwrap_or_default()
    }

    pub(crate) fn cause(&self) -> &str {
        self.outcome.cause.as_deref().unwrap_or_default()
    }

    pub(crate) fn types(&self) -> Vec<String> {
        self.events
            .iter()
            .map(|event| event.event.type_name())
            .collect()
    }

    pub(crate) fn called_at(&self) -> Vec<i64> {
        self.calls.iter().map(|call| call.at_s).collect()
    }
}

/// The history, one line per event.
impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut lines = self.events.iter().map(|event| plain(&event.to_string()));
        lines.try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A text without the headers that every Lambda response has.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("\"SdkHttpMetadata\":") {
        plain += before;
        rest = &from[from.find("\"StatusCode\"").expect("the last member")..];
    }
    plain + rest
}

pub(crate) fn load(definition: &Value) -> Result<Machine, LoadError> {
    Machine::load(&definition.to_string())
}

/// Runs a definition whose functions follow a script, and checks the history.
pub(crate) fn run(
    definition: &Value,
    input: Value,
    script: impl Fn(&str, &Value, usize) -> Answer + Send + Sync + 'static,
) -> Run {
    run_until(definition, input, script, None)
}

/// Like [`run`], but stops the execution after some seconds.
pub(crate) fn run_until(
    definition: &Value,
    input: Value,
    script: impl Fn(&str, &Value, usize) -> Answer + Send + Sync + 'static,
    stop_after_s: Option<u64>,
) -> Run {
    let tokens = TaskTokens::new();
    let run = run_with(definition, input, script, stop_after_s, &tokens);
    assert_eq!(tokens.open(), 0, "no token outlives its task");
    run
}

/// Like [`run_until`], with tokens that the script may complete.
pub(crate) fn run_with(
    definition: &Value,
    input: Value,
    script: impl Fn(&str, &Value, usize) -> Answer + Send + Sync + 'static,
    stop_after_s: Option<u64>,
    tokens: &TaskTokens,
) -> Run {
    let clock = VirtualClock::new(DateTime::UNIX_EPOCH);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let history = Arc::new(MemoryHistory::new());
    let stop = StopHandle::new();
    let execution = Execution {
        machine: Arc::new(load(definition).expect("the definition is good")),
        identity: Identity::of("eu-west-1", "111122223333", "machine", "run", &clock),
        input,
        clock: Arc::new(clock.clone()),
        functions: Arc::new(Scripted {
            script: Box::new(script),
            clock: clock.clone(),
            calls: Arc::clone(&calls),
        }),
        history: history.clone(),
        seed: 7,
        stop: stop.clone(),
        tokens: tokens.clone(),
    };
    if let Some(seconds) = stop_after_s {
        let sleep = clock.sleep(Duration::from_secs(seconds));
        clock.spawn(async move {
            sleep.await;
            stop.stop(Some("Stopped".to_owned()), Some("by the test".to_owned()));
        });
    }
    let outcome = clock.run(execution.run());
    let events = history.events();
    check(&events);
    assert_eq!(
        clock.pending_timers(),
        usize::from(stop_after_s.is_some_and(|s| s > clock.now().timestamp().unsigned_abs()))
    );
    let calls = calls.lock().expect("no call panics").clone();
    Run {
        outcome,
        events,
        calls,
        took_s: clock.now().timestamp(),
    }
}

/// Checks what is true of every history: IDs count from 1, predecessors come first, time does not go backwards, and
/// there is one start and one end.
pub(crate) fn check(events: &[HistoryEvent]) {
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.id, index as u64 + 1, "{event}");
        assert!(event.previous_event_id < event.id, "{event}");
        let json = event.to_json();
        assert_eq!(json["id"], json!(event.id));
        assert_eq!(json["type"], json!(event.event.type_name()));
        // Only the start, the first state, its evaluation failure, and an end from outside may have no predecessor.
        let from_nothing = [
            "ExecutionStarted",
            "ExecutionTimedOut",
            "ExecutionAborted",
            "EvaluationFailed",
        ];
        let root = index <= 1 || from_nothing.contains(&event.event.type_name().as_str());
        assert!(root || event.previous_event_id > 0, "{event}");
    }
    assert!(
        events
            .windows(2)
            .all(|pair| pair[0].timestamp <= pair[1].timestamp)
    );
    let types: Vec<String> = events.iter().map(|event| event.event.type_name()).collect();
    assert_eq!(types[0], "ExecutionStarted");
    let ends = types[1..]
        .iter()
        .filter(|name| name.starts_with("Execution"))
        .count();
    assert_eq!(ends, 1);
    assert!(
        types
            .last()
            .is_some_and(|name| name.starts_with("Execution"))
    );
}

pub(crate) fn machine(start: &str, states: &Value) -> Value {
    json!({"QueryLanguage": "JSONata", "StartAt": start, "States": states})
}

pub(crate) fn task(function: &str, more: Value) -> Value {
    let mut state = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": "{% $states.input %}"},
    });
    merge(&mut state, more);
    state
}

fn merge(state: &mut Value, more: Value) {
    if let (Value::Object(state), Value::Object(more)) = (state, more) {
        state.extend(more);
    }
}

pub(crate) fn echo(_: &str, payload: &Value, _: usize) -> Answer {
    Now(payload.clone())
}

pub(crate) fn pass(output: Value) -> Value {
    machine(
        "P",
        &json!({"P": {"Type": "Pass", "Output": output, "End": true}}),
    )
}

pub(crate) fn waiting(more: Value) -> Value {
    let mut fields = json!({
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Arguments": {"FunctionName": "f", "Payload": {"token": "{% $states.context.Task.Token %}"}},
        "End": true,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        fields[name.as_str()] = value.clone();
    }
    let caught = fields.get("Catch").is_some();
    let mut states = json!({"T": task("f", fields)});
    if caught {
        states["Caught"] = json!({"Type": "Succeed"});
    }
    machine("T", &states)
}

pub(crate) fn token_of(payload: &Value) -> &str {
    payload["token"]
        .as_str()
        .expect("the function is given its token")
}

pub(crate) fn acted(
    definition: &Value,
    act: impl Fn(&TaskTokens, &str, usize) -> Answer + Send + Sync + 'static,
) -> Run {
    let tokens = TaskTokens::new();
    let theirs = tokens.clone();
    let script = move |_: &str, payload: &Value, n| act(&theirs, token_of(payload), n);
    let run = run_with(definition, json!({}), script, None, &tokens);
    assert_eq!(tokens.open(), 0, "no token outlives its task");
    run
}
