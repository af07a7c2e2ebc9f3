//! A table that counts what is written to it, for tests in which nothing may be.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use prism_functions::ports::{Item, Key, Page, Query, Table, TableError, Write};
use prism_local::store::SqliteTable;

/// See the module.
pub struct Watched {
    table: SqliteTable,
    writes: AtomicUsize,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watched {{ writes: {} }}", self.writes())
    }
}

impl Watched {
    /// Watches a table.
    pub fn new(table: SqliteTable) -> Self {
        Self {
            table,
            writes: AtomicUsize::new(0),
        }
    }

    /// How many items were written or deleted, and not only checked.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Table for Watched {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.table.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        self.table.transact(writes).await?;
        let changes = writes
            .iter()
            .filter(|write| !matches!(write, Write::Check(_, _)));
        self.writes.fetch_add(changes.count(), Ordering::Relaxed);
        Ok(())
    }
}
