//! Whole runs, to be read.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::Answer::{After, Fail, FailAfter, Now};
use crate::support::{machine, run, run_until, task};

/// A save in small: something fails after the stop, so the instance is brought back.
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
    assert_snapshot!(run, @"");
}

/// Two Regions: one copy fails while the other is under way.
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
        json!(["a", "b", "c"]),
        |_, payload, _| match payload.as_str() {
            Some("a") => After(5, json!(1)),
            Some("b") => After(99, json!(2)),
            _ => After(50, json!(3)),
        },
    );
    assert_snapshot!(run, @"");
}

/// Both branches end well.
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
    assert_snapshot!(run, @"");
}

/// Stopped in the middle of a Wait.
#[test]
fn an_execution_is_stopped() {
    let states = json!({"W": {"Type": "Wait", "Seconds": 60, "End": true}});
    let run = run_until(
        &machine("W", &states),
        json!({}),
        crate::support::echo,
        Some(7),
    );
    assert_snapshot!(run, @"");
}
