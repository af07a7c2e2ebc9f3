//! Tests of this table that go beyond the contract of every table.

mod model;
mod processes;
mod speed;

use futures::executor::block_on;
use prism_functions::ports::{
    Condition, Index, Item, Key, Query, SortKeys, Table, TableError, Write,
};
use rusqlite::params_from_iter;
use serde_json::{Map, Value, json};

use super::query::Statement;
use super::{APPLICATION_ID, SqliteTable};
use crate::sqlite::SqliteError;

fn attributes(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(attributes) => attributes,
        other => panic!("{other} is not an object"),
    }
}

fn item(pk: &str, sk: &str, value: Value) -> Item {
    Item {
        key: Key::new(pk, sk),
        attributes: attributes(value),
    }
}

fn put(pk: &str, sk: &str, value: Value) -> Write {
    Write::Put(item(pk, sk, value), Condition::Always)
}

fn query(index: Index, pk: &str) -> Query {
    Query {
        index,
        pk: pk.to_owned(),
        sort_keys: SortKeys::All,
        descending: false,
        limit: 1000,
        cursor: None,
    }
}

fn read_all(table: &dyn Table, mut query: Query) -> (Vec<Key>, usize) {
    let mut keys = Vec::new();
    for pages in 1..=10_000 {
        let page = block_on(table.query(&query)).unwrap();
        assert!(page.items.len() <= query.limit);
        keys.extend(page.items.into_iter().map(|item| item.key));
        query.cursor = page.cursor;
        if query.cursor.is_none() {
            return (keys, pages);
        }
    }
    panic!("{query:?} has no end");
}

#[test]
fn every_query_is_one_range_of_one_index() {
    let table = SqliteTable::in_memory().unwrap();
    for sk in ["a1", "a2", "a3"] {
        let both = json!({"gsi1pk": "p", "gsi1sk": sk, "gsi2pk": "p", "gsi2sk": sk});
        block_on(table.transact(&[put("p", sk, both)])).unwrap();
    }
    for (index, searches) in [
        (Index::Primary, "SEARCH item USING PRIMARY KEY (pk=?"),
        (Index::Gsi1, "SEARCH item USING INDEX item_gsi1 (gsi1pk=?"),
        (Index::Gsi2, "SEARCH item USING INDEX item_gsi2 (gsi2pk=?"),
    ] {
        let all = SortKeys::All;
        let prefix = SortKeys::BeginsWith("a".to_owned());
        let between = SortKeys::Between("a1".to_owned(), "a3".to_owned());
        for (sort_keys, descending) in [all, prefix, between]
            .into_iter()
            .flat_map(|it| [(it.clone(), false), (it, true)])
        {
            let mut query = query(index, "p");
            (query.sort_keys, query.descending, query.limit) = (sort_keys, descending, 1);
            let (first, _) = plan(&table, &query);
            assert!(first.starts_with(searches), "{query:?}: {first}");

            query.cursor = block_on(table.query(&query)).unwrap().cursor;
            let (next, steps) = plan(&table, &query);
            assert!(next.starts_with(searches), "{query:?}: {next}");
            // It seeks directly to the cursor, and sorts nothing.
            let seek = match (index, descending) {
                (Index::Primary, false) => "sk>?",
                (Index::Primary, true) => "sk<?",
                (_, false) => "pk,sk)>(?,?,?)",
                (_, true) => "pk,sk)<(?,?,?)",
            };
            assert!(next.contains(seek), "{query:?}: {next}");
            assert_eq!(steps, 1, "{query:?}");
        }
    }
}

/// SQLite's plan for the query: its first step, and the number of steps.
fn plan(table: &SqliteTable, query: &Query) -> (String, usize) {
    let statement = Statement::new(query).unwrap();
    let (sql, values) = statement.parts();
    let connection = table.connection();
    let mut explain = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let steps: Vec<String> = explain
        .query_map(params_from_iter(values), |row| row.get("detail"))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    (steps[0].clone(), steps.len())
}

#[test]
fn ties_in_an_index_are_ordered_by_the_primary_key_and_pages_keep_to_that() {
    let table = SqliteTable::in_memory().unwrap();
    let mut expected = Vec::new();
    for pk in ["a", "b", "c"] {
        for sk in ["1", "2", "3"] {
            let tied = json!({"gsi1pk": "p", "gsi1sk": "same"});
            block_on(table.transact(&[put(pk, sk, tied)])).unwrap();
            expected.push(Key::new(pk, sk));
        }
    }
    for descending in [false, true] {
        for limit in 1..=10 {
            let mut query = query(Index::Gsi1, "p");
            (query.descending, query.limit) = (descending, limit);
            let (keys, pages) = read_all(&table, query);
            assert_eq!(keys, expected, "limit {limit}");
            assert_eq!(pages, 9_usize.div_ceil(limit));
        }
        expected.reverse();
    }
}

#[test]
fn any_text_can_be_a_key_or_a_prefix() {
    let table = SqliteTable::in_memory().unwrap();
    let mut texts = [
        "a",
        "a\0b",
        "a%",
        "a_",
        "A",
        "é",
        "\u{d7ff}",
        "\u{e000}",
        "\u{10ffff}",
        "'",
    ]
    .map(str::to_owned);
    texts.sort();
    for sk in &texts {
        block_on(table.transact(&[put("p", sk, json!({"text": sk}))])).unwrap();
    }
    assert_eq!(
        read_all(&table, query(Index::Primary, "p")).0.len(),
        texts.len()
    );
    for prefix in &texts {
        let mut query = query(Index::Primary, "p");
        query.sort_keys = SortKeys::BeginsWith(prefix.clone());
        let found: Vec<_> = read_all(&table, query)
            .0
            .into_iter()
            .map(|key| key.sk)
            .collect();
        let expected: Vec<_> = texts
            .iter()
            .filter(|text| text.starts_with(prefix.as_str()))
            .cloned()
            .collect();
        assert_eq!(found, expected, "{prefix:?}");
    }
}

#[test]
fn no_cursor_makes_it_panic() {
    let table = SqliteTable::in_memory().unwrap();
    block_on(table.transact(&[put("p", "1", json!({})), put("p", "2", json!({}))])).unwrap();
    let mut ask = query(Index::Primary, "p");
    ask.limit = 1;
    let good = block_on(table.query(&ask)).unwrap().cursor.unwrap();
    let cuts = (0..good.len()).map(|end| good[..end].to_owned());
    let odd = [
        "é",
        "00",
        "7b7d",
        "null",
        &"f".repeat(9999),
        &"5b".repeat(9999),
    ]
    .map(str::to_owned);
    for bad in cuts.chain(odd) {
        ask.cursor = Some(bad.clone());
        let answer = block_on(table.query(&ask));
        assert!(
            matches!(answer, Err(TableError::Invalid(_))),
            "{bad}: {answer:?}"
        );
    }
}

#[test]
fn every_sqlite_error_has_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.db");
    let table = SqliteTable::open(&path).unwrap();
    table
        .connection()
        .busy_timeout(std::time::Duration::from_millis(20))
        .unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = block_on(table.transact(&[put("p", "1", json!({}))])).unwrap_err();
    let (text, transient, error) = seen(&locked);
    assert!(transient);
    assert_eq!(text, "the table did not respond: writing to it failed");
    assert!(matches!(error, SqliteError::Locked { .. }), "{error:?}");
    assert!(!error.hint().is_empty());
    // Reading is still possible in the meantime.
    assert!(block_on(table.get(&Key::new("p", "1"))).unwrap().is_none());
    other
        .execute_batch("INSERT INTO item (pk, sk, attributes) VALUES ('p', '1', '{'); COMMIT")
        .unwrap();

    let corrupt = block_on(table.get(&Key::new("p", "1"))).unwrap_err();
    let (text, transient, error) = seen(&corrupt);
    assert!(!transient);
    assert_eq!(text, "the table did not respond: reading an item failed");
    assert!(matches!(error, SqliteError::Corrupt { .. }), "{error:?}");
}

fn seen(error: &TableError) -> (String, bool, &SqliteError) {
    let TableError::Unavailable {
        transient,
        source: Some(source),
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    (
        error.to_string(),
        *transient,
        source.downcast_ref().expect("a SqliteError"),
    )
}

#[test]
fn the_file_carries_its_mark() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.db");
    drop(SqliteTable::open(&path).unwrap());
    let other = crate::sqlite::open(&path, APPLICATION_ID + 1, &["SELECT 1"]).unwrap_err();
    assert!(
        matches!(
            other,
            SqliteError::Foreign {
                found: APPLICATION_ID,
                ..
            }
        ),
        "{other:?}"
    );
}
