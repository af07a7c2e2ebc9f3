//! The contract of the port `Table`, one check per rule.
//!
//! It requires nothing that DynamoDB does not do. Where DynamoDB leaves something undefined, such as the order of items
//! with the same sort key in an index, the contract leaves it undefined too.

mod advances;
mod conditions;
mod limits;
mod queries;
mod writes;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use prism_functions::ports::{
    Change, Clock, Condition, Index, Item, Key, Page, Query, SortKeys, Table, TableError, Write,
};
use serde_json::{Map, Value};

/// How often a query of an index is repeated before its result counts as wrong.
const ATTEMPTS: u32 = 50;
/// The pause between repetitions, in milliseconds.
const PAUSE_MS: u64 = 200;

#[derive(Clone)]
pub struct Fixture {
    pub table: Arc<dyn Table>,
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Fixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixture").finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The rule, as a sentence in snake case.
    pub name: &'static str,
    run: fn(Fixture) -> BoxFuture<'static, ()>,
}

macro_rules! named {
    ($($name:ident),+ $(,)?) => {
        &[$($crate::contract::table::Check {
            name: stringify!($name),
            run: |fixture| Box::pin($name(fixture)),
        }),+]
    };
}
use named;

pub fn checks() -> impl Iterator<Item = Check> {
    [
        writes::CHECKS,
        advances::CHECKS,
        conditions::CHECKS,
        queries::CHECKS,
        limits::CHECKS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Checks every rule, each on a new table from `fresh`.
///
/// # Panics
/// At the end, with the names of the violated rules. The details are printed as they are found.
pub async fn check_all(fresh: impl AsyncFn() -> Fixture) {
    let broken = broken(fresh).await;
    assert!(
        broken.is_empty(),
        "the table breaks these rules: {broken:#?}"
    );
}

/// The violated rules. Each is checked on a new table from `fresh`, and the details are printed.
pub async fn broken(fresh: impl AsyncFn() -> Fixture) -> Vec<&'static str> {
    let mut broken = Vec::new();
    for check in checks() {
        let fixture = fresh().await;
        if AssertUnwindSafe((check.run)(fixture))
            .catch_unwind()
            .await
            .is_err()
        {
            broken.push(check.name);
        }
    }
    broken
}

impl Fixture {
    async fn get(&self, pk: &str, sk: &str) -> Option<Map<String, Value>> {
        let key = Key::new(pk, sk);
        let item = self.table.get(&key).await.expect("it can be read")?;
        assert_eq!(item.key, key);
        Some(item.attributes)
    }

    async fn write(&self, writes: &[Write]) {
        self.table
            .transact(writes)
            .await
            .expect("it can be written");
    }

    async fn put(&self, pk: &str, sk: &str, attributes: Value) {
        self.write(&[put(pk, sk, attributes)]).await;
    }

    async fn assert_invalid(&self, writes: &[Write]) {
        let answer = self.table.transact(writes).await;
        assert!(
            matches!(answer, Err(TableError::Invalid(_))),
            "{answer:?}: {:?}",
            writes.first()
        );
    }

    async fn assert_invalid_query(&self, query: &Query) {
        let answer = self.table.query(query).await;
        assert!(
            matches!(answer, Err(TableError::Invalid(_))),
            "{answer:?}: {query:?}"
        );
    }

    async fn assert_condition_fails(&self, writes: &[Write], first: usize) {
        match self.table.transact(writes).await {
            Err(TableError::ConditionFailed { write }) => assert_eq!(write, first, "{writes:?}"),
            other => panic!("{other:?}: {writes:?}"),
        }
    }

    async fn page(&self, query: &Query) -> Page {
        let page = self.table.query(query).await.expect("it can be queried");
        assert!(page.items.len() <= query.limit, "{query:?}");
        page
    }

    async fn all(&self, query: &Query) -> Vec<Item> {
        let mut query = query.clone();
        let mut items = Vec::new();
        for _ in 0..10_000 {
            let page = self.page(&query).await;
            items.extend(page.items);
            query.cursor = page.cursor;
            if query.cursor.is_none() {
                return items;
            }
        }
        panic!("{query:?} has no end");
    }

    /// Repeats the query until its items satisfy `wanted`, because an index may lag behind.
    async fn until(&self, query: &Query, wanted: impl Fn(&[Item]) -> bool) -> Vec<Item> {
        let mut items = self.all(query).await;
        for _ in 0..ATTEMPTS {
            if wanted(&items) {
                return items;
            }
            self.clock.sleep(Duration::from_millis(PAUSE_MS)).await;
            items = self.all(query).await;
        }
        panic!("{query:?} gives {:?}", sort_keys(&items));
    }

    /// Asserts that the query returns the items with these table sort keys in this order.
    async fn assert_finds(&self, query: &Query, expected: &[&str]) {
        self.until(query, |items| sort_keys(items) == expected)
            .await;
    }
}

fn sort_keys(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.key.sk.as_str()).collect()
}

fn attributes(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(attributes) => attributes,
        other => panic!("{other} is not an object"),
    }
}

fn put(pk: &str, sk: &str, value: Value) -> Write {
    put_if(pk, sk, value, Condition::Always)
}

fn put_if(pk: &str, sk: &str, value: Value, condition: Condition) -> Write {
    let item = Item {
        key: Key::new(pk, sk),
        attributes: attributes(value),
    };
    Write::Put(item, condition)
}

fn update(pk: &str, sk: &str, changes: Vec<Change>) -> Write {
    Write::Update(Key::new(pk, sk), changes, Condition::Always)
}

fn check(pk: &str, sk: &str, condition: Condition) -> Write {
    Write::Check(Key::new(pk, sk), condition)
}

fn set(name: &str, value: impl Into<Value>) -> Change {
    Change::Set(name.to_owned(), value.into())
}

fn add(name: &str, amount: i64) -> Change {
    Change::Add(name.to_owned(), amount)
}

fn equals(name: &str, value: impl Into<Value>) -> Condition {
    Condition::Equals(name.to_owned(), value.into())
}

/// A query for a whole partition, from its first sort key.
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
