//! Data: what expressions can read, what states output, and variables and their scope.

use serde_json::{Value, json};

use crate::support::{Answer, echo, machine, pass, plain, run, task};

/// Guide, "Transforming data with JSONata": a string is an expression only if all of it is one.
#[test]
fn only_whole_strings_are_expressions() {
    let output = json!({"a": "{% 1 + 1 %}", "b": "say {% 1 %} twice", "c": ["{% 'x' %}", 2, null]});
    let expected = json!({"a": 2, "b": "say {% 1 %} twice", "c": ["x", 2, null]});
    assert_eq!(run(&pass(output), json!(null), echo).output(), expected);
}

/// Guide: without an Output, a Pass outputs its input and a Task its result.
#[test]
fn the_default_output_is_input_or_result() {
    let states = json!({
        "P": {"Type": "Pass", "Next": "T"},
        "T": task("f", json!({"End": true})),
    });
    let run = run(&machine("P", &states), json!({"a": 1}), |_, _, _| {
        Answer::Now(json!("done"))
    });
    assert_eq!(
        plain(&run.output().to_string()),
        "{\"ExecutedVersion\":\"$LATEST\",\"Payload\":\"done\",\"StatusCode\":200}"
    );
    assert_eq!(run.calls[0].payload, json!({"a": 1}));
}

/// Guide, "Lambda": if the Resource is a function's ARN, the function gets the arguments, and its payload is the
/// result.
#[test]
fn the_arn_of_a_function_is_a_resource() {
    let arn = "arn:aws:lambda:eu-west-1:111122223333:function:f";
    let states =
        json!({"T": {"Type": "Task", "Resource": arn, "Arguments": {"n": "{% 2 %}"}, "End": true}});
    let run = run(&machine("T", &states), json!({}), echo);
    assert_eq!(run.output(), json!({"n": 2}));
    assert_eq!(run.calls[0].function, arn);
    assert!(run.types().contains(&"LambdaFunctionScheduled".to_owned()));
}

/// Guide: an expression that returns nothing fails, because JSON has no undefined.
#[test]
fn undefined_is_an_error() {
    for (output, location) in [
        (json!("{% $states.input.absent %}"), "Output"),
        (json!({"a": [{"b c": "{% $absent %}"}]}), "Output/a[0]/b c"),
    ] {
        let run = run(&pass(output), json!({}), echo);
        assert_eq!(run.error(), "States.QueryEvaluationError");
        assert!(
            run.cause().contains(&format!(
                "for the field '{location}' returned nothing (undefined)."
            )),
            "{run}"
        );
        assert!(run.cause().starts_with(
            "An error occurred while executing the state 'P' (entered at the event id #2). "
        ));
        assert!(run.types().contains(&"EvaluationFailed".to_owned()));
    }
}

#[test]
fn null_is_a_value() {
    let run = run(
        &pass(json!({"v": "{% $states.input.a %}"})),
        json!({"a": null}),
        echo,
    );
    assert_eq!(run.output(), json!({"v": null}));
}

/// Guide, "Context object".
#[test]
fn the_context_names_the_current_state() {
    let run = run(&pass(json!("{% $states.context %}")), json!({"a": 1}), echo);
    let expected = json!({
        "Execution": {
            "Id": "arn:aws:states:eu-west-1:111122223333:execution:machine:run",
            "Input": {"a": 1},
            "Name": "run",
            "RoleArn": "arn:aws:iam::111122223333:role/machine",
            "StartTime": "1970-01-01T00:00:00.000Z",
            "RedriveCount": 0,
        },
        "State": {"EnteredTime": "1970-01-01T00:00:00.000Z", "Name": "P"},
        "StateMachine": {
            "Id": "arn:aws:states:eu-west-1:111122223333:stateMachine:machine",
            "Name": "machine",
        },
    });
    assert_eq!(run.output(), expected);
}

/// Guide, "Variables": all expressions of one state see the values from before the state.
#[test]
fn assign_and_output_see_the_old_values() {
    let states = json!({
        "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
        "B": {
            "Type": "Pass",
            "Assign": {"x": "{% $y %}", "y": "{% $x %}"},
            "Output": "{% $x %}",
            "Next": "C",
        },
        "C": {"Type": "Pass", "Output": "{% [$states.input, $x, $y] %}", "End": true},
    });
    assert_eq!(
        run(&machine("A", &states), json!({}), echo).output(),
        json!([1, 2, 1])
    );
}

/// Guide: a variable is not visible in the Output of the state that assigns it.
#[test]
fn a_variable_is_not_visible_in_its_own_output() {
    let states =
        json!({"A": {"Type": "Pass", "Assign": {"x": 1}, "Output": "{% $x %}", "End": true}});
    assert_eq!(
        run(&machine("A", &states), json!({}), echo).error(),
        "States.QueryEvaluationError"
    );
}

/// Guide, "Variable scope": branches read outer variables; their own are not visible outside.
#[test]
fn branch_variables_do_not_leak() {
    let branch = |name: &str, value: i32| {
        let mut states = json!({});
        states[format!("{name}1")] =
            json!({"Type": "Pass", "Assign": {"mine": value}, "Next": format!("{name}2")});
        states[format!("{name}2")] =
            json!({"Type": "Pass", "Output": "{% [$outer, $mine] %}", "End": true});
        json!({"StartAt": format!("{name}1"), "States": states})
    };
    let states = json!({
        "A": {"Type": "Pass", "Assign": {"outer": "o"}, "Next": "P"},
        "P": {"Type": "Parallel", "Branches": [branch("X", 1), branch("Y", 2)], "Next": "Z"},
        "Z": {"Type": "Pass", "Output": {"r": "{% $states.input %}", "seen": "{% $exists($mine) %}"}, "End": true},
    });
    let expected = json!({"r": [["o", 1], ["o", 2]], "seen": false});
    assert_eq!(
        run(&machine("A", &states), json!({}), echo).output(),
        expected
    );
}

/// Guide, "Map": items, `ItemSelector` and the context of an item, innermost first.
#[test]
fn map_gives_each_item_its_context() {
    let body = |output: Value| json!({"StartAt": "I", "States": {"I": {"Type": "Pass", "Output": output, "End": true}}});
    let states = json!({"M": {
        "Type": "Map",
        "Items": "{% $states.input.list %}",
        "ItemSelector": {
            "at": "{% $states.context.Map.Item.Index %}",
            "of": "{% $count($states.input.list) %}",
            "value": "{% $states.context.Map.Item.Value %}",
        },
        "ItemProcessor": body(json!("{% $merge([$states.input, {'again': $states.context.Map.Item.Value}]) %}")),
        "End": true,
    }});
    let run = run(&machine("M", &states), json!({"list": ["a", "b"]}), echo);
    let item = |at: usize, value: &str| json!({"at": at, "of": 2, "value": value, "again": value});
    assert_eq!(run.output(), json!([item(0, "a"), item(1, "b")]));
}

/// A Map without Items iterates over its input; without items it returns an empty array.
#[test]
fn map_defaults_to_its_input() {
    let states = json!({"M": {
        "Type": "Map",
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "I", "States": {"I": {"Type": "Succeed"}}},
        "End": true,
    }});
    let definition = machine("M", &states);
    assert_eq!(
        run(&definition, json!([1, 2]), echo).output(),
        json!([1, 2])
    );
    assert_eq!(run(&definition, json!([]), echo).output(), json!([]));
    assert_eq!(run(&definition, json!({}), echo).output(), json!([]));
}

/// Guide: Choice rules have their own Output and Assign; those of the state are for Default.
#[test]
fn choice_rules_have_their_own_exits() {
    let states = json!({
        "C": {
            "Type": "Choice",
            "Choices": [
                {"Condition": false, "Next": "E"},
                {
                    "Condition": "{% $states.input = 1 %}",
                    "Assign": {"by": "rule"},
                    "Output": "one",
                    "Next": "E",
                },
            ],
            "Default": "E",
            "Assign": {"by": "default"},
            "Output": "other",
        },
        "E": {"Type": "Succeed", "Output": "{% [$by, $states.input] %}"},
    });
    let definition = machine("C", &states);
    assert_eq!(
        run(&definition, json!(1), echo).output(),
        json!(["rule", "one"])
    );
    assert_eq!(
        run(&definition, json!(2), echo).output(),
        json!(["default", "other"])
    );
}

/// Guide, quotas: a payload may have 256 KiB.
#[test]
fn payloads_are_bounded() {
    let big = Value::String("x".repeat(256 * 1024));
    let states = |catch: &str| {
        json!({
            "T": task("f", json!({"Catch": [{"ErrorEquals": [catch], "Next": "E", "Output": "caught"}], "Next": "E"})),
            "E": {"Type": "Succeed"},
        })
    };
    for (name, caught) in [
        ("States.ALL", true),
        ("States.TaskFailed", false),
        ("States.DataLimitExceeded", true),
    ] {
        let big = big.clone();
        let run = run(&machine("T", &states(name)), json!({}), move |_, _, _| {
            Answer::Now(big.clone())
        });
        if caught {
            assert_eq!(run.output(), json!("caught"));
        } else {
            assert_eq!(run.error(), "States.DataLimitExceeded");
        }
    }
    assert_eq!(
        run(&pass(json!(1)), big, echo).error(),
        "States.DataLimitExceeded"
    );
    let double = pass(json!("{% $pad('', 300000, 'x') %}"));
    assert_eq!(
        run(&double, json!({}), echo).error(),
        "States.DataLimitExceeded"
    );
}

/// The functions that AWS adds. Time and randomness are injected.
#[test]
fn expressions_are_deterministic() {
    let output = json!("{% [$now(), $uuid(), $random(), $shuffle([1..9])] %}");
    let first = run(&pass(output.clone()), json!({}), echo).output();
    assert_eq!(first[0], json!("1970-01-01T00:00:00.000Z"));
    assert_eq!(first, run(&pass(output), json!({}), echo).output());
}

/// An expression that does not terminate fails instead of blocking the interpreter.
#[test]
fn evaluation_is_bounded() {
    for source in [
        "($f := function($n){ $f($n + 1) }; $f(0))",
        "$sum([1..9000000])",
        "$map([1..99999], function($x){ $map([1..99999], function($y){ $y }) })",
    ] {
        let run = run(&pass(json!(format!("{{% {source} %}}"))), json!({}), echo);
        assert_eq!(run.error(), "States.QueryEvaluationError");
    }
}

/// AWS evaluates 100 levels deep: a function can call itself 31 times, unless it is a tail call.
#[test]
fn evaluation_nests_as_deep_as_on_aws() {
    let call = |depth: u32| {
        let source = "($f := function($n){ $n < 1 ? 0 : 1 + $f($n - 1) }; $f(";
        pass(json!(format!("{{% {source}{depth})) %}}")))
    };
    assert_eq!(run(&call(31), json!({}), echo).output(), json!(31));
    let deeper = run(&call(32), json!({}), echo);
    assert_eq!(deeper.error(), "States.QueryEvaluationError");
}
