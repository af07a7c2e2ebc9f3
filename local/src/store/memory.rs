//! The same table without SQLite: for tests and simulations, which create thousands of tables.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use prism_functions::ports::table_cursor::{self as cursor, Position};
use prism_functions::ports::table_rules as rules;
use prism_functions::ports::{Index, Item, Key, Page, Query, SortKeys, Table, TableError, Write};
use serde_json::{Map, Value};

use super::evaluate;

/// A [`Table`] in memory, which is lost when this value is dropped. It has the same rules and limits as
/// [`SqliteTable`] and DynamoDB. A query scans all items. Clones share the items.
///
/// [`SqliteTable`]: super::SqliteTable
#[derive(Debug, Clone, Default)]
pub struct MemoryTable(Arc<Mutex<BTreeMap<Key, Map<String, Value>>>>);

impl MemoryTable {
    /// All items, for tests.
    pub fn all(&self) -> BTreeMap<Key, Map<String, Value>> {
        self.items().clone()
    }

    fn items(&self) -> MutexGuard<'_, BTreeMap<Key, Map<String, Value>>> {
        // A transaction changes nothing until all of its writes are known to succeed, so a panic
        // leaves no partial change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The position of an item in the order of a query: its sort key in the index, and its own key.
type Place<'a> = (&'a str, &'a Key);

/// The position of an item, if the query matches it.
fn place<'a>(query: &Query, key: &'a Key, attributes: &'a Map<String, Value>) -> Option<Place<'a>> {
    let (pk, sk) = query.index.attributes();
    let (pk, sk) = match query.index {
        Index::Primary => (key.pk.as_str(), key.sk.as_str()),
        Index::Gsi1 | Index::Gsi2 => (attributes.get(pk)?.as_str()?, attributes.get(sk)?.as_str()?),
    };
    let asked = match &query.sort_keys {
        SortKeys::All => true,
        SortKeys::BeginsWith(prefix) => sk.starts_with(prefix),
        SortKeys::Between(from, to) => from.as_str() <= sk && sk <= to.as_str(),
    };
    (pk == query.pk && asked).then_some((sk, key))
}

/// Whether an item comes after the position at which the previous page ended.
fn is_beyond(query: &Query, position: &Position, (sk, key): Place<'_>) -> bool {
    let order = sk.cmp(&position.sort_key);
    let order = match &position.tie {
        Some(tie) => order.then_with(|| key.cmp(tie)),
        None => order,
    };
    if query.descending {
        order.is_lt()
    } else {
        order.is_gt()
    }
}

fn bytes(key: &Key, attributes: &Map<String, Value>) -> Result<usize, TableError> {
    Ok(key.pk.len() + key.sk.len() + rules::item(key, attributes)?.len())
}

#[async_trait]
impl Table for MemoryTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        rules::key(key)?;
        let items = self.items();
        Ok(items.get(key).map(|attributes| Item {
            key: key.clone(),
            attributes: attributes.clone(),
        }))
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        rules::query(query)?;
        let position = cursor::read(query)?;
        let items = self.items();
        let mut found: Vec<_> = items
            .iter()
            .filter_map(|(key, attributes)| Some((place(query, key, attributes)?, attributes)))
            .filter(|(place, _)| {
                position
                    .as_ref()
                    .is_none_or(|position| is_beyond(query, position, *place))
            })
            .collect();
        found.sort_by_key(|(place, _)| *place);
        if query.descending {
            found.reverse();
        }
        let mut page = Page {
            items: Vec::new(),
            cursor: None,
        };
        let mut total = 0;
        for ((_, key), attributes) in found {
            total += bytes(key, attributes)?;
            let full = page.items.len() == query.limit || total > rules::PAGE_BYTES;
            if let Some(last) = page.items.last().filter(|_| full) {
                page.cursor = Some(cursor::write(query, Position::of(last, query.index)));
                break;
            }
            page.items.push(Item {
                key: key.clone(),
                attributes: attributes.clone(),
            });
        }
        Ok(page)
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        let texts = rules::transaction(writes)?;
        let mut items = self.items();
        for (write, wanted) in writes.iter().enumerate() {
            if !evaluate::holds(wanted.condition(), items.get(wanted.key())) {
                return Err(TableError::ConditionFailed { write });
            }
        }
        // Everything is computed before anything is written.
        let mut total = 0;
        let mut changes = Vec::with_capacity(writes.len());
        for (write, text) in writes.iter().zip(texts) {
            let after = match write {
                Write::Put(item, _) => {
                    total += text.len();
                    Some(item.attributes.clone())
                }
                Write::Update(key, changes, _) => {
                    let before = items.get(key).cloned().unwrap_or_default();
                    let attributes = evaluate::apply(changes, before)?;
                    total += rules::item(key, &attributes)?.len();
                    Some(attributes)
                }
                Write::Delete(..) => None,
                Write::Check(..) => continue,
            };
            changes.push((write.key(), after));
        }
        rules::transaction_bytes(total)?;
        for (key, after) in changes {
            match after {
                Some(attributes) => items.insert(key.clone(), attributes),
                None => items.remove(key),
            };
        }
        Ok(())
    }
}
