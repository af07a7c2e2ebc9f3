//! Errors: what is retried, what is caught, and what ends the execution.

use serde_json::{Value, json};

use crate::support::Answer::{After, Fail, FailAfter, Now};
use crate::support::{
    assert_error, assert_output, branch, echo, machine, run, run_until, task, tasked,
};
use prism_asl::Status;

fn retried(retry: Value) -> Value {
    tasked(json!({"Retry": retry, "End": true}))
}

/// Guide, "Retrying after an error": 3 attempts after 1, 2 and 4 seconds.
#[test]
fn the_defaults_of_a_retrier() {
    let run = run(
        &retried(json!([{"ErrorEquals": ["States.ALL"]}])),
        json!({}),
        |_, _, _| Fail("Boom"),
    );
    assert_eq!(run.error(), "Boom");
    assert_eq!(run.called_at(), [0, 1, 3, 7]);
}

/// Guide: `MaxDelaySeconds` limits the pause, `BackoffRate` multiplies it.
#[test]
fn pauses_grow_up_to_the_cap() {
    let retry = json!([{
        "ErrorEquals": ["Boom"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 10, "MaxAttempts": 4,
    }]);
    let run = run(&retried(retry), json!({}), |_, _, _| Fail("Boom"));
    assert_eq!(run.called_at(), [0, 2, 8, 18, 28]);
}

/// Guide: FULL jitter draws between 0 and the pause, from the execution's seed.
#[test]
fn full_jitter_is_drawn_within_the_pause() {
    let retry = json!([{"ErrorEquals": ["Boom"], "IntervalSeconds": 100, "BackoffRate": 1, "MaxAttempts": 9, "JitterStrategy": "FULL"}]);
    let first = run(&retried(retry.clone()), json!({}), |_, _, _| Fail("Boom"));
    let pauses: Vec<i64> = first
        .called_at()
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert!(pauses.iter().all(|pause| (0..=100).contains(pause)));
    assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    assert_eq!(
        run(&retried(retry), json!({}), |_, _, _| Fail("Boom")).called_at(),
        first.called_at()
    );
}

/// Guide: `MaxAttempts` 0 means no retry, and the first matching retrier decides.
#[test]
fn the_first_matching_retrier_decides() {
    let retry = json!([
        {"ErrorEquals": ["Boom"], "MaxAttempts": 0},
        {"ErrorEquals": ["States.ALL"]},
    ]);
    let run = run(&retried(retry), json!({}), |_, _, _| Fail("Boom"));
    assert_eq!(run.called_at(), [0]);
}

/// Guide, "Complex retry scenarios": each retrier has its own count.
#[test]
fn retriers_keep_separate_counts() {
    let retry = json!([
        {"ErrorEquals": ["A", "B"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 2},
        {"ErrorEquals": ["C"], "IntervalSeconds": 5},
    ]);
    let run = run(&retried(retry), json!({}), |_, _, n| {
        Fail(["A", "B", "C", "B", "B"][n])
    });
    assert_eq!(run.error(), "B");
    assert_eq!(run.called_at(), [0, 1, 3, 8]);
}

/// Guide: the counts restart each time the state is entered, and the context shows them.
#[test]
fn counts_are_reset_on_leaving_the_state() {
    let states = json!({
        "T": task("f", json!({
            "Arguments": {"FunctionName": "f", "Payload": "{% $states.context.State.RetryCount %}"},
            "Retry": [{"ErrorEquals": ["Boom"], "MaxAttempts": 1, "BackoffRate": 1}],
            "Output": "{% $states.result.Payload %}",
            "Next": "C",
        })),
        "C": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input = 'again' %}", "Next": "T"}], "Default": "E"},
        "E": {"Type": "Succeed"},
    });
    let run = run(&machine("T", &states), json!({}), |_, _, n| match n {
        0 | 2 => Fail("Boom"),
        1 => Now(json!("again")),
        _ => Now(json!("done")),
    });
    assert_eq!(run.output(), json!("done"));
    let payloads: Vec<&Value> = run.calls.iter().map(|call| &call.payload).collect();
    assert_eq!(payloads, [0, 1, 0, 1]);
}

fn caught(error_equals: &Value, more: Value) -> Value {
    let mut catcher = json!({"ErrorEquals": error_equals, "Next": "E"});
    if let (Value::Object(catcher), Value::Object(more)) = (&mut catcher, more) {
        catcher.extend(more);
    }
    json!([catcher])
}

/// Guide, "Fallback states": the output of a catcher is the error output, unless it sets another one.
#[test]
fn a_catcher_gives_the_error_output() {
    let states = |more: Value| {
        json!({
            "T": task("f", json!({"Catch": caught(&json!(["Boom"]), more), "End": true})),
            "E": {"Type": "Pass", "Output": "{% [$states.input, $exists($e) ? $e] %}", "End": true},
        })
    };
    let cause = "{\"errorMessage\":\"it broke\",\"errorType\":\"Boom\"}";
    let plain = run(&machine("T", &states(json!({}))), json!(1), |_, _, _| {
        Fail("Boom")
    });
    assert_eq!(plain.output(), json!([{"Error": "Boom", "Cause": cause}]));
    let more = json!({
        "Output": {"input": "{% $states.input %}", "why": "{% $parse($states.errorOutput.Cause).errorMessage %}"},
        "Assign": {"e": "{% $states.errorOutput.Error %}"},
    });
    let full = run(&machine("T", &states(more)), json!(1), |_, _, _| {
        Fail("Boom")
    });
    assert_eq!(
        full.output(),
        json!([{"input": 1, "why": "it broke"}, "Boom"])
    );
}

/// Guide, "Error names": `States.TaskFailed` matches every error except a timeout.
#[test]
fn task_failed_is_not_a_timeout() {
    let states = json!({
        "T": task("f", json!({"TimeoutSeconds": 5, "Catch": caught(&json!(["States.TaskFailed"]), json!({})), "Next": "E"})),
        "E": {"Type": "Succeed", "Output": "caught"},
    });
    let definition = machine("T", &states);
    assert_eq!(
        run(&definition, json!({}), |_, _, _| Fail("Boom")).output(),
        json!("caught")
    );
    let late = run(&definition, json!({}), |_, _, _| After(6, json!({})));
    assert_eq!(late.error(), "States.Timeout");
    assert_eq!(late.outcome.cause, None);
    assert_eq!(late.took_s, 5);
    assert!(!late.calls[0].ended, "the call is dropped");
}

/// Guide: `TimeoutSeconds` may be an expression, and a timeout may be retried.
#[test]
fn a_timeout_may_be_computed_and_retried() {
    let states = json!({"T": task("f", json!({
        "TimeoutSeconds": "{% $states.input.limit + $states.context.State.RetryCount %}",
        "Retry": [{"ErrorEquals": ["States.Timeout"], "BackoffRate": 1}],
        "Output": "{% $states.result.Payload %}",
        "End": true,
    }))});
    let slow = |_: &str, _: &Value, _: usize| After(4, json!("ok"));
    let in_time = run(&machine("T", &states), json!({"limit": 3}), slow);
    assert_eq!(in_time.output(), json!("ok"));
    assert_eq!(in_time.took_s, 3 + 1 + 4);
    let negative = run(&machine("T", &states), json!({"limit": -9}), slow);
    assert_eq!(negative.error(), "States.QueryEvaluationError");
}

/// Guide: Task, Parallel and Map can catch the failure of their own expressions.
#[test]
fn failed_expressions_are_caught_where_there_is_a_catch() {
    let body = json!({"StartAt": "I", "States": {"I": {"Type": "Succeed"}}});
    let catch = caught(
        &json!(["States.QueryEvaluationError"]),
        json!({"Output": "caught"}),
    );
    for mut state in [
        task("f", json!({"Output": "{% $states.input.absent %}"})),
        task("f", json!({"Assign": {"x": "{% 1 + 'a' %}"}})),
        task(
            "f",
            json!({"Arguments": {"FunctionName": "f", "Payload": "{% $absent %}"}}),
        ),
        json!({"Type": "Parallel", "Branches": [body], "Arguments": "{% $absent %}"}),
        json!({"Type": "Map", "ItemProcessor": body, "Items": "{% 1 %}"}),
        json!({"Type": "Map", "ItemProcessor": body, "Items": [1], "ItemSelector": {"a": "{% $absent %}"}}),
        json!({"Type": "Map", "ItemProcessor": body, "Items": [1], "MaxConcurrency": "{% 'a' %}"}),
    ] {
        state["Catch"] = catch.clone();
        state["End"] = json!(true);
        let definition = machine("S", &json!({"S": state, "E": {"Type": "Succeed"}}));
        assert_output(&definition, json!({}), &json!("caught"));
    }
}

/// The failure of a catcher's expression is not caught by the same state.
#[test]
fn a_catcher_does_not_catch_itself() {
    let states = json!({
        "T": task("f", json!({"Catch": caught(&json!(["States.ALL"]), json!({"Output": "{% $absent %}"})), "End": true})),
        "E": {"Type": "Succeed"},
    });
    let run = run(&machine("T", &states), json!({}), |_, _, _| Fail("Boom"));
    assert_eq!(run.error(), "States.QueryEvaluationError");
    assert!(run.cause().contains("'Catch[0]/Output'"));
}

/// Guide: conditions are booleans.
#[test]
fn a_condition_must_be_boolean() {
    let states = json!({
        "C": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input %}", "Next": "E"}], "Default": "E"},
        "E": {"Type": "Succeed"},
    });
    let definition = machine("C", &states);
    for input in [json!(1), json!("true"), json!(null), json!([])] {
        let run = run(&definition, input, echo);
        assert_eq!(run.error(), "States.QueryEvaluationError");
        assert!(run.cause().contains(
            "'Choices[0]/Condition' returned an unexpected result type. Expected 'boolean'"
        ));
    }
    assert_output(&definition, json!(false), &json!(false));
}

/// Spec, "Choice State": no rule matches and there is no Default.
#[test]
fn no_choice_matched() {
    let inner = json!({"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "X"}]},
        "X": {"Type": "Succeed"},
    }});
    let states = json!({
        "P": {"Type": "Parallel", "Branches": [inner], "Catch": caught(&json!(["States.NoChoiceMatched"]), json!({"Output": "caught"})), "End": true},
        "E": {"Type": "Succeed"},
    });
    assert_output(&machine("P", &states), json!({}), &json!("caught"));
}

/// Guide: `States.Runtime` always fails the execution.
#[test]
fn runtime_errors_are_not_caught() {
    let states = json!({
        "T": task("f", json!({
            "Arguments": "{% {'FunctionName': 1} %}",
            "Retry": [{"ErrorEquals": ["States.ALL"]}],
            "Catch": [
                {"ErrorEquals": ["States.Runtime"], "Next": "E"},
                {"ErrorEquals": ["States.ALL"], "Next": "E"},
            ],
            "End": true,
        })),
        "E": {"Type": "Succeed"},
    });
    assert_error(&machine("T", &states), json!({}), "States.Runtime");
}

/// Guide, "Fail": Error and Cause may be literal, computed or absent.
#[test]
fn fail_says_why() {
    let failing = |state: Value| {
        run(
            &machine("F", &json!({"F": state})),
            json!({"e": "Mine"}),
            echo,
        )
        .outcome
    };
    let full =
        failing(json!({"Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "because"}));
    assert_eq!(
        (full.error.as_deref(), full.cause.as_deref()),
        (Some("Mine"), Some("because"))
    );
    let bare = failing(json!({"Type": "Fail"}));
    assert_eq!(
        (bare.status, bare.error, bare.cause),
        (Status::Failed, None, None)
    );
    let wrong = failing(json!({"Type": "Fail", "Error": "{% 1 %}"}));
    assert_eq!(wrong.error.as_deref(), Some("States.QueryEvaluationError"));
}

/// Guide, "Parallel": a branch that fails cancels the others immediately.
#[test]
fn a_failed_branch_cancels_the_others() {
    let branch = |name: &str| branch(name, task(name, json!({"End": true})));
    let states = json!({
        "P": {"Type": "Parallel", "Branches": [branch("slow"), branch("bad"), branch("quick")], "Catch": caught(&json!(["Boom"]), json!({"Output": "{% $states.errorOutput.Error %}"})), "End": true},
        "E": {"Type": "Succeed"},
    });
    let run = run(&machine("P", &states), json!({}), |name, _, _| match name {
        "slow" => After(100, json!({})),
        "bad" => FailAfter(5, "Boom"),
        _ => After(1, json!({})),
    });
    assert_eq!(run.output(), json!("Boom"));
    assert_eq!(run.took_s, 5);
    let ended: Vec<bool> = run.calls.iter().map(|call| call.ended).collect();
    assert_eq!(ended, [false, true, true]);
}

/// Guide, "Map": an item that fails cancels the others too, and waiting items never start.
#[test]
fn a_failed_item_cancels_the_others() {
    let states = json!({"M": {
        "Type": "Map",
        "MaxConcurrency": 2,
        "ItemProcessor": {"StartAt": "T", "States": {"T": task("f", json!({"End": true}))}},
        "Retry": [{"ErrorEquals": ["Boom"], "MaxAttempts": 1}],
        "End": true,
    }});
    let run = run(&machine("M", &states), json!([1, 2, 3, 4]), |_, _, n| {
        if n < 2 {
            FailAfter(3 - n as u64, "Boom")
        } else {
            After(10, json!({}))
        }
    });
    assert_eq!(run.output().as_array().map(Vec::len), Some(4));
    // Items 0 and 1; then, after a pause of one second, all four items, two at a time.
    assert_eq!(run.called_at(), [0, 0, 3, 3, 13, 13]);
}

/// Spec, "Timeouts": the execution's own timeout runs no Catch and leaves no error.
#[test]
fn the_top_level_timeout_is_not_caught() {
    let mut definition = machine(
        "T",
        &json!({
            "T": task("f", json!({"Catch": caught(&json!(["States.ALL"]), json!({})), "Retry": [{"ErrorEquals": ["States.ALL"]}], "Next": "E"})),
            "E": {"Type": "Succeed"},
        }),
    );
    definition["TimeoutSeconds"] = json!(10);
    let run = run(&definition, json!({}), |_, _, _| After(11, json!({})));
    assert_eq!(run.outcome.status, Status::TimedOut);
    assert_eq!(
        (run.took_s, &run.outcome.error, &run.outcome.cause),
        (10, &None, &None)
    );
    assert_eq!(
        run.types().last().map(String::as_str),
        Some("ExecutionTimedOut")
    );
    assert_eq!(
        run.types()
            .iter()
            .filter(|name| name.ends_with("Exited"))
            .count(),
        0
    );
    assert!(!run.calls[0].ended);
}

/// `StopExecution`: also runs no Catch, but the execution has the given error and cause.
#[test]
fn a_stop_is_not_caught() {
    let states = json!({
        "T": task("f", json!({"Catch": caught(&json!(["States.ALL"]), json!({})), "Next": "E"})),
        "E": {"Type": "Succeed"},
    });
    let run = run_until(
        &machine("T", &states),
        json!({}),
        |_, _, _| After(11, json!({})),
        Some(3),
    );
    assert_eq!(run.outcome.status, Status::Aborted);
    assert_eq!(run.outcome.error.as_deref(), Some("Stopped"));
    assert_eq!(run.outcome.cause.as_deref(), Some("by the test"));
    assert_eq!((run.took_s, run.calls[0].ended), (3, false));
}
