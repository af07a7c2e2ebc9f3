//! What is refused at load, and at which path.

use serde_json::{Value, json};

use crate::support::{load, machine, pass, task};

#[track_caller]
fn refused(definition: &Value, path: &str) {
    let error = load(definition).expect_err(path);
    assert_eq!(error.path, path, "{error}");
}

/// A machine with one state S, and a state E if S has a transition to it.
fn one(state: Value) -> Value {
    machine("S", &json!({"S": state}))
}

#[test]
fn the_machine_itself() {
    let good = pass(json!(1));
    let with = |field: &str, value: Value| {
        let mut definition = good.clone();
        definition[field] = value;
        definition
    };
    assert!(load(&with("Comment", json!("a comment"))).is_ok());
    assert!(load(&with("Version", json!("1.0"))).is_ok());
    refused(&with("Version", json!("2.0")), "$.Version");
    refused(&with("QueryLanguage", json!("JSONPath")), "$.QueryLanguage");
    refused(&with("TimeoutSeconds", json!(0)), "$.TimeoutSeconds");
    refused(
        &with("TimeoutSeconds", json!("{% 1 %}")),
        "$.TimeoutSeconds",
    );
    refused(&with("StartAt", json!("Q")), "$.StartAt");
    refused(&with("States", json!({})), "$.States");
    refused(&with("Extra", json!(1)), "$.Extra");
    let mut bare = good.clone();
    bare.as_object_mut()
        .expect("an object")
        .remove("QueryLanguage");
    refused(&bare, "$.QueryLanguage");
    refused(&json!([]), "$");
    assert_eq!(
        prism_asl::Machine::load("{").expect_err("not JSON").path,
        "$"
    );
    assert_eq!(
        prism_asl::Machine::load(&" ".repeat(2_000_000))
            .expect_err("too long")
            .path,
        "$"
    );
}

#[test]
fn fields_that_a_state_does_not_have() {
    for (state, path) in [
        (
            json!({"Type": "Pass", "Result": 1, "End": true}),
            "$.States.S.Result",
        ),
        (
            json!({"Type": "Pass", "InputPath": "$", "End": true}),
            "$.States.S.InputPath",
        ),
        (
            json!({"Type": "Pass", "Retry": [], "End": true}),
            "$.States.S.Retry",
        ),
        (
            json!({"Type": "Wait", "Seconds": 1, "TimeoutSeconds": 1, "End": true}),
            "$.States.S.TimeoutSeconds",
        ),
        (json!({"Type": "Succeed", "End": true}), "$.States.S.End"),
        (
            json!({"Type": "Succeed", "Assign": {}}),
            "$.States.S.Assign",
        ),
        (json!({"Type": "Fail", "Output": 1}), "$.States.S.Output"),
        (
            json!({"Type": "Choice", "Choices": [], "Next": "S"}),
            "$.States.S.Next",
        ),
        (
            task("f", json!({"HeartbeatSeconds": 1, "End": true})),
            "$.States.S.HeartbeatSeconds",
        ),
        (
            task("f", json!({"ResultPath": "$", "End": true})),
            "$.States.S.ResultPath",
        ),
        (
            task("f", json!({"QueryLanguage": "JSONPath", "End": true})),
            "$.States.S.QueryLanguage",
        ),
        (json!({"Type": "Activity"}), "$.States.S.Type"),
        (json!({}), "$.States.S.Type"),
        (json!(1), "$.States.S.Type"),
    ] {
        refused(&one(state), path);
    }
}

#[test]
fn transitions() {
    refused(&one(json!({"Type": "Pass"})), "$.States.S");
    refused(
        &one(json!({"Type": "Pass", "Next": "Q"})),
        "$.States.S.Next",
    );
    refused(
        &one(json!({"Type": "Pass", "Next": "S", "End": true})),
        "$.States.S.End",
    );
    refused(
        &one(json!({"Type": "Pass", "End": false})),
        "$.States.S.End",
    );
    refused(&one(json!({"Type": "Pass", "Next": "S"})), "$.States");
    let e = json!({"Type": "Succeed"});
    let s = json!({"Type": "Pass", "End": true});
    refused(
        &machine("S", &json!({"S": s, "not reached": e})),
        "$.States['not reached']",
    );
    refused(
        &one(json!({"Type": "Choice", "Choices": [{"Condition": true, "Next": "Q"}]})),
        "$.States.S.Choices[0].Next",
    );
    refused(
        &one(json!({"Type": "Choice", "Choices": [], "Default": "S"})),
        "$.States.S.Choices",
    );
    refused(
        &one(json!({"Type": "Choice", "Default": "S"})),
        "$.States.S.Choices",
    );
    refused(
        &one(
            json!({"Type": "Choice", "Choices": [{"Condition": true, "Next": "S"}], "Default": "Q"}),
        ),
        "$.States.S.Default",
    );
    refused(
        &one(json!({"Type": "Choice", "Choices": [{"Condition": "true", "Next": "S"}]})),
        "$.States.S.Choices[0].Condition",
    );
    refused(
        &one(task(
            "f",
            json!({"Catch": [{"ErrorEquals": ["A"], "Next": "Q"}], "End": true}),
        )),
        "$.States.S.Catch[0].Next",
    );
    // A state within a branch is not a target for states outside of it, and its name is taken.
    let branch = |name: &str| {
        let mut states = json!({});
        states[name] = json!({"Type": "Succeed"});
        json!({"Type": "Parallel", "Branches": [{"StartAt": name, "States": states}], "Next": "B"})
    };
    refused(&one(branch("B")), "$.States.S.Next");
    refused(
        &machine("S", &json!({"S": branch("B"), "B": {"Type": "Succeed"}})),
        "$.States.S.Branches[0].States.B",
    );
}

#[test]
fn retriers_and_catchers() {
    for (retrier, field) in [
        (json!({}), ".ErrorEquals"),
        (json!({"ErrorEquals": []}), ".ErrorEquals"),
        (json!({"ErrorEquals": [1]}), ".ErrorEquals[0]"),
        (
            json!({"ErrorEquals": ["A", "States.ALL"]}),
            ".ErrorEquals[1]",
        ),
        (
            json!({"ErrorEquals": ["States.Tiemout"]}),
            ".ErrorEquals[0]",
        ),
        (
            json!({"ErrorEquals": ["A"], "BackoffRate": 0.5}),
            ".BackoffRate",
        ),
        (
            json!({"ErrorEquals": ["A"], "BackoffRate": "2"}),
            ".BackoffRate",
        ),
        (
            json!({"ErrorEquals": ["A"], "IntervalSeconds": 0}),
            ".IntervalSeconds",
        ),
        (
            json!({"ErrorEquals": ["A"], "IntervalSeconds": "{% 1 %}"}),
            ".IntervalSeconds",
        ),
        (
            json!({"ErrorEquals": ["A"], "MaxAttempts": -1}),
            ".MaxAttempts",
        ),
        (
            json!({"ErrorEquals": ["A"], "IntervalSeconds": 9, "MaxDelaySeconds": 9}),
            ".MaxDelaySeconds",
        ),
        (
            json!({"ErrorEquals": ["A"], "JitterStrategy": "SOME"}),
            ".JitterStrategy",
        ),
        (json!({"ErrorEquals": ["A"], "Interval": 1}), ".Interval"),
    ] {
        let state = task("f", json!({"Retry": [retrier], "End": true}));
        refused(&one(state), &format!("$.States.S.Retry[0]{field}"));
    }
    let all_first = json!([{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}]);
    refused(
        &one(task("f", json!({"Retry": all_first, "End": true}))),
        "$.States.S.Retry[0].ErrorEquals[0]",
    );
    assert!(
        load(&one(task(
            "f",
            json!({"Retry": [], "Catch": [], "End": true})
        )))
        .is_ok()
    );
    let catch = json!([{"ErrorEquals": ["A"], "Next": "S", "ResultPath": "$"}]);
    refused(
        &one(task("f", json!({"Catch": catch, "End": true}))),
        "$.States.S.Catch[0].ResultPath",
    );
}

#[test]
fn tasks() {
    let resource = |resource: &str| one(task("f", json!({"Resource": resource, "End": true})));
    assert!(
        load(&resource(
            "arn:aws:lambda:eu-west-1:111122223333:function:f:live"
        ))
        .is_ok()
    );
    for arn in [
        "f",
        "arn:aws:states:::lambda:invoke.sync",
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "arn:aws:states:::sqs:sendMessage",
        "arn:aws:states:eu-west-1:111122223333:activity:a",
        "arn:aws:lambda:::function:f",
        "{% 'f' %}",
    ] {
        refused(&resource(arn), "$.States.S.Resource");
    }
    for (arguments, path) in [
        (json!({"Payload": 1}), ".FunctionName"),
        (json!({"FunctionName": 1}), ".FunctionName"),
        (
            json!({"FunctionName": "f", "InvocationType": "Event"}),
            ".InvocationType",
        ),
        (
            json!({"FunctionName": "f", "Payload": {"a": ["{% 1 + %}"]}}),
            ".Payload.a[0]",
        ),
        (json!("f"), ""),
        (json!(1), ""),
    ] {
        let state = task("f", json!({"Arguments": arguments, "End": true}));
        refused(&one(state), &format!("$.States.S.Arguments{path}"));
    }
    refused(
        &one(task("f", json!({"TimeoutSeconds": 0, "End": true}))),
        "$.States.S.TimeoutSeconds",
    );
}

#[test]
fn other_states() {
    let body = json!({"StartAt": "I", "States": {"I": {"Type": "Succeed"}}});
    let with = |field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    let map =
        |processor: Value| one(json!({"Type": "Map", "ItemProcessor": processor, "End": true}));
    assert!(load(&map(body.clone())).is_ok());
    refused(
        &map(with("QueryLanguage", json!("JSONata"))),
        "$.States.S.ItemProcessor.QueryLanguage",
    );
    refused(
        &map(with("ProcessorConfig", json!({"Mode": "DISTRIBUTED"}))),
        "$.States.S.ItemProcessor.ProcessorConfig.Mode",
    );
    refused(
        &one(json!({"Type": "Map", "End": true})),
        "$.States.S.ItemProcessor",
    );
    refused(
        &one(json!({"Type": "Map", "ItemProcessor": body, "Items": 1, "End": true})),
        "$.States.S.Items",
    );
    refused(
        &one(json!({"Type": "Map", "ItemProcessor": body, "ItemReader": {}, "End": true})),
        "$.States.S.ItemReader",
    );
    refused(
        &one(json!({"Type": "Map", "ItemProcessor": body, "MaxConcurrency": -1, "End": true})),
        "$.States.S.MaxConcurrency",
    );
    refused(
        &one(json!({"Type": "Parallel", "Branches": [], "End": true})),
        "$.States.S.Branches",
    );
    refused(&one(json!({"Type": "Wait", "End": true})), "$.States.S");
    refused(
        &one(
            json!({"Type": "Wait", "Seconds": 1, "Timestamp": "2026-01-01T00:00:00Z", "End": true}),
        ),
        "$.States.S",
    );
    refused(
        &one(json!({"Type": "Wait", "Seconds": 1.5, "End": true})),
        "$.States.S.Seconds",
    );
    refused(
        &one(json!({"Type": "Wait", "Timestamp": "2026-01-01", "End": true})),
        "$.States.S.Timestamp",
    );
    refused(
        &one(json!({"Type": "Fail", "Error": 1})),
        "$.States.S.Error",
    );
}

/// Guide, "Variable scope": an inner scope cannot assign a variable of an outer scope, regardless of where and when
/// the outer scope assigns it.
#[test]
fn variables_of_an_outer_scope() {
    let body =
        json!({"StartAt": "I", "States": {"I": {"Type": "Pass", "Assign": {"x": 1}, "End": true}}});
    let map = json!({"Type": "Map", "ItemProcessor": body, "Next": "E"});
    let inner = "$.States.M.ItemProcessor.States.I.Assign.x";
    let assign = |e: Value| machine("M", &json!({"M": map, "E": e}));
    assert!(load(&assign(json!({"Type": "Succeed"}))).is_ok());
    refused(
        &assign(json!({"Type": "Pass", "Assign": {"x": 2}, "End": true})),
        inner,
    );
    let rule = json!({"Condition": true, "Next": "M", "Assign": {"x": 2}});
    refused(&assign(json!({"Type": "Choice", "Choices": [rule]})), inner);
    let mut catching = map.clone();
    catching["Catch"] = json!([{"ErrorEquals": ["States.ALL"], "Next": "E", "Assign": {"x": 2}}]);
    refused(
        &machine("M", &json!({"M": catching, "E": {"Type": "Succeed"}})),
        inner,
    );
    // Sibling branches are independent of each other.
    let branch = |name: &str| {
        let mut states = json!({});
        states[name] = json!({"Type": "Pass", "Assign": {"x": 1}, "End": true});
        json!({"StartAt": name, "States": states})
    };
    assert!(
        load(&one(
            json!({"Type": "Parallel", "Branches": [branch("A"), branch("B")], "End": true})
        ))
        .is_ok()
    );
    for name in ["states", "a-b", "1a", "", "a.b", "$a"] {
        let mut assign = json!({});
        assign[name] = json!(1);
        let error =
            load(&one(json!({"Type": "Pass", "Assign": assign, "End": true}))).expect_err(name);
        assert!(error.path.starts_with("$.States.S.Assign"), "{error}");
    }
}

/// Guide, "Transforming data with JSONata", and the errors that AWS returns for `CreateStateMachine`.
#[test]
fn expressions() {
    for expression in [
        "{% $states.input.a[1,2) %}",
        "{% phone %}",
        "{% $.a %}",
        "{% $$ %}",
        "{% $eval('1') %}",
        "{% $states.result %}",
        "{% $states.errorOutput %}",
        "{% $states.inptu %}",
        "{%  %}",
        "{% 1",
        "1 %}",
        "{%}",
    ] {
        refused(&pass(json!({"a": [expression]})), "$.States.P.Output.a[0]");
    }
    let states = |field: &str, value: &str| {
        let mut state = task("f", json!({"End": true}));
        state[field] = json!(value);
        one(state)
    };
    assert!(load(&states("Output", "{% $states.result %}")).is_ok());
    refused(
        &states("TimeoutSeconds", "{% $states.result %}"),
        "$.States.S.TimeoutSeconds",
    );
    refused(
        &states("Arguments", "{% $states.result %}"),
        "$.States.S.Arguments",
    );
    refused(
        &states("Output", "{% $states.errorOutput %}"),
        "$.States.S.Output",
    );
}
