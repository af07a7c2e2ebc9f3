//! The rules of the definition that a single run cannot show, or only a run on AWS.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;

use prism_asl::{Execution, Identity, Machine, MemoryHistory, StopHandle, VirtualClock};
use prism_functions::domain::Code;
use prism_functions::domain::problem::Class;
use prism_functions::steps;
use prism_local::executions::DEFINITION;
use serde_json::{Map, Value, json};

/// Transient codes that steps cannot encounter: they only occur when the embedded cloud's files are opened, or when the
/// API is called.
const NOT_MET_BY_STEPS: [Code; 3] = [
    Code::LocalStateLocked,
    Code::ApiUnavailable,
    Code::NoticeNotSent,
];
/// The steps that request capacity from EC2, and have codes besides those of all steps.
const STARTERS: [&str; 2] = ["RestartInstance", "RestoreInstance"];
/// The step that requests copies, whose number per Region is limited temporarily.
const COPIER: &str = "CopyImage";
/// Errors that pass once credentials are renewed or a clock is set, although a person may have to do so.
const RENEWED: [Code; 4] = [
    Code::CredentialsExpired,
    Code::CredentialsMissing,
    Code::CredentialsRefused,
    Code::ClockWrong,
];
/// The errors of Lambda's Invoke ("Lambda.", then the name in the API reference), and whether each is transient for
/// functions without a file system and without SnapStart.
const OF_LAMBDA: [(&str, bool); 32] = [
    ("AWSLambdaException", true),
    ("ClientExecutionTimeoutException", true),
    ("CodeArtifactUserFailedException", false),
    ("EC2AccessDeniedException", false),
    // Elastic network interfaces, if the functions were put into a VPC.
    ("EC2ThrottledException", true),
    ("EC2UnexpectedException", true),
    ("EFSIOException", false),
    ("EFSMountConnectivityException", false),
    ("EFSMountFailureException", false),
    ("EFSMountTimeoutException", false),
    ("ENILimitReachedException", true),
    ("InvalidParameterValueException", false),
    ("InvalidRequestContentException", false),
    ("InvalidRuntimeException", false),
    ("InvalidSecurityGroupIDException", false),
    ("InvalidSubnetIDException", false),
    ("InvalidZipFileException", false),
    // The key of the functions' environment: a grant that is not known everywhere yet, or a key that is enabled again.
    ("KMSAccessDeniedException", true),
    ("KMSDisabledException", true),
    ("KMSInvalidStateException", true),
    ("KMSNotFoundException", true),
    ("RecursiveInvocationException", false),
    ("RequestTooLargeException", false),
    // The function is being changed, or has been idle and is being set up again.
    ("ResourceConflictException", true),
    ("ResourceNotFoundException", false),
    ("ResourceNotReadyException", true),
    ("SdkClientException", true),
    ("ServiceException", true),
    ("SubnetIPAddressLimitReachedException", true),
    ("TooManyRequestsException", true),
    ("Unknown", true),
    ("UnsupportedMediaTypeException", false),
];
/// The states that wait for an event, the step that polls after each, and the state that pauses before a poll.
const EVENT_WAITS: [(&str, &str, &str); 3] = [
    ("AwaitStopEvent", "AwaitStopped", "WaitUntilStopped"),
    ("AwaitStartEvent", "AwaitRunning", "WaitUntilRunning"),
    ("AwaitImageEvent", "AwaitImage", "WaitUntilAvailable"),
];
/// The step that they call, the only one whose name differs from its state's.
const EVENT_STEP: &str = "AwaitEvent";
/// The code with which a step ends its own wait. The definition catches it in every state where it can occur.
const ENDS_A_WAIT: Code = Code::EventMissed;
const POLLS: u32 = 2000;

fn waits_for_an_event(state: &str) -> bool {
    EVENT_WAITS.iter().any(|(name, ..)| *name == state)
}

fn definition() -> Value {
    serde_json::from_str(DEFINITION).unwrap()
}

fn states(definition: &Value) -> Vec<(String, &Map<String, Value>, bool)> {
    fn collect<'a>(
        graph: &'a Value,
        inside: bool,
        found: &mut Vec<(String, &'a Map<String, Value>, bool)>,
    ) {
        for (name, state) in graph["States"].as_object().unwrap() {
            found.push((name.clone(), state.as_object().unwrap(), inside));
            assert!(
                state.get("Branches").is_none(),
                "{name}: look into its branches here"
            );
            if let Some(body) = state.get("ItemProcessor") {
                collect(body, true, found);
            }
        }
    }
    let mut found = Vec::new();
    collect(definition, false, &mut found);
    found
}

fn tasks(definition: &Value) -> Vec<(String, &Map<String, Value>, bool)> {
    let mut found = states(definition);
    found.retain(|(_, state, _)| state["Type"] == "Task");
    found
}

fn errors(state: &Map<String, Value>, field: &str) -> Vec<Vec<String>> {
    let entries = state.get(field).and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .map(|entry| serde_json::from_value(entry["ErrorEquals"].clone()).unwrap())
        .collect()
}

#[test]
fn every_step_is_a_task_and_every_task_a_step() {
    let definition = definition();
    let named: BTreeSet<String> = tasks(&definition)
        .into_iter()
        .map(|(name, task, _)| {
            let (resource, step) = if waits_for_an_event(&name) {
                (".waitForTaskToken", EVENT_STEP)
            } else {
                ("", name.as_str())
            };
            let resource = format!("arn:${{Partition}}:states:::lambda:invoke{resource}");
            assert_eq!(task["Resource"], resource, "{name}");
            let function = task["Arguments"]["FunctionName"].as_str().unwrap();
            assert_eq!(function, format!("${{{step}}}"));
            step.to_owned()
        })
        .collect();
    let steps: BTreeSet<String> = steps::ALL.iter().map(|s| s.name.to_owned()).collect();
    assert_eq!(named, steps);
}

#[test]
fn every_task_is_bounded_retried_and_caught() {
    for (name, task, inside) in tasks(&definition()) {
        if !waits_for_an_event(&name) {
            let timeout = task["TimeoutSeconds"].as_u64().unwrap();
            assert!(
                (1..=900).contains(&timeout),
                "{name}: a Lambda runs for 15 minutes at most"
            );
            assert!(!errors(task, "Retry").is_empty(), "{name}");
        }
        let catch = errors(task, "Catch");
        let last = catch.last().map(Vec::as_slice);
        let relies_on_map = inside && catch.is_empty();
        assert!(
            relies_on_map || last == Some(&["States.ALL".to_owned()]),
            "{name}: the last catcher is {last:?}"
        );
    }
    for (name, map, _) in states(&definition()) {
        if map["Type"] == "Map" {
            assert_eq!(
                errors(map, "Catch").last().unwrap(),
                &["States.ALL"],
                "{name}"
            );
        }
    }
}

/// A wait for an event is never retried, because that would double the time until the next poll without an event. A
/// failure costs no more than that time either, and there is always a pause between two polls unless the wait was ended
/// on purpose.
#[test]
fn a_wait_for_an_event_always_ends_in_another_poll() {
    let definition = definition();
    for (name, look, pause) in EVENT_WAITS {
        let wait = &definition["States"][name];
        assert!(wait.get("Retry").is_none());
        assert_eq!(wait["Next"], look);
        let catch: Vec<(Value, &str)> = wait["Catch"]
            .as_array()
            .unwrap()
            .iter()
            .map(|catcher| {
                (
                    catcher["ErrorEquals"].clone(),
                    catcher["Next"].as_str().unwrap(),
                )
            })
            .collect();
        let expected = [
            (json!(["States.Timeout", ENDS_A_WAIT.as_str()]), look),
            (json!(["States.ALL"]), pause),
        ];
        assert_eq!(catch, expected);
        assert_eq!(definition["States"][pause]["Next"], look);
        let payload = &wait["Arguments"]["Payload"];
        let (token_s, task_s) = (&payload["wait_s"], &wait["TimeoutSeconds"]);
        assert_eq!(token_s, task_s, "the token lives as long as the wait");
        let looked_for = &definition["States"][look]["Arguments"]["Payload"]["limit_s"];
        assert_eq!(payload["limit_s"], *looked_for, "{name}");
    }
    for (name, task, _) in tasks(&definition) {
        let caught = errors(task, "Catch").concat();
        let can_end = caught.contains(&ENDS_A_WAIT.as_str().to_owned());
        assert_eq!(can_end, waits_for_an_event(&name), "{name}");
    }
}

/// However long a state has polled before it failed, the restore begins at its fast pace.
#[test]
fn the_restore_counts_its_polls_from_zero() {
    for (name, state, _) in states(&definition()) {
        let catch = state.get("Catch").and_then(Value::as_array);
        for catcher in catch.into_iter().flatten() {
            if catcher["Next"] == "RestoreInstance" {
                assert_eq!(catcher["Assign"]["polls"], 0, "{name}");
            }
        }
    }
}

#[test]
fn every_error_that_is_waited_for_exists() {
    let known = |error: &str| {
        let foreign = ["States.", "Lambda.", "Sandbox.", "Runtime."];
        error.parse::<Code>().is_ok() || foreign.iter().any(|prefix| error.starts_with(prefix))
    };
    for (name, state, _) in states(&definition()) {
        for field in ["Retry", "Catch"] {
            for error in errors(state, field).into_iter().flatten() {
                assert!(known(&error), "{name}: {error}");
            }
        }
    }
}

#[test]
fn only_temporary_errors_are_retried() {
    let definition = definition();
    let all = tasks(&definition).into_iter();
    for (name, task, _) in all.filter(|(name, _, _)| !waits_for_an_event(name)) {
        let retried: BTreeSet<String> = errors(task, "Retry").into_iter().flatten().collect();
        for code in Code::ALL {
            let starts = STARTERS.contains(&name.as_str());
            // A refused request may be allowed a minute later, but nothing waits for that.
            let refused = [Code::PermissionMissing, Code::AwsRefused];
            let patient = name == "DiscardImage" && refused.contains(code);
            let passes = match code {
                Code::QuotaExceeded => starts || name == COPIER,
                // The step knows which refusals of a start are permanent, and has a code for them.
                Code::NoCapacity | Code::AwsRefused => starts,
                code => {
                    RENEWED.contains(code)
                        || code.class() == Class::Transient && *code != ENDS_A_WAIT
                }
            };
            let met = passes && !NOT_MET_BY_STEPS.contains(code);
            assert_eq!(
                retried.contains(code.as_str()),
                met || patient,
                "{name}: {code}"
            );
        }
        for error in ["States.Timeout", "Sandbox.Timedout", "Runtime.ExitError"] {
            assert!(retried.contains(error), "{name}: {error}");
        }
        for (error, passes) in OF_LAMBDA {
            let error = format!("Lambda.{error}");
            assert_eq!(retried.contains(&error), passes, "{name}: {error}");
        }
    }
}

/// The maximum time that a state retries an error, in seconds, if each attempt fails at once.
fn patience(task: &Map<String, Value>, error: &str) -> f64 {
    let retriers = task["Retry"].as_array().unwrap().iter();
    let takes = |names: &Value| names.as_array().unwrap().iter().any(|name| name == error);
    let mut matching = retriers.filter(|retrier| takes(&retrier["ErrorEquals"]));
    let number = |retrier: &Value, field: &str| retrier[field].as_f64().unwrap();
    let retrier = matching.next().unwrap();
    let mut pause = number(retrier, "IntervalSeconds");
    let mut total = 0.0;
    for _ in 0..retrier["MaxAttempts"].as_u64().unwrap() {
        total += pause;
        pause = (pause * number(retrier, "BackoffRate")).min(number(retrier, "MaxDelaySeconds"));
    }
    total
}

/// Once the instance was asked to start, giving up has no benefit, and hours of waiting can be lost.
#[test]
fn from_the_restart_on_whatever_passes_is_tried_for_an_hour_at_least() {
    let definition = definition();
    let late = [
        "RestartInstance",
        "AwaitRunning",
        "AwaitImage",
        "CopyImage",
        "AwaitCopy",
        "FailCopy",
        "RegisterTemplate",
        "CompleteSave",
        "RestoreInstance",
    ];
    for (name, task, _) in tasks(&definition) {
        let errors = [
            Code::Throttled.as_str(),
            Code::AwsUnavailable.as_str(),
            Code::RegistryUnavailable.as_str(),
            Code::CredentialsExpired.as_str(),
            Code::ClockWrong.as_str(),
            "Lambda.TooManyRequestsException",
            "Lambda.ServiceException",
        ];
        for error in errors.iter().filter(|_| late.contains(&name.as_str())) {
            assert!(patience(task, error) >= 3600.0, "{name}: {error}");
        }
        for code in [Code::NoCapacity, Code::QuotaExceeded, Code::AwsRefused] {
            if STARTERS.contains(&name.as_str()) {
                assert!(
                    patience(task, code.as_str()) >= 4.0 * 3600.0,
                    "{name}: {code}"
                );
            }
        }
        if name == COPIER {
            let quota = Code::QuotaExceeded.as_str();
            assert!(patience(task, quota) >= 12.0 * 3600.0, "{name}");
        }
        if !waits_for_an_event(&name) {
            // The account's concurrency is exhausted: every state retries for minutes at least.
            assert!(
                patience(task, "Lambda.TooManyRequestsException") >= 300.0,
                "{name}"
            );
        }
    }
}

#[test]
fn nothing_is_written_that_interpreters_disagree_about() {
    for (name, state, _) in states(&definition()) {
        let kind = state["Type"].as_str().unwrap();
        if kind == "Parallel" {
            assert!(
                !state.contains_key("Assign") && !state.contains_key("Arguments"),
                "{name}"
            );
        }
        if kind == "Succeed" {
            assert!(
                !state.contains_key("Output"),
                "{name}: put it on a Pass before"
            );
        }
        check_assigns(&name, &Value::Object(state.clone()));
    }
}

/// No entry of an Assign reads a variable that another entry of it writes.
fn check_assigns(name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            let assign = members.get("Assign").and_then(Value::as_object);
            for (written, _) in assign.into_iter().flatten() {
                for (reading, text) in assign.into_iter().flatten() {
                    let reads = reads(&text.to_string(), written);
                    assert!(
                        !reads || reading == written,
                        "{name}: ${reading} reads ${written}"
                    );
                }
            }
            let nested = members.iter().filter(|(key, _)| *key != "ItemProcessor");
            nested.for_each(|(_, member)| check_assigns(name, member));
        }
        Value::Array(items) => items.iter().for_each(|item| check_assigns(name, item)),
        _ => {}
    }
}

fn reads(expression: &str, variable: &str) -> bool {
    let name = format!("${variable}");
    expression.match_indices(&name).any(|(at, _)| {
        let next = expression[at + name.len()..].chars().next();
        !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// The values of an expression for each number of polls, evaluated by the interpreter itself, with these values of
/// `look_s` and `soon`.
fn paces(expression: &str, look_s: u32, soon: u32) -> Vec<f64> {
    let numbers = json!({
        "polls": "{% $states.input %}", "copy_polls": "{% $states.input %}",
        "look_s": look_s, "soon": soon,
    });
    let machine = json!({
        "QueryLanguage": "JSONata", "StartAt": "Each", "States": { "Each": {
            "Type": "Map", "Items": format!("{{% [0..{POLLS}] %}}"), "End": true,
            "ItemProcessor": { "ProcessorConfig": { "Mode": "INLINE" }, "StartAt": "Set", "States": {
                "Set": { "Type": "Pass", "Assign": numbers, "Next": "Pace" },
                "Pace": { "Type": "Pass", "Output": expression, "End": true },
            } },
        } },
    });
    let clock = VirtualClock::new("2026-01-05T09:00:00Z".parse().unwrap());
    let execution = Execution {
        machine: std::sync::Arc::new(Machine::load(&machine.to_string()).unwrap()),
        identity: Identity::of("local", "000000000000", "paces", "paces", &clock),
        input: Value::Null,
        clock: std::sync::Arc::new(clock.clone()),
        functions: std::sync::Arc::new(NoFunctions),
        history: std::sync::Arc::new(MemoryHistory::new()),
        seed: 1,
        stop: StopHandle::new(),
        tokens: prism_asl::TaskTokens::new(),
    };
    let output = clock.run(execution.run()).output.expect("it succeeds");
    serde_json::from_value((*output).clone()).unwrap()
}

struct NoFunctions;

#[async_trait::async_trait]
impl prism_asl::Functions for NoFunctions {
    async fn invoke(&self, _: &str, _: Value) -> Result<Value, prism_asl::TaskFailure> {
        unreachable!("the machine has no Task")
    }
}

#[test]
fn every_pause_is_at_least_one_whole_second() {
    let definition = definition();
    let all = states(&definition);
    let mut checked = 0;
    for (name, state, _) in &all {
        let pause = if state["Type"] == "Wait" {
            let seconds = state.get("Seconds");
            seconds.unwrap_or_else(|| panic!("{name} waits for something else than seconds"))
        } else if waits_for_an_event(name) {
            &state["TimeoutSeconds"]
        } else {
            continue;
        };
        let expression = match pause.as_str() {
            Some("{% $copy_pause %}") => all
                .iter()
                .find_map(|(_, state, _)| state.get("Assign")?.get("copy_pause")?.as_str())
                .expect("somebody assigns the pause")
                .to_owned(),
            // The step returns the duration, at least one second.
            Some("{% $wait_s %}" | "{% $copy_turn_s %}") => continue,
            Some(expression) => expression.to_owned(),
            None => format!("{{% {pause} %}}"),
        };
        for (look_s, soon) in [(2, 0), (6, 0), (6, 3)] {
            let paces = paces(&expression, look_s, soon);
            assert_eq!(paces.len(), POLLS as usize + 1);
            for (polls, pace) in paces.iter().enumerate() {
                let whole = pace.fract() == 0.0 && (1.0..=900.0).contains(pace);
                assert!(whole, "{name}: {pace} s after {polls} looks");
            }
        }
        checked += 1;
    }
    assert!(checked >= 9, "{checked} pauses were found");
}
