//! Complete runs whose histories are meant to be read.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::Answer::{After, Fail, FailAfter, Now};
use crate::support::{machine, run, run_until, task};

/// A simplified save: something fails after the stop, so the instance is started again.
#[test]
fn a_failure_is_undone() {
    let states = json!({
        "Stop": task("Stop", json!({
            "Assign": {"was": "{% $states.result.Payload.was %}"},
            "Output": "{% $states.input %}",
            "Next": "Image",
        })),
        "Image": task("Image", json!({
            "Retry": [{"ErrorEquals": ["Throttled"], "IntervalSeconds": 2, "MaxAttempts": 1}],
            "Catch": [{
                "ErrorEquals": ["States.ALL"],
                "Output": {"error": "{% $states.errorOutput.Error %}", "was": "{% $was %}"},
                "Next": "Restore",
            }],
            "End": true,
        })),
        "Restore": task("Restore", json!({"Next": "Failed"})),
        "Failed": {"Type": "Fail", "Error": "SaveFailed", "Cause": "{% 'restored to ' & $was %}"},
    });
    let run = run(
        &machine("Stop", &states),
        json!({"id": "i-1"}),
        |name, _, n| match (name, n) {
            ("Stop", _) => After(30, json!({"was": "running"})),
            ("Image", 0) => Fail("Throttled"),
            ("Image", _) => FailAfter(5, "ImageFailed"),
            _ => Now(json!("ok")),
        },
    );
    assert_snapshot!(run, @r#"
     1 <- 0   00:00:00.000 ExecutionStarted {"id":"i-1"}
     2 <- 0   00:00:00.000 TaskStateEntered Stop {"id":"i-1"}
     3 <- 2   00:00:00.000 TaskScheduled {"FunctionName":"Stop","Payload":{"id":"i-1"}}
     4 <- 3   00:00:00.000 TaskStarted
     5 <- 4   00:00:30.000 TaskSucceeded {"ExecutedVersion":"$LATEST","Payload":{"was":"running"},"StatusCode":200}
     6 <- 5   00:00:30.000 TaskStateExited Stop {"id":"i-1"} $was="running"
     7 <- 6   00:00:30.000 TaskStateEntered Image {"id":"i-1"}
     8 <- 7   00:00:30.000 TaskScheduled {"FunctionName":"Image","Payload":{"id":"i-1"}}
     9 <- 8   00:00:30.000 TaskStarted
    10 <- 9   00:00:30.000 TaskFailed Throttled: {"errorMessage":"it broke","errorType":"Throttled"}
    11 <- 10  00:00:32.000 TaskScheduled {"FunctionName":"Image","Payload":{"id":"i-1"}}
    12 <- 11  00:00:32.000 TaskStarted
    13 <- 12  00:00:37.000 TaskFailed ImageFailed: {"errorMessage":"it broke","errorType":"ImageFailed"}
    14 <- 13  00:00:37.000 TaskStateExited Image {"error":"ImageFailed","was":"running"}
    15 <- 14  00:00:37.000 TaskStateEntered Restore {"error":"ImageFailed","was":"running"}
    16 <- 15  00:00:37.000 TaskScheduled {"FunctionName":"Restore","Payload":{"error":"ImageFailed","was":"running"}}
    17 <- 16  00:00:37.000 TaskStarted
    18 <- 17  00:00:37.000 TaskSucceeded {"ExecutedVersion":"$LATEST","Payload":"ok","StatusCode":200}
    19 <- 18  00:00:37.000 TaskStateExited Restore {"ExecutedVersion":"$LATEST","Payload":"ok","StatusCode":200}
    20 <- 19  00:00:37.000 FailStateEntered Failed {"ExecutedVersion":"$LATEST","Payload":"ok","StatusCode":200}
    21 <- 20  00:00:37.000 ExecutionFailed SaveFailed: restored to running
    "#);
}

#[test]
fn an_item_fails_while_others_run() {
    let copy = json!({"StartAt": "Copy", "States": {
        "Copy": task("Copy", json!({"Next": "Settle", "TimeoutSeconds": 60})),
        "Settle": {"Type": "Wait", "Seconds": 10, "End": true},
    }});
    let states = json!({
        "All": {"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": copy, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Note"}], "End": true},
        "Note": {"Type": "Succeed", "Output": "{% $states.input.Error %}"},
    });
    let run = run(
        &machine("All", &states),
        json!([7, 8, 9]),
        |_, payload, _| match payload.as_u64() {
            Some(7) => After(5, json!(1)),
            Some(8) => After(99, json!(2)),
            _ => After(50, json!(3)),
        },
    );
    assert_snapshot!(run, @r#"
     1 <- 0   00:00:00.000 ExecutionStarted [7,8,9]
     2 <- 0   00:00:00.000 MapStateEntered All [7,8,9]
     3 <- 2   00:00:00.000 MapStateStarted length 3
     4 <- 3   00:00:00.000 MapIterationStarted All #0
     5 <- 3   00:00:00.000 MapIterationStarted All #1
     6 <- 4   00:00:00.000 TaskStateEntered Copy 7
     7 <- 6   00:00:00.000 TaskScheduled {"FunctionName":"Copy","Payload":7} within 60 s
     8 <- 7   00:00:00.000 TaskStarted
     9 <- 5   00:00:00.000 TaskStateEntered Copy 8
    10 <- 9   00:00:00.000 TaskScheduled {"FunctionName":"Copy","Payload":8} within 60 s
    11 <- 10  00:00:00.000 TaskStarted
    12 <- 8   00:00:05.000 TaskSucceeded {"ExecutedVersion":"$LATEST","Payload":1,"StatusCode":200}
    13 <- 12  00:00:05.000 TaskStateExited Copy {"ExecutedVersion":"$LATEST","Payload":1,"StatusCode":200}
    14 <- 13  00:00:05.000 WaitStateEntered Settle {"ExecutedVersion":"$LATEST","Payload":1,"StatusCode":200}
    15 <- 14  00:00:15.000 WaitStateExited Settle {"ExecutedVersion":"$LATEST","Payload":1,"StatusCode":200}
    16 <- 15  00:00:15.000 MapIterationSucceeded All #0
    17 <- 15  00:00:15.000 MapIterationStarted All #2
    18 <- 17  00:00:15.000 TaskStateEntered Copy 9
    19 <- 18  00:00:15.000 TaskScheduled {"FunctionName":"Copy","Payload":9} within 60 s
    20 <- 19  00:00:15.000 TaskStarted
    21 <- 11  00:01:00.000 TaskTimedOut States.Timeout
    22 <- 21  00:01:00.000 MapIterationFailed All #1
    23 <- 21  00:01:00.000 TaskStateAborted
    24 <- 21  00:01:00.000 MapIterationAborted All #2
    25 <- 21  00:01:00.000 TaskStateAborted
    26 <- 21  00:01:00.000 MapStateFailed
    27 <- 26  00:01:00.000 MapStateExited All {"Error":"States.Timeout","Cause":""}
    28 <- 27  00:01:00.000 SucceedStateEntered Note {"Error":"States.Timeout","Cause":""}
    29 <- 28  00:01:00.000 SucceedStateExited Note "States.Timeout"
    30 <- 29  00:01:00.000 ExecutionSucceeded "States.Timeout"
    "#);
}

#[test]
fn branches_join() {
    let branch = |name: &str| {
        let mut states = json!({});
        states[name] = task(
            name,
            json!({"Output": "{% $states.result.Payload %}", "End": true}),
        );
        json!({"StartAt": name, "States": states})
    };
    let states = json!({"Both": {"Type": "Parallel", "Branches": [branch("Left"), branch("Right")], "End": true}});
    let run = run(&machine("Both", &states), json!(1), |name, _, _| {
        After(if name == "Left" { 2 } else { 1 }, json!(name))
    });
    assert_snapshot!(run, @r#"
     1 <- 0   00:00:00.000 ExecutionStarted 1
     2 <- 0   00:00:00.000 ParallelStateEntered Both 1
     3 <- 2   00:00:00.000 ParallelStateStarted
     4 <- 3   00:00:00.000 TaskStateEntered Left 1
     5 <- 4   00:00:00.000 TaskScheduled {"FunctionName":"Left","Payload":1}
     6 <- 5   00:00:00.000 TaskStarted
     7 <- 3   00:00:00.000 TaskStateEntered Right 1
     8 <- 7   00:00:00.000 TaskScheduled {"FunctionName":"Right","Payload":1}
     9 <- 8   00:00:00.000 TaskStarted
    10 <- 9   00:00:01.000 TaskSucceeded {"ExecutedVersion":"$LATEST","Payload":"Right","StatusCode":200}
    11 <- 10  00:00:01.000 TaskStateExited Right "Right"
    12 <- 6   00:00:02.000 TaskSucceeded {"ExecutedVersion":"$LATEST","Payload":"Left","StatusCode":200}
    13 <- 12  00:00:02.000 TaskStateExited Left "Left"
    14 <- 13  00:00:02.000 ParallelStateSucceeded
    15 <- 13  00:00:02.000 ParallelStateExited Both ["Left","Right"]
    16 <- 15  00:00:02.000 ExecutionSucceeded ["Left","Right"]
    "#);
}

#[test]
fn an_execution_is_stopped() {
    let states = json!({"W": {"Type": "Wait", "Seconds": 60, "End": true}});
    let run = run_until(
        &machine("W", &states),
        json!({}),
        crate::support::echo,
        Some(7),
    );
    assert_snapshot!(run, @r#"
    1 <- 0   00:00:00.000 ExecutionStarted {}
    2 <- 0   00:00:00.000 WaitStateEntered W {}
    3 <- 0   00:00:07.000 ExecutionAborted Stopped: by the test
    "#);
}
