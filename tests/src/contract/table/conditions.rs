//! Conditions, and which one a failed transaction names.

use prism_functions::ports::{Condition, Key, Write};
use serde_json::{Value, json};

use super::{Check, Fixture, add, check, equals, named, put, put_if, set, update};

pub(super) const CHECKS: &[Check] = named![
    a_condition_can_ask_whether_the_item_is_there,
    equals_compares_type_and_value,
    equals_compares_numbers_by_value,
    at_most_compares_numbers_alone,
    an_attribute_is_absent_from_an_item_that_is,
    conditions_combine,
    all_of_none_holds_and_any_of_none_does_not,
    every_kind_of_write_honours_its_condition,
    the_first_condition_that_failed_is_named,
    conditions_see_the_state_before_the_transaction,
    a_failed_condition_outweighs_a_change_that_cannot_be_made,
];

/// Asserts that the condition on ("p", "1") holds, or does not.
async fn assert_holds(f: &Fixture, holds: bool, condition: Condition) {
    let write = [check("p", "1", condition)];
    if holds {
        f.write(&write).await;
    } else {
        f.assert_condition_fails(&write, 0).await;
    }
}

fn at_most(name: &str, limit: f64) -> Condition {
    Condition::AtMost(name.to_owned(), limit)
}

fn absent(name: &str) -> Condition {
    Condition::AttributeAbsent(name.to_owned())
}

async fn a_condition_can_ask_whether_the_item_is_there(f: Fixture) {
    assert_holds(&f, true, Condition::ItemAbsent).await;
    assert_holds(&f, false, Condition::ItemPresent).await;
    f.put("p", "1", json!({})).await;
    assert_holds(&f, false, Condition::ItemAbsent).await;
    assert_holds(&f, true, Condition::ItemPresent).await;
    assert_holds(&f, true, Condition::Always).await;
}

async fn equals_compares_type_and_value(f: Fixture) {
    let values = [
        json!("1"),
        json!(1),
        json!(true),
        Value::Null,
        json!([1, 2]),
        json!({"a": [1]}),
    ];
    assert_holds(&f, false, equals("a", Value::Null)).await;
    for (n, value) in values.iter().enumerate() {
        f.put("p", "1", json!({"a": value, "size": value})).await;
        for (m, other) in values.iter().enumerate() {
            assert_holds(&f, n == m, equals("a", other.clone())).await;
        }
        assert_holds(&f, true, equals("size", value.clone())).await;
        assert_holds(&f, false, equals("b", value.clone())).await;
    }
    f.put("p", "1", json!({"a": [1, 2]})).await;
    assert_holds(&f, false, equals("a", json!([2, 1]))).await;
    assert_holds(&f, false, equals("a", json!([1]))).await;
    assert_holds(&f, false, equals("a", json!([1, 2, 3]))).await;
}

async fn equals_compares_numbers_by_value(f: Fixture) {
    let large = 9_007_199_254_740_993_i64;
    f.put("p", "1", json!({"one": 1, "large": large, "list": [2.0]}))
        .await;
    assert_holds(&f, true, equals("one", 1.0)).await;
    assert_holds(&f, false, equals("one", 1.5)).await;
    assert_holds(&f, true, equals("large", large)).await;
    assert_holds(&f, false, equals("large", large - 1)).await;
    assert_holds(&f, true, equals("list", json!([2]))).await;
}

async fn at_most_compares_numbers_alone(f: Fixture) {
    assert_holds(&f, false, at_most("n", 1.0)).await;
    f.put(
        "p",
        "1",
        json!({"n": 3, "half": 0.5, "text": "1", "least": i64::MIN}),
    )
    .await;
    for (name, limit, holds) in [
        ("n", 3.0, true),
        ("n", 3.5, true),
        ("n", 2.9, false),
        ("n", -3.0, false),
        ("half", 0.5, true),
        ("half", 0.4, false),
        ("least", -9e18, true),
        ("least", -1e30, false),
        ("n", 1e30, true),
        ("text", 9.0, false),
        ("missing", 9.0, false),
    ] {
        assert_holds(&f, holds, at_most(name, limit)).await;
    }
}

async fn an_attribute_is_absent_from_an_item_that_is(f: Fixture) {
    assert_holds(&f, true, absent("a")).await;
    f.put("p", "1", json!({"a": null, "b": {"c": 1}})).await;
    assert_holds(&f, false, absent("a")).await;
    assert_holds(&f, true, absent("c")).await;
    // An attribute name is one name, not a path.
    assert_holds(&f, true, absent("b.c")).await;
}

async fn conditions_combine(f: Fixture) {
    f.put("p", "1", json!({"a": 1, "b": 2})).await;
    let [yes, no] = [equals("a", 1), equals("a", 2)];
    for (left, right) in [(&yes, &yes), (&yes, &no), (&no, &yes), (&no, &no)] {
        let both = || vec![left.clone(), right.clone()];
        let [left, right] = [left, right].map(|it| *it == yes);
        assert_holds(&f, left && right, Condition::All(both())).await;
        assert_holds(&f, left || right, Condition::Any(both())).await;
    }
    let inner = Condition::Any(vec![no.clone(), equals("b", 2)]);
    assert_holds(
        &f,
        true,
        Condition::All(vec![Condition::Always, yes, inner.clone()]),
    )
    .await;
    assert_holds(&f, false, Condition::All(vec![inner, no])).await;
}

async fn all_of_none_holds_and_any_of_none_does_not(f: Fixture) {
    for _ in 0..2 {
        assert_holds(&f, true, Condition::All(vec![])).await;
        assert_holds(&f, false, Condition::Any(vec![])).await;
        assert_holds(&f, true, Condition::Any(vec![Condition::All(vec![])])).await;
        f.put("p", "1", json!({})).await;
    }
}

async fn every_kind_of_write_honours_its_condition(f: Fixture) {
    f.put("p", "1", json!({"a": 1})).await;
    let key = || Key::new("p", "1");
    for write in [
        put_if("p", "1", json!({}), equals("a", 2)),
        Write::Update(key(), vec![set("a", 3)], equals("a", 2)),
        Write::Delete(key(), equals("a", 2)),
        Write::Check(key(), equals("a", 2)),
    ] {
        f.assert_condition_fails(&[write], 0).await;
    }
    assert_eq!(
        f.get("p", "1").await.map(|item| item["a"].clone()),
        Some(json!(1))
    );
    f.write(&[Write::Update(key(), vec![set("a", 3)], equals("a", 1))])
        .await;
    f.write(&[put_if("p", "1", json!({"a": 4}), equals("a", 3))])
        .await;
    f.write(&[Write::Delete(key(), equals("a", 4))]).await;
}

async fn the_first_condition_that_failed_is_named(f: Fixture) {
    let writes = [
        put("p", "1", json!({})),
        put_if("p", "2", json!({}), Condition::ItemAbsent),
        check("p", "3", Condition::ItemPresent),
        put_if("p", "4", json!({}), Condition::ItemPresent),
    ];
    f.assert_condition_fails(&writes, 2).await;
    f.put("p", "2", json!({})).await;
    f.assert_condition_fails(&writes, 1).await;
}

async fn conditions_see_the_state_before_the_transaction(f: Fixture) {
    // No key may occur twice in a transaction, so the test uses two transactions and the order of writes.
    f.put("p", "1", json!({"n": 1})).await;
    let writes = [
        update("p", "2", vec![add("n", 1)]),
        Write::Update(Key::new("p", "1"), vec![add("n", 1)], equals("n", 1)),
    ];
    f.write(&writes).await;
    f.assert_condition_fails(&writes, 1).await;
    assert_eq!(
        f.get("p", "2").await.map(|item| item["n"].clone()),
        Some(json!(1))
    );
}

async fn a_failed_condition_outweighs_a_change_that_cannot_be_made(f: Fixture) {
    f.put("p", "1", json!({"text": "t"})).await;
    let writes = [
        update("p", "1", vec![add("text", 1)]),
        check("p", "2", Condition::ItemPresent),
    ];
    f.assert_condition_fails(&writes, 1).await;
}
