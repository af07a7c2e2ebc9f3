//! The results of queries, their order, and paging.

use prism_functions::ports::{Change, Condition, Index, Key, Query, SortKeys, Write};
use serde_json::{Value, json};

use super::{Check, Fixture, named, put, query, set, sort_keys, update};

pub(super) const CHECKS: &[Check] = named![
    a_partition_that_is_empty_has_one_empty_answer,
    a_query_sees_its_partition_alone,
    sort_keys_are_ordered_by_their_bytes,
    begins_with_takes_its_prefix_and_no_more,
    between_takes_both_of_its_ends,
    a_descending_query_is_the_same_backwards,
    a_query_of_the_table_sees_what_was_just_written,
    a_query_returns_complete_items,
    an_index_holds_the_items_with_both_attributes,
    an_index_follows_updates_and_deletes,
    one_item_may_be_in_both_indexes,
    an_index_takes_ranges_as_the_table_does,
    pages_neither_skip_nor_repeat,
    pages_keep_items_of_one_sort_key_apart,
    pages_continue_where_they_ended_despite_writes,
    a_page_ends_before_it_is_too_large,
];

fn place(index: Index, pk: &str, sk: &str) -> Value {
    match index {
        Index::Primary => json!({}),
        Index::Gsi1 => json!({"gsi1pk": pk, "gsi1sk": sk}),
        Index::Gsi2 => json!({"gsi2pk": pk, "gsi2sk": sk}),
    }
}

/// Puts items with these sort keys into the partition "p", in the table and in both indexes.
async fn fill(f: &Fixture, sort_keys: &[&str]) {
    for sk in sort_keys {
        let places = json!({"gsi1pk": "p", "gsi1sk": sk, "gsi2pk": "p", "gsi2sk": sk});
        f.put("p", sk, places).await;
    }
}

fn ranged(index: Index, sort_keys: SortKeys) -> Query {
    Query {
        sort_keys,
        ..query(index, "p")
    }
}

fn begins_with(prefix: &str) -> SortKeys {
    SortKeys::BeginsWith(prefix.to_owned())
}

fn between(from: &str, to: &str) -> SortKeys {
    SortKeys::Between(from.to_owned(), to.to_owned())
}

async fn a_partition_that_is_empty_has_one_empty_answer(f: Fixture) {
    for index in [Index::Primary, Index::Gsi1, Index::Gsi2] {
        f.assert_finds(&query(index, "p"), &[]).await;
    }
}

async fn a_query_sees_its_partition_alone(f: Fixture) {
    for pk in ["p", "P", "pp", "q"] {
        f.put(pk, &format!("in {pk}"), json!({})).await;
    }
    f.assert_finds(&query(Index::Primary, "p"), &["in p"]).await;
}

async fn sort_keys_are_ordered_by_their_bytes(f: Fixture) {
    let ordered = [
        "#",
        "1",
        "10",
        "2",
        "A",
        "Z",
        "a",
        "a ",
        "aa",
        "z",
        "é",
        "\u{e000}",
        "\u{1f600}",
    ];
    let mut shuffled = ordered;
    shuffled.reverse();
    shuffled.swap(1, 7);
    fill(&f, &shuffled).await;
    for index in [Index::Primary, Index::Gsi1, Index::Gsi2] {
        f.assert_finds(&query(index, "p"), &ordered).await;
    }
}

async fn begins_with_takes_its_prefix_and_no_more(f: Fixture) {
    fill(
        &f,
        &[
            "a",
            "a#1",
            "a#2",
            "a$",
            "a%",
            "A#1",
            "b",
            "\u{10ffff}",
            "\u{10ffff}x",
        ],
    )
    .await;
    for (prefix, expected) in [
        ("a#", &["a#1", "a#2"][..]),
        ("a", &["a", "a#1", "a#2", "a$", "a%"]),
        ("a%", &["a%"]),
        ("\u{10ffff}", &["\u{10ffff}", "\u{10ffff}x"]),
        ("c", &[]),
    ] {
        f.assert_finds(&ranged(Index::Primary, begins_with(prefix)), expected)
            .await;
    }
}

async fn between_takes_both_of_its_ends(f: Fixture) {
    fill(&f, &["a", "b", "b1", "c", "c1", "d"]).await;
    for (from, to, expected) in [
        ("b", "c", &["b", "b1", "c"][..]),
        ("b0", "b9", &["b1"]),
        ("c", "c", &["c"]),
        ("x", "y", &[]),
    ] {
        f.assert_finds(&ranged(Index::Primary, between(from, to)), expected)
            .await;
    }
}

async fn a_descending_query_is_the_same_backwards(f: Fixture) {
    fill(&f, &["a", "b1", "b2", "b3", "c"]).await;
    for (range, expected) in [
        (SortKeys::All, &["c", "b3", "b2", "b1", "a"][..]),
        (begins_with("b"), &["b3", "b2", "b1"]),
        (between("b2", "c"), &["c", "b3", "b2"]),
    ] {
        for index in [Index::Primary, Index::Gsi1] {
            for limit in [1, 2, 1000] {
                let mut query = ranged(index, range.clone());
                (query.descending, query.limit) = (true, limit);
                f.assert_finds(&query, expected).await;
            }
        }
    }
}

async fn a_query_of_the_table_sees_what_was_just_written(f: Fixture) {
    let query = query(Index::Primary, "p");
    for n in 1..=20 {
        f.put("p", &format!("{n:02}"), json!({})).await;
        assert_eq!(f.all(&query).await.len(), n);
    }
    f.write(&[Write::Delete(Key::new("p", "01"), Condition::Always)])
        .await;
    assert_eq!(f.all(&query).await.len(), 19);
}

async fn a_query_returns_complete_items(f: Fixture) {
    let attributes = json!({"gsi1pk": "p", "gsi1sk": "s", "a": [1, {"b": null}]});
    f.put("own", "1", attributes.clone()).await;
    for query in [query(Index::Primary, "own"), query(Index::Gsi1, "p")] {
        let items = f.until(&query, |items| items.len() == 1).await;
        assert_eq!(items[0].key, Key::new("own", "1"));
        assert_eq!(Value::from(items[0].attributes.clone()), attributes);
    }
}

async fn an_index_holds_the_items_with_both_attributes(f: Fixture) {
    for index in [Index::Gsi1, Index::Gsi2] {
        let (pk, sk) = index.attributes();
        f.put("own", "pk only", json!({pk: "p"})).await;
        f.put("own", "sk only", json!({sk: "s"})).await;
        f.put("own", "neither", json!({})).await;
        f.put("own", "both", place(index, "p", "s")).await;
        f.assert_finds(&query(index, "p"), &["both"]).await;
    }
    assert_eq!(f.all(&query(Index::Primary, "own")).await.len(), 4);
}

async fn an_index_follows_updates_and_deletes(f: Fixture) {
    let [p, q] = ["p", "q"].map(|pk| query(Index::Gsi1, pk));
    f.put("own", "1", place(Index::Gsi1, "p", "1")).await;
    f.put("own", "2", place(Index::Gsi1, "p", "2")).await;
    f.put("own", "3", place(Index::Gsi1, "p", "3")).await;
    f.assert_finds(&p, &["1", "2", "3"]).await;
    f.write(&[
        update("own", "1", vec![set("gsi1pk", "q")]),
        update("own", "2", vec![Change::Remove("gsi1sk".to_owned())]),
        Write::Delete(Key::new("own", "3"), Condition::Always),
    ])
    .await;
    f.assert_finds(&p, &[]).await;
    f.assert_finds(&q, &["1"]).await;
    f.write(&[update("own", "2", vec![set("gsi1sk", "again")])])
        .await;
    f.put("own", "1", json!({})).await;
    f.assert_finds(&p, &["2"]).await;
    f.assert_finds(&q, &[]).await;
}

async fn one_item_may_be_in_both_indexes(f: Fixture) {
    let places = json!({"gsi1pk": "one", "gsi1sk": "1", "gsi2pk": "two", "gsi2sk": "2"});
    f.put("own", "1", places).await;
    f.assert_finds(&query(Index::Gsi1, "one"), &["1"]).await;
    f.assert_finds(&query(Index::Gsi2, "two"), &["1"]).await;
    f.assert_finds(&query(Index::Gsi2, "one"), &[]).await;
}

async fn an_index_takes_ranges_as_the_table_does(f: Fixture) {
    fill(&f, &["a", "b", "b1", "b2", "c"]).await;
    for index in [Index::Gsi1, Index::Gsi2] {
        f.assert_finds(&ranged(index, begins_with("b")), &["b", "b1", "b2"])
            .await;
        f.assert_finds(&ranged(index, between("b", "b1")), &["b", "b1"])
            .await;
    }
}

async fn pages_neither_skip_nor_repeat(f: Fixture) {
    let all: Vec<String> = (0..25).map(|n| format!("{n:02}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    fill(&f, &all).await;
    for index in [Index::Primary, Index::Gsi2] {
        f.assert_finds(&query(index, "p"), &all).await;
        for limit in [1, 2, 3, 7, 24, 25, 26] {
            f.assert_finds(
                &Query {
                    limit,
                    ..query(index, "p")
                },
                &all,
            )
            .await;
            let part = Query {
                limit,
                ..ranged(index, between("05", "19"))
            };
            f.assert_finds(&part, &all[5..20]).await;
        }
    }
}

async fn pages_keep_items_of_one_sort_key_apart(f: Fixture) {
    let mut keys = Vec::new();
    for pk in ["a", "b", "c"] {
        for sk in ["1", "2", "3"] {
            f.put(pk, sk, place(Index::Gsi1, "p", "same")).await;
            keys.push(Key::new(pk, sk));
        }
    }
    f.until(&query(Index::Gsi1, "p"), |items| items.len() == keys.len())
        .await;
    for descending in [false, true] {
        for limit in 1..=10 {
            let items = f
                .all(&Query {
                    descending,
                    limit,
                    ..query(Index::Gsi1, "p")
                })
                .await;
            let mut found: Vec<_> = items.into_iter().map(|item| item.key).collect();
            found.sort();
            assert_eq!(found, keys, "limit {limit}");
        }
    }
}

async fn pages_continue_where_they_ended_despite_writes(f: Fixture) {
    fill(&f, &["b", "d", "f", "h"]).await;
    let mut query = Query {
        limit: 2,
        ..query(Index::Primary, "p")
    };
    let first = f.page(&query).await;
    assert_eq!(sort_keys(&first.items), ["b", "d"]);
    query.cursor = first.cursor;
    f.write(&[
        put("p", "a", json!({})),
        put("p", "e", json!({})),
        Write::Delete(Key::new("p", "d"), Condition::Always),
        Write::Delete(Key::new("p", "f"), Condition::Always),
    ])
    .await;
    f.assert_finds(&query, &["e", "h"]).await;
}

async fn a_page_ends_before_it_is_too_large(f: Fixture) {
    // A page of DynamoDB is 1 MB, either a million bytes or 2^20; three of these items fit in both.
    let keys = ["1", "2", "3", "4", "5", "6", "7"];
    for sk in keys {
        f.put("p", sk, json!({"text": "x".repeat(300_000)})).await;
    }
    let all = query(Index::Primary, "p");
    let page = f.page(&all).await;
    assert!(
        (1..=4).contains(&page.items.len()),
        "{} items",
        page.items.len()
    );
    assert!(page.cursor.is_some());
    f.assert_finds(&all, &keys).await;
}
