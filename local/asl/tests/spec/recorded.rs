//! Recorded behaviour of AWS that its documentation does not mention or describes differently.

use prism_asl::{Status, TaskFailure};
use serde_json::{Value, json};

use crate::support::Answer::{After, Fail, Now};
use crate::support::{acted, echo, load, machine, pass, run, task, waiting};

/// The events of a run that have this type, as JSON.
fn events(run: &crate::support::Run, kind: &str) -> Vec<Value> {
    let events = run.events.iter().map(prism_asl::HistoryEvent::to_json);
    events.filter(|event| event["type"] == kind).collect()
}

/// Lambda receives no null, and instead of a text the JSON that the text contains.
#[test]
fn a_payload_is_sent_as_the_json_it_holds() {
    let sent = |payload: Value| {
        let arguments = json!({"FunctionName": "f", "Payload": payload});
        let states = json!({"T": task("f", json!({"Arguments": arguments, "End": true}))});
        run(&machine("T", &states), json!({"text": "[1]"}), echo)
    };
    for (payload, expected) in [
        (json!(null), json!({})),
        (json!("0"), json!(0)),
        (json!("{\"a\":[true]}"), json!({"a": [true]})),
        (json!("{% $states.input.text %}"), json!([1])),
        (json!("\"a\""), json!("a")),
        (json!([null]), json!([null])),
    ] {
        let run = sent(payload);
        assert_eq!(run.output()["Payload"], expected);
        assert_eq!(run.calls[0].payload, expected);
    }
    let refused = sent(json!("no JSON"));
    assert_eq!(refused.error(), "Lambda.InvalidRequestContentException");
    assert!(refused.calls.is_empty() && refused.cause().contains("into json"));
}

/// The result of the integration contains the headers of the response, which count towards the limit.
#[test]
fn the_result_of_an_invocation_has_its_headers() {
    let states = json!({"T": task("f", json!({"End": true}))});
    let output = run(&machine("T", &states), json!({"a": 1}), echo).output();
    let request = output["SdkResponseMetadata"]["RequestId"].as_str().unwrap();
    assert_eq!(request.len(), 36);
    let http = &output["SdkHttpMetadata"];
    assert_eq!(http["HttpStatusCode"], 200);
    assert_eq!(http["HttpHeaders"]["x-amzn-RequestId"], request);
    assert_eq!(http["HttpHeaders"]["Content-Length"], "7");
    assert_eq!(http["HttpHeaders"]["Date"], "Thu, 01 Jan 1970 00:00:00 GMT");
    let (all, first) = (&http["AllHttpHeaders"], &http["HttpHeaders"]);
    let names = all.as_object().unwrap();
    assert_eq!(names.len(), 8);
    for (name, values) in names {
        assert_eq!(*values, json!([first[name]]));
    }
}

/// `States.ALL` catches a Task result that is too large, although the guide says that it does not.
#[test]
fn a_catch_of_all_errors_catches_too_large_a_result() {
    let big = Value::String("x".repeat(256 * 1024));
    let catch = json!([{"ErrorEquals": ["States.ALL"], "Next": "E"}]);
    let states = json!({
        "T": task("f", json!({"Catch": catch, "Next": "E"})),
        "E": {"Type": "Succeed"},
    });
    let run = run(&machine("T", &states), json!({}), move |_, _, _| {
        Now(big.clone())
    });
    let cause = "The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit.";
    let expected = json!({"Error": "States.DataLimitExceeded", "Cause": cause});
    assert_eq!(run.output(), expected);
}

#[test]
fn the_catch_of_a_parallel_may_assign_what_its_branches_do() {
    let branch = |name: &str| {
        let mut states = json!({});
        states[name] = task(name, json!({"Assign": {"x": name}, "End": true}));
        json!({"StartAt": name, "States": states})
    };
    let states = |more: Value| {
        json!({
            "P": {
                "Type": "Parallel",
                "Branches": [branch("good"), branch("bad")],
                "Catch": [{"ErrorEquals": ["Boom"], "Assign": {"x": "caught"}, "Next": "E"}],
                "Next": "E",
            },
            "E": {"Type": "Pass", "Output": "{% $x %}", "Assign": more, "End": true},
        })
    };
    let definition = machine("P", &states(json!({})));
    let run = run(&definition, json!({}), |name, _, _| match name {
        "bad" => Fail("Boom"),
        _ => Now(json!(1)),
    });
    assert_eq!(run.output(), json!("caught"));
    // A branch cannot assign what any other state of the scope assigns.
    let refused = load(&machine("P", &states(json!({"x": 1})))).expect_err("refused");
    assert!(refused.reason.contains("belongs to an outer scope"));
}

#[test]
fn only_a_task_sees_how_often_it_was_retried() {
    let counts = "{% $exists($states.context.State.RetryCount) %}";
    let of_task = json!({"FunctionName": "f", "Payload": counts});
    let inner =
        json!({"StartAt": "I", "States": {"I": {"Type": "Pass", "Output": counts, "End": true}}});
    let states = json!({
        "T": task("f", json!({"Arguments": of_task, "Assign": {"task": "{% $states.result.Payload %}"}, "Next": "P"})),
        "P": {"Type": "Parallel", "Branches": [inner], "Output": {"pass": "{% $states.result[0] %}", "parallel": counts, "task": "{% $task %}"}, "End": true},
    });
    assert_eq!(
        run(&machine("T", &states), json!({}), echo).output(),
        json!({"task": true, "pass": false, "parallel": false})
    );
}

#[test]
fn no_wait_is_longer_than_as_many_seconds_as_fit_31_bits() {
    let until = |instant: &str| {
        let state = json!({"Type": "Wait", "Timestamp": instant, "End": true});
        run(&machine("W", &json!({"W": state})), json!({}), echo)
    };
    let last = until("2038-01-19T00:00:00Z");
    // The execution waits for it, and times out first.
    assert_eq!(last.outcome.status, Status::TimedOut);
    let longer = until("2038-01-19T00:00:01Z");
    assert_eq!((longer.error(), longer.took_s), ("States.Runtime", 0));
    assert!(longer.cause().contains("24,855 days"));
}

/// Quotas, "Maximum execution time": a year, without `TimeoutSeconds` or with a longer one.
#[test]
fn an_execution_ends_after_a_year() {
    let year = 365 * 24 * 60 * 60;
    for (limit, expected) in [(None, year), (Some(99_999_999), year), (Some(9), 9)] {
        let mut definition = machine("T", &json!({"T": task("f", json!({"End": true}))}));
        if let Some(limit) = limit {
            definition["TimeoutSeconds"] = json!(limit);
        }
        let run = run(&definition, json!({}), |_, _, _| {
            After(99_999_998, json!(1))
        });
        assert_eq!(run.outcome.status, Status::TimedOut);
        assert_eq!(run.took_s, expected);
    }
}

#[test]
fn a_token_may_be_failed_without_a_reason() {
    let run = acted(&waiting(json!({})), |tokens, token, _| {
        let failure = TaskFailure {
            error: String::new(),
            cause: String::new(),
        };
        tokens.fail(token, failure).unwrap();
        Now(json!(1))
    });
    assert_eq!(run.outcome.status, Status::Failed);
    assert_eq!(
        (run.outcome.error.as_deref(), run.outcome.cause.as_deref()),
        (None, None)
    );
    let failed = events(&run, "TaskFailed");
    assert_eq!(
        failed[0]["taskFailedEventDetails"],
        json!({"resource": "invoke.waitForTaskToken", "resourceType": "lambda"})
    );
    let ended = events(&run, "ExecutionFailed");
    assert_eq!(ended[0]["executionFailedEventDetails"], json!({}));
}

/// Each attempt shows the iteration that failed; the failure of the state is recorded once.
#[test]
fn a_retried_map_or_parallel_fails_once() {
    let body = json!({"StartAt": "T", "States": {"T": task("f", json!({"End": true}))}});
    let retry = json!([{"ErrorEquals": ["Boom"], "MaxAttempts": 2}]);
    let map = json!({"Type": "Map", "ItemProcessor": body, "Retry": retry, "End": true});
    let parallel = json!({"Type": "Parallel", "Branches": [body], "Retry": retry, "End": true});
    for (state, kind) in [(map, "Map"), (parallel, "Parallel")] {
        let definition = machine("S", &json!({"S": state}));
        for (failures, expected) in [(2, 0), (3, 1)] {
            let run = run(&definition, json!([1]), move |_, _, n| {
                if n < failures {
                    Fail("Boom")
                } else {
                    Now(json!(1))
                }
            });
            assert_eq!(events(&run, "TaskFailed").len(), failures);
            let failed = events(&run, &format!("{kind}StateFailed"));
            assert_eq!(failed.len(), expected, "{run}");
        }
    }
}

/// The `previousEventId` of an `EvaluationFailed` is that of its state's entry event.
#[test]
fn a_failed_evaluation_follows_from_what_the_entry_follows_from() {
    for (fields, location) in [
        (json!({"Output": "{% $absent %}"}), "Output"),
        (json!({"Assign": {"x": "{% $absent %}"}}), "Assign/x"),
        (json!({"Arguments": "{% $absent %}"}), "Arguments"),
        (
            json!({"Arguments": {"FunctionName": "{% $absent %}"}}),
            "Arguments/FunctionName",
        ),
    ] {
        for first in [true, false] {
            let mut more = fields.clone();
            more["End"] = json!(true);
            let states = json!({"P": {"Type": "Pass", "Next": "T"}, "T": task("f", more)});
            let definition = if first {
                machine("T", &json!({"T": states["T"]}))
            } else {
                machine("P", &states)
            };
            let run = run(&definition, json!({}), echo);
            assert_eq!(run.error(), "States.QueryEvaluationError");
            let entered = &events(&run, "TaskStateEntered")[0];
            let failed = &events(&run, "EvaluationFailed")[0];
            assert_eq!(
                failed["previousEventId"], entered["previousEventId"],
                "{run}"
            );
            assert_eq!(failed["evaluationFailedEventDetails"]["location"], location);
            let ended = &events(&run, "ExecutionFailed")[0];
            assert_eq!(ended["previousEventId"], failed["id"]);
        }
    }
}

#[test]
fn a_map_without_items_says_what_it_got() {
    let body = json!({"StartAt": "I", "States": {"I": {"Type": "Succeed"}}});
    let over = |items: Option<&str>, input: Value| {
        let mut map = json!({"Type": "Map", "ItemProcessor": body, "End": true});
        if let Some(items) = items {
            map["Items"] = json!(items);
        }
        run(&machine("M", &json!({"M": map})), input, echo)
    };
    let of = "An error occurred while executing the state 'M' (entered at the event id #2).";
    for (items, kind, shown) in [
        ("1", "number", "1"),
        ("'s'", "string", "\"s\""),
        ("true", "boolean", "true"),
        ("null", "null", "null"),
    ] {
        let run = over(Some(&format!("{{% {items} %}}")), json!({}));
        assert_eq!(
            run.cause(),
            format!(
                "{of} The JSONata expression '{items}' specified for the field 'Items' returned an \
                 unexpected result type. Expected 'array', but was '{kind}' for value: {shown}"
            )
        );
        let details = &events(&run, "EvaluationFailed")[0]["evaluationFailedEventDetails"];
        assert_eq!(details["location"], "Items");
        assert_eq!(run.types()[2..4], ["EvaluationFailed", "MapStateFailed"]);
        assert_eq!(run.events[3].previous_event_id, 3);
    }
    for (input, shown) in [
        (json!(1), "1"),
        (json!("s"), "\"s\""),
        (json!(null), "null"),
    ] {
        let run = over(None, input);
        assert_eq!(
            run.cause(),
            format!("{of} Map state input must be an array but was: {shown}")
        );
        let details = &events(&run, "EvaluationFailed")[0]["evaluationFailedEventDetails"];
        assert_eq!(details.get("location"), None);
        assert_eq!(run.types()[2..4], ["EvaluationFailed", "MapStateFailed"]);
    }
}

/// Guide, "Map state input": one iteration for each pair of an object; the pair is its input.
#[test]
fn a_map_iterates_over_the_members_of_an_object() {
    let map = |more: Value| {
        let mut map = json!({
            "Type": "Map",
            "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Succeed"}}},
            "End": true,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            map[name] = value.clone();
        }
        machine("M", &json!({"M": map}))
    };
    let pairs = json!([{"Key": "a", "Value": 1}, {"Key": "b", "Value": {"c": 2}}]);
    let input = json!({"a": 1, "b": {"c": 2}});
    assert_eq!(run(&map(json!({})), input.clone(), echo).output(), pairs);
    let items = json!({"Items": "{% $states.input %}"});
    assert_eq!(run(&map(items), input.clone(), echo).output(), pairs);
    let items = json!({"Items": {"a": 1, "b": "{% {'c': 2} %}"}});
    assert_eq!(run(&map(items), json!(null), echo).output(), pairs);
    let item = "{% $states.context.Map.Item %}";
    let selected = run(&map(json!({"ItemSelector": item})), input, echo);
    assert_eq!(
        selected.output(),
        json!([{"Index": 0, "Key": "a", "Value": 1}, {"Index": 1, "Key": "b", "Value": {"c": 2}}])
    );
}

/// Guide, "Passing data between states with variables": 256 KiB in one Assign, 10 MiB in total.
#[test]
fn variables_are_bounded_together() {
    let fill = |count: usize| {
        let mut states = json!({});
        for n in 0..count {
            let next = format!("S{}", n + 1);
            let assign = json!({format!("v{n}"): "{% $pad('', 262000, 'x') %}"});
            states[format!("S{n}")] = json!({"Type": "Pass", "Assign": assign, "Next": next});
        }
        states[format!("S{count}")] = json!({"Type": "Succeed", "Output": 1});
        machine("S0", &states)
    };
    // 40 of them are 10,480,080 bytes, and 10 MiB are 10,485,760.
    assert_eq!(run(&fill(40), json!({}), echo).output(), json!(1));
    let more = run(&fill(41), json!({}), echo);
    assert_eq!(more.error(), "States.DataLimitExceeded");
    assert!(more.cause().contains("'S40'"), "{}", more.cause());
    // A variable that is assigned again counts once, and a branch's variables stop counting when it ends.
    let again = json!({
        "A": {"Type": "Pass", "Assign": {"n": "{% $exists($n) ? $n + 1 : 1 %}", "v": "{% $pad('', 262000, 'x') %}"}, "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Condition": "{% $n < 60 %}", "Next": "A"}], "Default": "M"},
        "M": {
            "Type": "Map",
            "Items": "{% [1..60] %}",
            "MaxConcurrency": 1,
            "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "Assign": {"w": "{% $pad('', 262000, 'x') %}"}, "Output": 1, "End": true}}},
            "Output": "{% $count($states.result) %}",
            "End": true,
        },
    });
    assert_eq!(
        run(&machine("A", &again), json!({}), echo).output(),
        json!(60)
    );
}

/// A regular expression that backtracks endlessly fails after AWS's limit of five seconds.
#[test]
fn a_regular_expression_is_bounded() {
    let endless = format!("{{% $contains('{}b', /(a+)+$/) %}}", "a".repeat(60));
    let run = run(&pass(json!(endless)), json!({}), echo);
    assert_eq!(run.error(), "States.QueryEvaluationError");
    assert!(run.cause().contains("D1012"), "{}", run.cause());
}
