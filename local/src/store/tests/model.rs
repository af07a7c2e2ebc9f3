//! Compares random transactions and queries with a table that is simple enough to be obviously correct.

use std::collections::BTreeMap;

use futures::executor::block_on;
use prism_functions::ports::{
    Change, Condition, Index, Item, Key, Query, SortKeys, Table, TableError, Write,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::read_all;
use crate::store::{MemoryTable, SqliteTable};

type Attributes = Map<String, Value>;
type Model = BTreeMap<Key, Attributes>;

/// The result of a transaction, limited to the errors that the model knows.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    Failed(usize),
    Invalid,
}

fn outcome(result: Result<(), TableError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(TableError::ConditionFailed { write }) => Outcome::Failed(write),
        Err(TableError::Invalid(_)) => Outcome::Invalid,
        Err(other) => panic!("{other:?}"),
    }
}

fn transact(model: &mut Model, writes: &[Write]) -> Outcome {
    if (1..writes.len()).any(|n| writes[..n].iter().any(|it| it.key() == writes[n].key())) {
        return Outcome::Invalid;
    }
    for (n, write) in writes.iter().enumerate() {
        let (Write::Put(_, condition)
        | Write::Update(_, _, condition)
        | Write::Delete(_, condition)
        | Write::Check(_, condition)) = write;
        if !holds(condition, model.get(write.key())) {
            return Outcome::Failed(n);
        }
    }
    let mut next = model.clone();
    for write in writes {
        match write {
            Write::Put(item, _) => {
                next.insert(item.key.clone(), item.attributes.clone());
            }
            Write::Update(key, changes, _) => {
                let attributes = next.entry(key.clone()).or_default();
                if changes.iter().any(|change| !apply(change, attributes)) {
                    return Outcome::Invalid;
                }
            }
            Write::Delete(key, _) => {
                next.remove(key);
            }
            Write::Check(..) => {}
        }
    }
    *model = next;
    Outcome::Done
}

fn holds(condition: &Condition, item: Option<&Attributes>) -> bool {
    let number = |name: &String| item.and_then(|it| it.get(name)).and_then(Value::as_f64);
    match condition {
        Condition::Always => true,
        Condition::ItemAbsent => item.is_none(),
        Condition::ItemPresent => item.is_some(),
        Condition::Equals(name, value) => item.is_some_and(|it| it.get(name) == Some(value)),
        Condition::AtMost(name, limit) => number(name).is_some_and(|it| it <= *limit),
        Condition::AttributeAbsent(name) => item.is_none_or(|it| !it.contains_key(name)),
        Condition::All(all) => !all.iter().any(|it| !holds(it, item)),
        Condition::Any(any) => any.iter().any(|it| holds(it, item)),
    }
}

fn apply(change: &Change, attributes: &mut Attributes) -> bool {
    match change {
        Change::Set(name, value) => {
            attributes.insert(name.clone(), value.clone());
        }
        Change::Add(name, amount) => {
            let before = attributes.get(name).unwrap_or(&json!(0)).as_i64();
            let Some(before) = before else { return false };
            attributes.insert(name.clone(), json!(before + amount));
        }
        Change::Remove(name) => {
            attributes.shift_remove(name);
        }
    }
    true
}

fn keys(model: &Model, query: &Query) -> Vec<Key> {
    let (pk, sk) = query.index.attributes();
    let mut found: Vec<(String, Key)> = model
        .iter()
        .filter_map(|(key, attributes)| {
            let text = |name: &str| match name {
                "pk" => Some(key.pk.clone()),
                "sk" => Some(key.sk.clone()),
                _ => attributes.get(name)?.as_str().map(str::to_owned),
            };
            (text(pk)? == query.pk).then_some((text(sk)?, key.clone()))
        })
        .filter(|(sort_key, _)| match &query.sort_keys {
            SortKeys::All => true,
            SortKeys::BeginsWith(prefix) => sort_key.starts_with(prefix),
            SortKeys::Between(from, to) => from <= sort_key && sort_key <= to,
        })
        .collect();
    found.sort();
    if query.descending {
        found.reverse();
    }
    found.into_iter().map(|(_, key)| key).collect()
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "a#", "a#1", "b", "é", "\u{10ffff}", "\u{d7ff}x"])
        .prop_map(str::to_owned)
}

fn key() -> impl Strategy<Value = Key> {
    (text(), text()).prop_map(|(pk, sk)| Key::new(pk, sk))
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["n", "m", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk"])
        .prop_map(str::to_owned)
}

/// An attribute whose type is the one that its name requires.
fn attribute() -> impl Strategy<Value = (String, Value)> {
    (name(), text(), -2..3_i64).prop_map(|(name, text, number)| match name.as_str() {
        "n" => (name, json!(number)),
        _ => (name, json!(text)),
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    vec(attribute(), 0..6).prop_map(|attributes| attributes.into_iter().collect())
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        attribute().prop_map(|(name, value)| Change::Set(name, value)),
        (prop::sample::select(vec!["n", "m"]), -2..3_i64)
            .prop_map(|(name, amount)| Change::Add(name.to_owned(), amount)),
        name().prop_map(Change::Remove),
    ]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    vec(change(), 1..4).prop_map(|mut changes| {
        let mut names = std::collections::HashSet::new();
        changes.retain(|change| {
            let (Change::Set(name, _) | Change::Add(name, _) | Change::Remove(name)) = change;
            names.insert(name.clone())
        });
        changes
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        8 => Just(Condition::Always),
        1 => Just(Condition::ItemAbsent),
        1 => Just(Condition::ItemPresent),
        1 => attribute().prop_map(|(name, value)| Condition::Equals(name, value)),
        1 => (-2..3_i32).prop_map(|limit| Condition::AtMost("n".to_owned(), limit.into())),
        1 => name().prop_map(Condition::AttributeAbsent),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Condition::All),
            vec(inner, 1..3).prop_map(Condition::Any),
        ]
    })
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        3 => (key(), attributes(), condition())
            .prop_map(|(key, attributes, condition)| Write::Put(Item { key, attributes }, condition)),
        3 => (key(), changes(), condition())
            .prop_map(|(key, changes, condition)| Write::Update(key, changes, condition)),
        1 => (key(), condition()).prop_map(|(key, condition)| Write::Delete(key, condition)),
        1 => (key(), condition()).prop_map(|(key, condition)| Write::Check(key, condition)),
    ]
}

fn sort_keys() -> impl Strategy<Value = SortKeys> {
    prop_oneof![
        Just(SortKeys::All),
        text().prop_map(SortKeys::BeginsWith),
        (text(), text()).prop_map(|(a, b)| {
            let (from, to) = if a <= b { (a, b) } else { (b, a) };
            SortKeys::Between(from, to)
        }),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let index = prop::sample::select(vec![Index::Primary, Index::Gsi1, Index::Gsi2]);
    (index, text(), sort_keys(), any::<bool>(), 1..6_usize).prop_map(
        |(index, pk, sort_keys, descending, limit)| Query {
            index,
            pk,
            sort_keys,
            descending,
            limit,
            cursor: None,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_the_model_does(
        transactions in vec(vec(write(), 1..5), 1..40),
        queries in vec(query(), 1..20),
    ) {
        let tables: [&dyn Table; 2] = [
            &SqliteTable::in_memory().unwrap(),
            &MemoryTable::default(),
        ];
        let mut model = Model::new();
        for writes in &transactions {
            let expected = transact(&mut model, writes);
            for table in tables {
                prop_assert_eq!(&outcome(block_on(table.transact(writes))), &expected, "{:?}", writes);
                for write in writes {
                    let found = block_on(table.get(write.key())).unwrap().map(|it| it.attributes);
                    prop_assert_eq!(found.as_ref(), model.get(write.key()));
                }
            }
        }
        for query in queries {
            for table in tables {
                prop_assert_eq!(read_all(table, query.clone()).0, keys(&model, &query), "{:?}", query);
            }
        }
    }
}
