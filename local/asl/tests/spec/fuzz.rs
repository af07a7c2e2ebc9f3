//! No text makes the loader panic, and no machine that loads makes the interpreter panic.

use prism_asl::Machine;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{echo, run};

/// Definitions to mutate. Together they contain every field.
fn seeds() -> Vec<Value> {
    let body = |name: &str| {
        let mut states = json!({});
        states[name] = json!({"Type": "Pass", "Assign": {"v": "{% $states.input %}"}, "Output": ["{% $states.context.Map.Item.Index %}"], "End": true});
        json!({"StartAt": name, "States": states})
    };
    vec![
        json!({"QueryLanguage": "JSONata", "StartAt": "A", "TimeoutSeconds": 99, "Comment": "c", "Version": "1.0", "States": {
            "A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "f", "Payload": {"a": "{% $states.input %}"}}, "TimeoutSeconds": "{% 5 %}", "Retry": [{"ErrorEquals": ["X"], "IntervalSeconds": 1, "BackoffRate": 1.5, "MaxAttempts": 2, "MaxDelaySeconds": 5, "JitterStrategy": "FULL"}], "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"e": "{% $states.errorOutput %}"}, "Output": 1, "Next": "F"}], "Output": "{% $states.result.Payload %}", "Next": "C"},
            "C": {"Type": "Choice", "Choices": [{"Condition": "{% $count($states.input) > 3 %}", "Next": "F"}], "Default": "W"},
            "W": {"Type": "Wait", "Seconds": "{% 2 %}", "Next": "E"},
            "E": {"Type": "Succeed", "Output": "{% $uuid() %}"},
            "F": {"Type": "Fail", "Error": "E", "Cause": "{% 'c' %}"}
        }}),
        json!({"QueryLanguage": "JSONata", "StartAt": "P", "States": {
            "P": {"Type": "Parallel", "Arguments": [1, 2], "Branches": [body("X"), body("Y")], "Next": "M"},
            "M": {"Type": "Map", "Items": "{% [1..3] %}", "ItemSelector": {"i": "{% $states.context.Map.Item.Value %}"}, "MaxConcurrency": 2, "ItemProcessor": body("Z"), "Next": "T"},
            "T": {"Type": "Wait", "Timestamp": "2000-01-01T00:00:00Z", "End": true}
        }}),
    ]
}

fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(fields) => fields.values().map(places).sum(),
        _ => 0,
    }
}

fn replace(value: &mut Value, place: &mut usize, with: &Value) {
    if *place == 0 {
        *value = with.clone();
    }
    *place = place.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, place, with)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| replace(field, place, with)),
        _ => {}
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| json!(float)),
        "[A-Z]".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        jsonata().prop_map(|text| Value::from(format!("{{%{text}%}}"))),
        Just(json!([])),
        Just(json!({})),
    ]
}

fn jsonata() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "$",
        "$$",
        "$states",
        ".input",
        ".result",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        ":=",
        ";",
        "?",
        "%",
        "*",
        "**",
        "+",
        "-",
        "/",
        "|",
        "^",
        "&",
        "~>",
        "@$i",
        "#$j",
        "..",
        "1",
        "0.5e9",
        "'a'",
        "a",
        "`b`",
        "function($x)",
        "$x",
        "$map",
        "$sum",
        "$uuid()",
        "$range(1,9,2)",
        "/r/i",
        "and",
        "in",
        "null",
        "λ",
        "<n:n>",
        "/*c*/",
        "\u{1F600}",
        " ",
    ]);
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_loads_or_is_refused(text in "\\PC{0,200}") {
        let _ = Machine::load(&text);
    }

    #[test]
    fn a_mutated_definition_runs_or_is_refused(
        seed in prop::sample::select(seeds()),
        mutations in prop::collection::vec((any::<prop::sample::Index>(), scalar()), 1..4),
    ) {
        let mut definition = seed;
        for (place, with) in &mutations {
            let mut place = place.index(places(&definition));
            replace(&mut definition, &mut place, with);
        }
        if Machine::load(&definition.to_string()).is_ok() {
            run(&definition, json!([1, {"a": [2]}]), echo);
        }
    }

    #[test]
    fn any_jsonata_runs_or_is_refused(source in jsonata(), free in "\\PC{0,40}") {
        for source in [source, free] {
            let definition = crate::support::pass(json!(format!("{{%{source}%}}")));
            if Machine::load(&definition.to_string()).is_ok() {
                run(&definition, json!({"a": [1, {"b": "c"}]}), echo);
            }
        }
    }
}
