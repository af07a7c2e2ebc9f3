//! A table that counts what is written to it, for tests in which nothing may be, and that can refuse
//! whatever is asked, as one does whose permission somebody has taken away.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use prism_functions::ports::{Item, Key, Page, Query, Refusal, Table, TableError, Write};

/// See the module.
pub struct Watched {
    table: Box<dyn Table>,
    writes: AtomicUsize,
    reads: AtomicUsize,
    refuses: AtomicBool,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watched {{ writes: {} }}", self.writes())
    }
}

impl Watched {
    /// Watches a table.
    pub fn new(table: impl Table + 'static) -> Self {
        Self {
            table: Box::new(table),
            writes: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            refuses: AtomicBool::new(false),
        }
    }

    /// Has it refuse everything from now on, or nothing any more.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    fn permitted(&self, action: &str) -> Result<(), TableError> {
        if !self.refuses.load(Ordering::Relaxed) {
            return Ok(());
        }
        let refusal = Refusal::of("AccessDeniedException", "no", action, "the table prism");
        Err(TableError::Refused(refusal.expect("it is one")))
    }

    /// How many items were read: one for each that was asked for by its key, there or not, and all
    /// that queries have answered.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    /// How many items were written or deleted, and not only checked.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Table for Watched {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.permitted("dynamodb:GetItem")?;
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.table.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.permitted("dynamodb:Query")?;
        let page = self.table.query(query).await?;
        self.reads.fetch_add(page.items.len(), Ordering::Relaxed);
        Ok(page)
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        self.permitted("dynamodb:PutItem")?;
        self.table.transact(writes).await?;
        // A turn that is taken says nothing of anything.
        let changes = writes.iter().filter(|write| {
            !matches!(write, Write::Check(_, _)) && !write.key().pk.starts_with("TURNS#")
        });
        self.writes.fetch_add(changes.count(), Ordering::Relaxed);
        Ok(())
    }
}
