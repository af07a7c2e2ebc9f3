//! Tasks that wait for a token.

use std::sync::{Arc, Mutex};

use insta::assert_snapshot;
use prism_asl::{PAYLOAD_LIMIT_BYTES, TaskFailure, TaskTokens, TokenError};
use serde_json::{Value, json};

use crate::support::Answer::{After, Fail, FailAfter, Now};
use crate::support::{acted, machine, plain, run, run_with, task, token_of, waiting};

/// Guide, "Wait for a callback with task token": the result is the output that was sent with the token.
#[test]
fn the_result_is_what_was_sent() {
    let more = json!({"TimeoutSeconds": 60, "Output": "{% $states.result.woken %}"});
    let run = acted(&waiting(more), |tokens, token, _| {
        tokens.succeed(token, json!({"woken": 7})).unwrap();
        Now(json!({"registered": true}))
    });
    assert_eq!(run.output(), 7);
}

/// API reference, `TaskSubmittedEventDetails`: the function's own result is recorded but not used.
#[test]
fn the_history_contains_the_wait() {
    let tokens = TaskTokens::new();
    let machine = machine(
        "Both",
        &json!({"Both": {"Type": "Parallel", "End": true, "Branches": [
            {"StartAt": "T", "States": waiting(json!({"TimeoutSeconds": 60}))["States"]},
        {"StartAt": "W", "States": {
                "W": {"Type": "Wait", "Seconds": 9, "Next": "Wake"},
                "Wake": task("wake", json!({"End": true})),
            }},
        ]}}),
    );
    let known = Arc::new(Mutex::new(String::new()));
    let theirs = tokens.clone();
    let script = move |name: &str, payload: &Value, _| {
        let mut known = known.lock().unwrap();
        if name == "f" {
            token_of(payload).clone_into(&mut known);
            return After(2, json!("registered"));
        }
        theirs.succeed(&known, json!({})).unwrap();
        Now(json!(null))
    };
    let run = run_with(&machine, json!({}), script, None, &tokens);
    let shown: Vec<String> = run
        .events
        .iter()
        .filter(|event| event.event.type_name().starts_with("Task"))
        .map(|event| plain(&event.to_string()))
        .collect();
    assert_snapshot!(shown.join("\n"), @r#"
     4 <- 3   00:00:00.000 TaskStateEntered T {}
     5 <- 4   00:00:00.000 TaskScheduled {"FunctionName":"f","Payload":{"token":"token:arn:aws:states:eu-west-1:111122223333:execution:machine:run:4:0"}} within 60 s
     6 <- 5   00:00:00.000 TaskStarted
     8 <- 6   00:00:02.000 TaskSubmitted {"ExecutedVersion":"$LATEST","Payload":"registered","StatusCode":200}
    10 <- 9   00:00:09.000 TaskStateEntered Wake {}
    11 <- 10  00:00:09.000 TaskScheduled {"FunctionName":"wake","Payload":{}}
    12 <- 11  00:00:09.000 TaskStarted
    13 <- 12  00:00:09.000 TaskSucceeded {"ExecutedVersion":"$LATEST","Payload":null,"StatusCode":200}
    14 <- 13  00:00:09.000 TaskStateExited Wake {"ExecutedVersion":"$LATEST","Payload":null,"StatusCode":200}
    15 <- 8   00:00:09.000 TaskSucceeded {}
    16 <- 15  00:00:09.000 TaskStateExited T {}
    "#);
    let submitted = run
        .events
        .iter()
        .find(|event| event.event.type_name() == "TaskSubmitted");
    let mut details = submitted.unwrap().to_json()["taskSubmittedEventDetails"].clone();
    let output = plain(details["output"].as_str().unwrap());
    details["output"] = json!(output);
    assert_eq!(
        details,
        json!({
            "output": "{\"ExecutedVersion\":\"$LATEST\",\"Payload\":\"registered\",\"StatusCode\":200}",
            "outputDetails": {"truncated": false},
            "resource": "invoke.waitForTaskToken",
            "resourceType": "lambda",
        })
    );
}

/// The timeout covers the function and the wait together; the token is never returned.
#[test]
fn a_wait_times_out() {
    let catch = json!([{"ErrorEquals": ["States.Timeout"], "Next": "Caught"}]);
    let run = acted(
        &waiting(json!({"TimeoutSeconds": 60, "Catch": catch})),
        |_, _, _| After(50, json!(1)),
    );
    assert_eq!(
        run.output(),
        json!({"Error": "States.Timeout", "Cause": ""})
    );
    assert_eq!(run.took_s, 60);
    let types = run.types();
    assert!(types.contains(&"TaskSubmitted".to_owned()));
    let timed_out = run
        .events
        .iter()
        .find(|event| event.event.type_name() == "TaskTimedOut");
    let details = &timed_out.unwrap().to_json()["taskTimedOutEventDetails"];
    assert_eq!(details["resource"], "invoke.waitForTaskToken");
    let slow = acted(
        &waiting(json!({"TimeoutSeconds": 60, "Catch": catch})),
        |_, _, _| After(70, json!(1)),
    );
    assert_eq!(slow.took_s, 60);
    assert!(!slow.types().contains(&"TaskSubmitted".to_owned()));
}

/// `SendTaskFailure` gives the Task the error, which is caught like any other error.
#[test]
fn a_sent_failure_is_caught() {
    let sent = |error: &str| TaskFailure {
        error: error.to_owned(),
        cause: "it says so".to_owned(),
    };
    let catch = json!([{"ErrorEquals": ["Mine"], "Next": "Caught"}]);
    let caught = acted(
        &waiting(json!({"Catch": catch})),
        move |tokens, token, _| {
            tokens.fail(token, sent("Mine")).unwrap();
            Now(json!(1))
        },
    );
    assert_eq!(
        caught.output(),
        json!({"Error": "Mine", "Cause": "it says so"})
    );
}

/// If the function fails, the Task fails immediately: the token was not handed over.
#[test]
fn a_failing_function_ends_the_wait() {
    let failed = acted(&waiting(json!({"TimeoutSeconds": 60})), |_, _, _| {
        FailAfter(3, "Boom")
    });
    assert_eq!((failed.error(), failed.took_s), ("Boom", 3));
    assert!(!failed.types().contains(&"TaskSubmitted".to_owned()));
}

#[test]
fn a_retry_waits_for_another_token() {
    let retry = json!([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let theirs = Arc::clone(&seen);
    let run = acted(
        &waiting(json!({"Retry": retry})),
        move |tokens, token, n| {
            theirs.lock().unwrap().push(token.to_owned());
            if n == 0 {
                return Fail("Boom");
            }
            let first = theirs.lock().unwrap()[0].clone();
            assert_eq!(
                tokens.succeed(&first, json!(1)),
                Err(TokenError::TaskTimedOut)
            );
            tokens.succeed(token, json!(2)).unwrap();
            Now(json!(null))
        },
    );
    assert_eq!(run.output(), 2);
    let seen = seen.lock().unwrap();
    assert_ne!(seen[0], seen[1]);
}

/// API reference, `SendTaskSuccess`: the errors for a token that is late, wrong, or not a token.
#[test]
fn the_first_result_counts_and_invalid_tokens_have_distinct_errors() {
    let run = acted(&waiting(json!({})), |tokens, token, _| {
        let large = json!("x".repeat(PAYLOAD_LIMIT_BYTES));
        assert_eq!(tokens.succeed(token, large), Err(TokenError::InvalidOutput));
        assert_eq!(tokens.succeed(token, json!("first")), Ok(()));
        assert_eq!(
            tokens.succeed(token, json!("second")),
            Err(TokenError::TaskTimedOut)
        );
        let failure = TaskFailure {
            error: "E".to_owned(),
            cause: String::new(),
        };
        assert_eq!(tokens.fail(token, failure), Err(TokenError::TaskTimedOut));
        let unknown = format!("{token}0");
        assert_eq!(
            tokens.succeed(&unknown, json!(1)),
            Err(TokenError::TaskDoesNotExist)
        );
        assert_eq!(tokens.succeed("", json!(1)), Err(TokenError::InvalidToken));
        Now(json!(null))
    });
    assert_eq!(run.output(), "first");
}

/// A stop ends the wait, and a later result is refused.
#[test]
fn a_stop_ends_the_wait() {
    let tokens = TaskTokens::new();
    let known = Arc::new(Mutex::new(String::new()));
    let theirs = Arc::clone(&known);
    let script = move |_: &str, payload: &Value, _| {
        token_of(payload).clone_into(&mut theirs.lock().unwrap());
        Now(json!(1))
    };
    let run = run_with(&waiting(json!({})), json!({}), script, Some(7), &tokens);
    assert_eq!(run.types().last().unwrap(), "ExecutionAborted");
    assert_eq!(run.took_s, 7);
    let late = tokens.succeed(&known.lock().unwrap(), json!(1));
    assert_eq!(late, Err(TokenError::TaskTimedOut));
}

/// Only a Task that waits for a token has one, and only while it starts.
#[test]
fn other_tasks_have_no_token() {
    let arguments =
        json!({"FunctionName": "f", "Payload": {"token": "{% $states.context.Task.Token %}"}});
    let plain = machine(
        "T",
        &json!({"T": task("f", json!({"Arguments": arguments, "End": true}))}),
    );
    let run = run(&plain, json!({}), |_, _, _| Now(json!(1)));
    assert_eq!(run.error(), "States.QueryEvaluationError");
}
