//! The registry's table in a SQLite file, or in memory.
//!
//! It behaves like DynamoDB, including its refusals, so that a request which would fail there fails here first. Any
//! number of threads and processes may use one file at once: every transaction takes SQLite's single write lock
//! before it reads, so none ever acts on outdated data.

mod evaluate;
mod memory;
mod query;
mod rows;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use prism_functions::ports::table_rules as rules;
use prism_functions::ports::{Advance, Item, Key, Page, Query, Table, TableError, Write, number};
use rusqlite::{Connection, TransactionBehavior};

use crate::sqlite::{self, SqliteError};

pub use memory::MemoryTable;
pub use prism_functions::ports::table_rules::{
    INDEX_PARTITION_KEY_BYTES, INDEX_SORT_KEY_BYTES, NESTING, PAGE_BYTES, PARTITION_KEY_BYTES,
    QUERY_LIMIT, SORT_KEY_BYTES, TRANSACTION_BYTES,
};

/// "PrsT": marks an SQLite file as a table of Prism's.
pub const APPLICATION_ID: i32 = 0x5072_7354;

/// The schema, version by version. Only add to the end; a released migration never changes.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// A [`Table`] in SQLite. Every SQLite error is returned as [`TableError::Unavailable`], with the [`SqliteError`] as
/// its source; a lock timeout is marked as transient.
#[derive(Debug)]
pub struct SqliteTable {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl SqliteTable {
    /// Opens the table in the file at `path`, or creates it. See [`sqlite::open`].
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        Ok(Self {
            path: path.to_path_buf(),
            connection: Mutex::new(sqlite::open(path, APPLICATION_ID, MIGRATIONS)?),
        })
    }

    /// An empty table in memory, which is lost when this value is dropped.
    pub fn in_memory() -> Result<Self, SqliteError> {
        Ok(Self {
            path: PathBuf::from(":memory:"),
            connection: Mutex::new(sqlite::open_in_memory(MIGRATIONS)?),
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held has rolled back its transaction, so the connection is still usable.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Converts an SQLite error that occurred while `doing` something into the port's error.
    fn unavailable(&self, doing: &'static str) -> impl Fn(rusqlite::Error) -> TableError + '_ {
        move |error| {
            let error = sqlite::classify(&self.path, error);
            TableError::Unavailable {
                reason: format!("{doing} failed"),
                transient: error.is_transient(),
                advice: None,
                source: Some(Box::new(error)),
            }
        }
    }

    fn write_all(&self, writes: &[Write]) -> Result<(), TableError> {
        let texts = rules::transaction(writes)?;
        let unavailable = self.unavailable("writing to it");
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&unavailable)?;

        // All conditions are checked before any write, so that they see the state before the transaction.
        let mut stored = Vec::with_capacity(writes.len());
        for (write, wanted) in writes.iter().enumerate() {
            let item = if evaluate::must_be_read(wanted) {
                rows::read(&transaction, wanted.key()).map_err(&unavailable)?
            } else {
                None
            };
            if !evaluate::holds(wanted.condition(), item.as_ref()) {
                return Err(TableError::ConditionFailed { write });
            }
            stored.push(item);
        }

        let mut bytes = 0;
        for ((write, text), item) in writes.iter().zip(texts).zip(stored) {
            match write {
                Write::Put(item, _) => {
                    bytes += text.len();
                    rows::put(&transaction, &item.key, &item.attributes, &text)
                }
                Write::Update(key, changes, _) => {
                    let attributes = evaluate::apply(changes, item.unwrap_or_default())?;
                    let text = rules::item(key, &attributes)?;
                    bytes += text.len();
                    rows::put(&transaction, key, &attributes, &text)
                }
                Write::Delete(key, _) => rows::delete(&transaction, key),
                Write::Check(..) => Ok(()),
            }
            .map_err(&unavailable)?;
        }
        rules::transaction_bytes(bytes)?;
        transaction.commit().map_err(&unavailable)
    }

    fn advance_one(&self, key: &Key, advance: &Advance) -> Result<Option<i64>, TableError> {
        rules::key(key)?;
        let unavailable = self.unavailable("moving a number on");
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&unavailable)?;
        let attributes = rows::read(&transaction, key).map_err(&unavailable)?;
        let mut item = Item {
            key: key.clone(),
            attributes: attributes.unwrap_or_default(),
        };
        let Some(after) = advance.of(number(Some(&item), &advance.attribute)?) else {
            return Ok(None);
        };
        item.attributes
            .insert(advance.attribute.clone(), after.into());
        let text = rules::item(key, &item.attributes)?;
        rows::put(&transaction, key, &item.attributes, &text).map_err(&unavailable)?;
        transaction.commit().map_err(&unavailable)?;
        Ok(Some(after))
    }
}

#[async_trait]
impl Table for SqliteTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        rules::key(key)?;
        let attributes =
            rows::read(&self.connection(), key).map_err(self.unavailable("reading an item"))?;
        Ok(attributes.map(|attributes| Item {
            key: key.clone(),
            attributes,
        }))
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let statement = query::Statement::new(query)?;
        statement
            .run(&self.connection())
            .map_err(self.unavailable("reading a partition"))
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        self.write_all(writes)
    }

    async fn advance(&self, key: &Key, advance: &Advance) -> Result<Option<i64>, TableError> {
        self.advance_one(key, advance)
    }
}
