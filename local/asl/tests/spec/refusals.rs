//! What is refused at load, and at which path.

use serde_json::{Value, json};

use crate::support::{branch, load, machine, pass, task};

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

/// Each case is a state, and the path below it at which it is refused.
#[track_caller]
fn states_refused(cases: &Value) {
    for case in cases.as_array().expect("a list of cases") {
        let path = case[1].as_str().expect("a path");
        refused(&one(case[0].clone()), &format!("$.States.S{path}"));
    }
}

#[test]
fn fields_that_a_state_does_not_have() {
    states_refused(&json!([
        [{"Type": "Pass", "Result": 1, "End": true}, ".Result"],
        [{"Type": "Pass", "InputPath": "$", "End": true}, ".InputPath"],
        [{"Type": "Pass", "Retry": [], "End": true}, ".Retry"],
        [{"Type": "Wait", "Seconds": 1, "TimeoutSeconds": 1, "End": true}, ".TimeoutSeconds"],
        [{"Type": "Succeed", "End": true}, ".End"],
        [{"Type": "Succeed", "Assign": {}}, ".Assign"],
        [{"Type": "Fail", "Output": 1}, ".Output"],
        [{"Type": "Choice", "Choices": [], "Next": "S"}, ".Next"],
        [task("f", json!({"HeartbeatSeconds": 1, "End": true})), ".HeartbeatSeconds"],
        [task("f", json!({"ResultPath": "$", "End": true})), ".ResultPath"],
        [task("f", json!({"QueryLanguage": "JSONPath", "End": true})), ".QueryLanguage"],
        [{"Type": "Activity"}, ".Type"],
        [{}, ".Type"],
        [1, ".Type"],
    ]));
}

#[test]
fn transitions() {
    states_refused(&json!([
        [{"Type": "Pass"}, ""],
        [{"Type": "Pass", "Next": "Q"}, ".Next"],
        [{"Type": "Pass", "Next": "S", "End": true}, ".End"],
        [{"Type": "Pass", "End": false}, ".End"],
        [{"Type": "Choice", "Choices": [{"Condition": true, "Next": "Q"}]}, ".Choices[0].Next"],
        [{"Type": "Choice", "Choices": [], "Default": "S"}, ".Choices"],
        [{"Type": "Choice", "Default": "S"}, ".Choices"],
        [{"Type": "Choice", "Choices": [{"Condition": true, "Next": "S"}], "Default": "Q"}, ".Default"],
        [{"Type": "Choice", "Choices": [{"Condition": "true", "Next": "S"}]}, ".Choices[0].Condition"],
        [task("f", json!({"Catch": [{"ErrorEquals": ["A"], "Next": "Q"}], "End": true})), ".Catch[0].Next"],
    ]));
    refused(&one(json!({"Type": "Pass", "Next": "S"})), "$.States");
    let e = json!({"Type": "Succeed"});
    let s = json!({"Type": "Pass", "End": true});
    refused(
        &machine("S", &json!({"S": s, "not reached": e})),
        "$.States['not reached']",
    );
    // A state within a branch is not a target for states outside of it, and its name is taken.
    let parallel = json!({"Type": "Parallel", "Branches": [branch("B", e)], "Next": "B"});
    refused(&one(parallel.clone()), "$.States.S.Next");
    refused(
        &machine("S", &json!({"S": parallel, "B": {"Type": "Succeed"}})),
        "$.States.S.Branches[0].States.B",
    );
}

#[test]
fn retriers_and_catchers() {
    let with = |retrier: &Value| task("f", json!({"Retry": [retrier], "End": true}));
    let cases = json!([
        [{}, "ErrorEquals"],
        [{"ErrorEquals": []}, "ErrorEquals"],
        [{"ErrorEquals": [1]}, "ErrorEquals[0]"],
        [{"ErrorEquals": ["A", "States.ALL"]}, "ErrorEquals[1]"],
        [{"ErrorEquals": ["States.Tiemout"]}, "ErrorEquals[0]"],
        [{"ErrorEquals": ["A"], "BackoffRate": 0.5}, "BackoffRate"],
        [{"ErrorEquals": ["A"], "BackoffRate": "2"}, "BackoffRate"],
        [{"ErrorEquals": ["A"], "IntervalSeconds": 0}, "IntervalSeconds"],
        [{"ErrorEquals": ["A"], "IntervalSeconds": "{% 1 %}"}, "IntervalSeconds"],
        [{"ErrorEquals": ["A"], "MaxAttempts": -1}, "MaxAttempts"],
        [{"ErrorEquals": ["A"], "IntervalSeconds": 9, "MaxDelaySeconds": 9}, "MaxDelaySeconds"],
        [{"ErrorEquals": ["A"], "JitterStrategy": "SOME"}, "JitterStrategy"],
        [{"ErrorEquals": ["A"], "Interval": 1}, "Interval"],
    ]);
    for case in cases.as_array().expect("a list of cases") {
        let field = case[1].as_str().expect("a field");
        states_refused(&json!([[with(&case[0]), format!(".Retry[0].{field}")]]));
    }
    let all_first = json!([{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}]);
    let catch = json!([{"ErrorEquals": ["A"], "Next": "S", "ResultPath": "$"}]);
    states_refused(&json!([
        [
            task("f", json!({"Retry": all_first, "End": true})),
            ".Retry[0].ErrorEquals[0]"
        ],
        [
            task("f", json!({"Catch": catch, "End": true})),
            ".Catch[0].ResultPath"
        ],
    ]));
    let none = task("f", json!({"Retry": [], "Catch": [], "End": true}));
    assert!(load(&one(none)).is_ok());
}

#[test]
fn tasks() {
    let resource = |resource: &str| one(task("f", json!({"Resource": resource, "End": true})));
    let live = "arn:aws:lambda:eu-west-1:111122223333:function:f:live";
    assert!(load(&resource(live)).is_ok());
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
    let with = |arguments: Value| task("f", json!({"Arguments": arguments, "End": true}));
    let with_payload = json!({"FunctionName": "f", "Payload": {"a": ["{% 1 + %}"]}});
    states_refused(&json!([
        [with(json!({"Payload": 1})), ".Arguments.FunctionName"],
        [with(json!({"FunctionName": 1})), ".Arguments.FunctionName"],
        [
            with(json!({"FunctionName": "f", "InvocationType": "Event"})),
            ".Arguments.InvocationType"
        ],
        [with(with_payload), ".Arguments.Payload.a[0]"],
        [with(json!("f")), ".Arguments"],
        [with(json!(1)), ".Arguments"],
        [
            task("f", json!({"TimeoutSeconds": 0, "End": true})),
            ".TimeoutSeconds"
        ],
    ]));
}

#[test]
fn other_states() {
    let body = branch("I", json!({"Type": "Succeed"}));
    let with = |field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    let map = |processor: Value| json!({"Type": "Map", "ItemProcessor": processor, "End": true});
    assert!(load(&one(map(body.clone()))).is_ok());
    let distributed = json!({"Mode": "DISTRIBUTED"});
    states_refused(&json!([
        [map(with("QueryLanguage", json!("JSONata"))), ".ItemProcessor.QueryLanguage"],
        [map(with("ProcessorConfig", distributed)), ".ItemProcessor.ProcessorConfig.Mode"],
        [{"Type": "Map", "End": true}, ".ItemProcessor"],
        [{"Type": "Map", "ItemProcessor": body, "Items": 1, "End": true}, ".Items"],
        [{"Type": "Map", "ItemProcessor": body, "ItemReader": {}, "End": true}, ".ItemReader"],
        [{"Type": "Map", "ItemProcessor": body, "MaxConcurrency": -1, "End": true}, ".MaxConcurrency"],
        [{"Type": "Parallel", "Branches": [], "End": true}, ".Branches"],
        [{"Type": "Wait", "End": true}, ""],
        [{"Type": "Wait", "Seconds": 1, "Timestamp": "2026-01-01T00:00:00Z", "End": true}, ""],
        [{"Type": "Wait", "Seconds": 1.5, "End": true}, ".Seconds"],
        [{"Type": "Wait", "Timestamp": "2026-01-01", "End": true}, ".Timestamp"],
        [{"Type": "Fail", "Error": 1}, ".Error"],
    ]));
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
        branch(
            name,
            json!({"Type": "Pass", "Assign": {"x": 1}, "End": true}),
        )
    };
    let branches = [branch("A"), branch("B")];
    let parallel = json!({"Type": "Parallel", "Branches": branches, "End": true});
    assert!(load(&one(parallel)).is_ok());
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
    let with = |field: &str, value: &str| {
        let mut state = task("f", json!({"End": true}));
        state[field] = json!(value);
        state
    };
    assert!(load(&one(with("Output", "{% $states.result %}"))).is_ok());
    states_refused(&json!([
        [
            with("TimeoutSeconds", "{% $states.result %}"),
            ".TimeoutSeconds"
        ],
        [with("Arguments", "{% $states.result %}"), ".Arguments"],
        [with("Output", "{% $states.errorOutput %}"), ".Output"],
    ]));
}
