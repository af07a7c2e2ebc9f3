//! Invalid requests, which a table refuses without writing anything.

use prism_functions::ports::{
    Condition, ITEM_BYTES, Index, Key, Query, SortKeys, TRANSACTION_WRITES, TableError, Write,
};
use serde_json::{Value, json};

use super::{Check, Fixture, add, check, equals, named, put, query, set, update};

pub(super) const CHECKS: &[Check] = named![
    a_transaction_has_one_write_at_least,
    a_transaction_has_a_hundred_writes_at_most,
    no_key_occurs_twice_in_a_transaction,
    no_part_of_a_key_is_empty,
    no_attribute_has_the_name_of_a_key,
    an_item_has_a_largest_size,
    an_update_does_not_grow_an_item_past_its_size,
    an_attribute_that_an_index_reads_is_a_text,
    an_update_changes_something,
    no_attribute_changes_twice_in_an_update,
    a_limit_is_one_to_a_thousand,
    a_range_does_not_end_before_it_starts,
    a_cursor_is_good_for_its_own_query_alone,
    invalid_cursors_are_refused,
];

async fn a_transaction_has_one_write_at_least(f: Fixture) {
    f.assert_invalid(&[]).await;
}

async fn a_transaction_has_a_hundred_writes_at_most(f: Fixture) {
    let writes: Vec<Write> = (0..=TRANSACTION_WRITES)
        .map(|n| put("p", &format!("{n:03}"), json!({"n": n})))
        .collect();
    f.assert_invalid(&writes).await;
    assert_eq!(f.all(&query(Index::Primary, "p")).await, []);
    f.write(&writes[..TRANSACTION_WRITES]).await;
    assert_eq!(
        f.all(&query(Index::Primary, "p")).await.len(),
        TRANSACTION_WRITES
    );
}

async fn no_key_occurs_twice_in_a_transaction(f: Fixture) {
    for second in [
        put("p", "1", json!({"a": 2})),
        update("p", "1", vec![set("a", 2)]),
        Write::Delete(Key::new("p", "1"), Condition::Always),
        check("p", "1", Condition::ItemPresent),
    ] {
        f.assert_invalid(&[
            put("p", "1", json!({"a": 1})),
            put("p", "2", json!({})),
            second,
        ])
        .await;
    }
    assert_eq!(f.get("p", "1").await, None);
}

async fn no_part_of_a_key_is_empty(f: Fixture) {
    for (pk, sk) in [("", "1"), ("p", "")] {
        f.assert_invalid(&[put(pk, sk, json!({}))]).await;
        f.assert_invalid(&[update(pk, sk, vec![set("a", 1)])]).await;
        f.assert_invalid(&[check(pk, sk, Condition::Always)]).await;
        let answer = f.table.get(&Key::new(pk, sk)).await;
        assert!(matches!(answer, Err(TableError::Invalid(_))), "{answer:?}");
    }
    f.assert_invalid_query(&query(Index::Primary, "")).await;
    f.assert_invalid_query(&query(Index::Gsi1, "")).await;
}

async fn no_attribute_has_the_name_of_a_key(f: Fixture) {
    for name in ["pk", "sk", ""] {
        f.assert_invalid(&[put("p", "1", json!({name: "text"}))])
            .await;
        f.assert_invalid(&[update("p", "1", vec![set(name, "text")])])
            .await;
        f.assert_invalid(&[update("p", "1", vec![add(name, 1)])])
            .await;
        f.assert_invalid(&[check("p", "1", equals(name, "text"))])
            .await;
    }
    assert_eq!(f.get("p", "1").await, None);
}

/// A string that, as the only attribute, makes an item of about this size in bytes.
fn text(bytes: usize) -> Value {
    Value::from("x".repeat(bytes))
}

async fn an_item_has_a_largest_size(f: Fixture) {
    f.put("p", "1", json!({"a": text(ITEM_BYTES - 100)})).await;
    f.assert_invalid(&[
        put("p", "1", json!({})),
        put("p", "2", json!({"a": text(ITEM_BYTES)})),
    ])
    .await;
    assert_eq!(f.get("p", "2").await, None);
    let item = f.get("p", "1").await.expect("it fits");
    assert_eq!(item["a"].as_str().map(str::len), Some(ITEM_BYTES - 100));
}

async fn an_update_does_not_grow_an_item_past_its_size(f: Fixture) {
    // This also exceeds DynamoDB's own limit of 409,600 bytes, because an adapter may not know what is stored.
    f.put("p", "1", json!({"a": text(ITEM_BYTES / 2)})).await;
    let grow = update("p", "1", vec![set("b", text(ITEM_BYTES / 2 + 10_000))]);
    f.assert_invalid(&[put("p", "2", json!({})), grow]).await;
    assert_eq!(f.get("p", "2").await, None);
    assert_eq!(f.get("p", "1").await.map(|item| item.len()), Some(1));
}

async fn an_attribute_that_an_index_reads_is_a_text(f: Fixture) {
    for name in ["gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk"] {
        for value in [json!(""), json!(1), Value::Null, json!(["a"])] {
            f.assert_invalid(&[put("p", "1", json!({name: value}))])
                .await;
            f.assert_invalid(&[update("p", "1", vec![set(name, value)])])
                .await;
        }
    }
    assert_eq!(f.get("p", "1").await, None);
}

async fn an_update_changes_something(f: Fixture) {
    f.assert_invalid(&[update("p", "1", vec![])]).await;
    assert_eq!(f.get("p", "1").await, None);
}

async fn no_attribute_changes_twice_in_an_update(f: Fixture) {
    f.assert_invalid(&[update("p", "1", vec![set("a", 1), add("a", 1)])])
        .await;
    assert_eq!(f.get("p", "1").await, None);
}

async fn a_limit_is_one_to_a_thousand(f: Fixture) {
    for limit in [0, 1001, usize::MAX] {
        f.assert_invalid_query(&Query {
            limit,
            ..query(Index::Primary, "p")
        })
        .await;
    }
    for limit in [1, 1000] {
        f.page(&Query {
            limit,
            ..query(Index::Primary, "p")
        })
        .await;
    }
}

async fn a_range_does_not_end_before_it_starts(f: Fixture) {
    let sort_keys = SortKeys::Between("b".to_owned(), "a".to_owned());
    f.assert_invalid_query(&Query {
        sort_keys,
        ..query(Index::Primary, "p")
    })
    .await;
}

async fn a_cursor_is_good_for_its_own_query_alone(f: Fixture) {
    for pk in ["p", "q"] {
        for sk in ["1", "2", "3"] {
            let places = json!({"gsi1pk": pk, "gsi1sk": sk, "gsi2pk": pk, "gsi2sk": sk});
            f.put(pk, sk, places).await;
        }
    }
    for index in [Index::Primary, Index::Gsi1, Index::Gsi2] {
        f.until(&query(index, "p"), |items| items.len() == 3).await;
        let mut asked = Query {
            limit: 1,
            ..query(index, "p")
        };
        asked.cursor = f.page(&asked).await.cursor;
        assert!(asked.cursor.is_some());
        // A different limit, or another range around the position, does not make the cursor invalid.
        f.assert_finds(
            &Query {
                limit: 5,
                ..asked.clone()
            },
            &["2", "3"],
        )
        .await;

        f.assert_invalid_query(&Query {
            pk: "q".to_owned(),
            ..asked.clone()
        })
        .await;
        f.assert_invalid_query(&Query {
            descending: true,
            ..asked.clone()
        })
        .await;
        for other in [Index::Primary, Index::Gsi1, Index::Gsi2] {
            if other != index {
                f.assert_invalid_query(&Query {
                    index: other,
                    ..asked.clone()
                })
                .await;
            }
        }
        let elsewhere = SortKeys::BeginsWith("2".to_owned());
        f.assert_invalid_query(&Query {
            sort_keys: elsewhere,
            ..asked
        })
        .await;
    }
}

async fn invalid_cursors_are_refused(f: Fixture) {
    f.put("p", "1", json!({})).await;
    for text in [
        "",
        "x",
        "é",
        "{}",
        "null",
        "00",
        "7b7d",
        "AAAA",
        &"9".repeat(5000),
    ] {
        let cursor = Some(text.to_owned());
        f.assert_invalid_query(&Query {
            cursor,
            ..query(Index::Primary, "p")
        })
        .await;
    }
}
