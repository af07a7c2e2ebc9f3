//! The events, as JSON.

use serde_json::{Value, json};

use crate::support::Answer::{Fail, Now};
use crate::support::{echo, machine, pass, plain, run, task};

/// API reference, `HistoryEvent`: the shapes of a Task's events.
#[test]
fn events_have_the_shape_of_the_api() {
    let states = json!({"T": task("f", json!({
        "TimeoutSeconds": 9,
        "Assign": {"x": "{% $states.result.Payload %}"},
        "Output": 1,
        "End": true,
    }))});
    let run = run(&machine("T", &states), json!({"a": 1}), |_, _, _| {
        Now(json!("ok"))
    });
    let mut events: Vec<Value> = run
        .events
        .iter()
        .map(prism_asl::HistoryEvent::to_json)
        .collect();
    let output = &mut events[4]["taskSucceededEventDetails"]["output"];
    *output = json!(plain(output.as_str().unwrap_or_default()));
    let details = json!({"truncated": false});
    let event = |id: u64, previous: u64, kind: &str, field: &str, of: Value| {
        let mut event =
            json!({"timestamp": 0.0, "type": kind, "id": id, "previousEventId": previous});
        event[field] = of;
        event
    };
    let parameters = "{\"FunctionName\":\"f\",\"Payload\":{\"a\":1}}";
    let result = "{\"ExecutedVersion\":\"$LATEST\",\"Payload\":\"ok\",\"StatusCode\":200}";
    let role = "arn:aws:iam::111122223333:role/machine";
    let expected = json!([
        event(
            1,
            0,
            "ExecutionStarted",
            "executionStartedEventDetails",
            json!({"input": "{\"a\":1}", "inputDetails": details, "roleArn": role})
        ),
        event(
            2,
            0,
            "TaskStateEntered",
            "stateEnteredEventDetails",
            json!({"input": "{\"a\":1}", "inputDetails": details, "name": "T"})
        ),
        event(
            3,
            2,
            "TaskScheduled",
            "taskScheduledEventDetails",
            json!({"parameters": parameters, "region": "eu-west-1", "resource": "invoke", "resourceType": "lambda", "timeoutInSeconds": 9})
        ),
        event(
            4,
            3,
            "TaskStarted",
            "taskStartedEventDetails",
            json!({"resource": "invoke", "resourceType": "lambda"})
        ),
        event(
            5,
            4,
            "TaskSucceeded",
            "taskSucceededEventDetails",
            json!({"output": result, "outputDetails": details, "resource": "invoke", "resourceType": "lambda"})
        ),
        event(
            6,
            5,
            "TaskStateExited",
            "stateExitedEventDetails",
            json!({"name": "T", "output": "1", "outputDetails": details, "assignedVariables": {"x": "\"ok\""}, "assignedVariablesDetails": details})
        ),
        event(
            7,
            6,
            "ExecutionSucceeded",
            "executionSucceededEventDetails",
            json!({"output": "1", "outputDetails": details})
        ),
    ]);
    assert_eq!(Value::Array(events), expected);
}

/// Failures have an error and a cause, if these exist.
#[test]
fn failures_have_the_shape_of_the_api() {
    let states = json!({"T": task("f", json!({"End": true}))});
    let failed = run(&machine("T", &states), json!({}), |_, _, _| Fail("Boom"));
    let cause = "{\"errorMessage\":\"it broke\",\"errorType\":\"Boom\"}";
    let task_failed = failed.events[4].to_json();
    assert_eq!(
        task_failed["taskFailedEventDetails"],
        json!({"error": "Boom", "cause": cause, "resource": "invoke", "resourceType": "lambda"})
    );
    let end = failed.events[5].to_json();
    assert_eq!(
        end["executionFailedEventDetails"],
        json!({"error": "Boom", "cause": cause})
    );
    let evaluation = run(&pass(json!({"a": "{% $absent %}"})), json!({}), echo).events[2].to_json();
    let cause = "An error occurred while executing the state 'P' (entered at the event id #2). The JSONata expression '$absent' specified for the field 'Output/a' returned nothing (undefined).";
    let expected = json!({"state": "P", "location": "Output/a", "error": "States.QueryEvaluationError", "cause": cause});
    assert_eq!(evaluation["evaluationFailedEventDetails"], expected);
}

#[test]
fn histories_are_reproducible() {
    let states = json!({"M": {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "T", "States": {"T": task("f", json!({
            "Retry": [{"ErrorEquals": ["States.ALL"], "JitterStrategy": "FULL", "IntervalSeconds": 60}],
            "Output": "{% $uuid() %}",
            "End": true,
        }))}},
        "End": true,
    }});
    let items: Vec<i32> = (0..60).collect();
    let once = || {
        run(&machine("M", &states), json!(items), |_, payload, n| {
            if n % 3 == 0 {
                Fail("Boom")
            } else {
                Now(payload.clone())
            }
        })
    };
    assert_eq!(once().events, once().events);
}
