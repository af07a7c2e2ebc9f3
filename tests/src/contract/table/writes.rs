//! The effects of transactions on items.

use prism_functions::ports::{Change, Condition, Key, Write};
use serde_json::json;

use super::{Check, Fixture, add, attributes, check, equals, named, put, put_if, set, update};

pub(super) const CHECKS: &[Check] = named![
    a_key_has_no_item_at_first,
    an_item_is_read_as_it_was_put,
    numbers_keep_their_value,
    a_put_replaces_the_item,
    the_two_parts_of_a_key_are_kept_apart,
    an_update_changes_what_it_names,
    an_update_makes_the_item_that_is_missing,
    adding_counts_from_zero_and_keeps_whole_numbers,
    adding_to_what_is_no_number_is_invalid,
    removing_what_is_missing_is_no_error,
    deleting_deletes,
    deleting_what_is_missing_is_no_error,
    a_check_changes_nothing,
    a_transaction_does_all_of_its_writes,
    a_transaction_that_fails_does_none,
];

async fn a_key_has_no_item_at_first(f: Fixture) {
    assert_eq!(f.get("p", "1").await, None);
}

async fn an_item_is_read_as_it_was_put(f: Fixture) {
    let item = json!({
        "text": "état \"quoted\" \u{10ffff}\n", "empty": "", "yes": true, "no": false, "null": null,
        "list": [1, "two", [null, {}]], "map": {"pk": "inner", "empty": {}, "list": []},
        "a name with spaces, #, : and .": 1, "size": "a reserved word",
    });
    f.put("p", "1", item.clone()).await;
    assert_eq!(f.get("p", "1").await, Some(attributes(item)));
    f.put("p", "2", json!({})).await;
    assert_eq!(f.get("p", "2").await, Some(attributes(json!({}))));
}

async fn numbers_keep_their_value(f: Fixture) {
    let numbers = json!({
        "largest": i64::MAX, "smallest": i64::MIN, "zero": 0, "beyond_doubles": 9_007_199_254_740_993_i64,
        "tenth": 0.1, "third": 1.0 / 3.0, "sum": 0.1 + 0.2, "tiny": -1.5e-100, "huge": 1.7e100,
    });
    f.put("p", "1", numbers.clone()).await;
    let found = f.get("p", "1").await.expect("it was put");
    for (name, value) in attributes(numbers) {
        // A huge float may be returned as the equal integer.
        let same =
            found[&name] == value || value.is_f64() && found[&name].as_f64() == value.as_f64();
        assert!(same, "{name}: {} is not {value}", found[&name]);
        f.write(&[check("p", "1", equals(&name, value))]).await;
    }
}

async fn a_put_replaces_the_item(f: Fixture) {
    f.put("p", "1", json!({"a": 1, "b": 2})).await;
    f.put("p", "1", json!({"b": 3})).await;
    assert_eq!(f.get("p", "1").await, Some(attributes(json!({"b": 3}))));
}

async fn the_two_parts_of_a_key_are_kept_apart(f: Fixture) {
    f.put("ab", "c", json!({"at": "ab,c"})).await;
    f.put("a", "bc", json!({"at": "a,bc"})).await;
    assert_eq!(
        f.get("ab", "c").await,
        Some(attributes(json!({"at": "ab,c"})))
    );
    assert_eq!(f.get("A", "bc").await, None);
}

async fn an_update_changes_what_it_names(f: Fixture) {
    f.put(
        "p",
        "1",
        json!({"kept": 1, "set": 1, "removed": 1, "added": 1}),
    )
    .await;
    let remove = Change::Remove("removed".to_owned());
    let changes = vec![
        set("set", json!({"deep": [2]})),
        remove,
        add("added", -3),
        set("new", "n"),
    ];
    f.write(&[update("p", "1", changes)]).await;
    let expected = json!({"kept": 1, "set": {"deep": [2]}, "added": -2, "new": "n"});
    assert_eq!(f.get("p", "1").await, Some(attributes(expected)));
}

async fn an_update_makes_the_item_that_is_missing(f: Fixture) {
    f.write(&[
        update("p", "1", vec![set("a", 1)]),
        update("p", "2", vec![Change::Remove("b".to_owned()), add("a", 2)]),
    ])
    .await;
    assert_eq!(f.get("p", "1").await, Some(attributes(json!({"a": 1}))));
    assert_eq!(f.get("p", "2").await, Some(attributes(json!({"a": 2}))));
}

async fn adding_counts_from_zero_and_keeps_whole_numbers(f: Fixture) {
    let large = 9_007_199_254_740_993_i64;
    f.put("p", "1", json!({"large": large, "half": 0.5})).await;
    f.write(&[update(
        "p",
        "1",
        vec![add("new", 7), add("large", 1), add("half", 1)],
    )])
    .await;
    let expected = json!({"new": 7, "large": large + 1, "half": 1.5});
    assert_eq!(f.get("p", "1").await, Some(attributes(expected)));
}

async fn adding_to_what_is_no_number_is_invalid(f: Fixture) {
    let before = json!({"text": "1", "null": null, "list": [1]});
    f.put("p", "1", before.clone()).await;
    for name in ["text", "null", "list"] {
        f.assert_invalid(&[
            put("p", "2", json!({})),
            update("p", "1", vec![add(name, 1)]),
        ])
        .await;
    }
    assert_eq!(f.get("p", "1").await, Some(attributes(before)));
    assert_eq!(f.get("p", "2").await, None);
}

async fn removing_what_is_missing_is_no_error(f: Fixture) {
    f.put("p", "1", json!({"a": 1})).await;
    f.write(&[update("p", "1", vec![Change::Remove("b".to_owned())])])
        .await;
    assert_eq!(f.get("p", "1").await, Some(attributes(json!({"a": 1}))));
}

async fn deleting_deletes(f: Fixture) {
    f.put("p", "1", json!({"a": 1})).await;
    f.write(&[Write::Delete(Key::new("p", "1"), equals("a", 1))])
        .await;
    assert_eq!(f.get("p", "1").await, None);
}

async fn deleting_what_is_missing_is_no_error(f: Fixture) {
    f.write(&[Write::Delete(Key::new("p", "1"), Condition::Always)])
        .await;
    f.write(&[Write::Delete(Key::new("p", "1"), Condition::ItemAbsent)])
        .await;
}

async fn a_check_changes_nothing(f: Fixture) {
    f.put("p", "1", json!({"a": 1})).await;
    f.write(&[
        check("p", "1", Condition::ItemPresent),
        check("p", "2", Condition::ItemAbsent),
        check("p", "3", Condition::Always),
    ])
    .await;
    assert_eq!(f.get("p", "1").await, Some(attributes(json!({"a": 1}))));
    assert_eq!(f.get("p", "2").await, None);
    assert_eq!(f.get("p", "3").await, None);
}

async fn a_transaction_does_all_of_its_writes(f: Fixture) {
    f.put("p", "gone", json!({})).await;
    f.write(&[
        put("p", "1", json!({"a": 1})),
        update("q", "1", vec![set("a", 2)]),
        Write::Delete(Key::new("p", "gone"), Condition::Always),
        check("p", "absent", Condition::ItemAbsent),
    ])
    .await;
    assert_eq!(f.get("p", "1").await, Some(attributes(json!({"a": 1}))));
    assert_eq!(f.get("q", "1").await, Some(attributes(json!({"a": 2}))));
    assert_eq!(f.get("p", "gone").await, None);
}

async fn a_transaction_that_fails_does_none(f: Fixture) {
    f.put("p", "kept", json!({"a": 1})).await;
    let writes = [
        put("p", "1", json!({})),
        update("p", "2", vec![set("a", 2)]),
        Write::Delete(Key::new("p", "kept"), Condition::Always),
        put_if("p", "3", json!({}), Condition::ItemPresent),
    ];
    f.assert_condition_fails(&writes, 3).await;
    for sk in ["1", "2", "3"] {
        assert_eq!(f.get("p", sk).await, None);
    }
    assert_eq!(f.get("p", "kept").await, Some(attributes(json!({"a": 1}))));
}
