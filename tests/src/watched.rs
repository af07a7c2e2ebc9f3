//! A table that counts writes, for tests in which nothing may be written, and that can refuse all requests, as if the
//! permission was removed, or fail to write items of one kind.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use prism_functions::ports::{Item, Key, Page, Query, Refusal, Table, TableError, Write};

pub struct Watched {
    table: Box<dyn Table>,
    writes: AtomicUsize,
    reads: AtomicUsize,
    refuses: AtomicBool,
    fails: Mutex<Option<&'static str>>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watched {{ writes: {} }}", self.writes())
    }
}

impl Watched {
    pub fn new(table: impl Table + 'static) -> Self {
        Self {
            table: Box::new(table),
            writes: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            refuses: AtomicBool::new(false),
            fails: Mutex::default(),
        }
    }

    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Fails all writes of items with this sort key.
    pub fn fail_writes_of(&self, sk: Option<&'static str>) {
        *self
            .fails
            .lock()
            .expect("no test panics while it holds this") = sk;
    }

    fn check_writes(&self, writes: &[Write]) -> Result<(), TableError> {
        let fails = self
            .fails
            .lock()
            .expect("no test panics while it holds this");
        let fails = fails.is_some_and(|sk| writes.iter().any(|write| write.key().sk == sk));
        if !fails {
            return Ok(());
        }
        Err(TableError::Unavailable {
            reason: "it does not respond".to_owned(),
            transient: true,
            advice: None,
            source: None,
        })
    }

    fn permitted(&self, action: &str) -> Result<(), TableError> {
        if !self.refuses.load(Ordering::Relaxed) {
            return Ok(());
        }
        let refusal = Refusal::of("AccessDeniedException", "no", action, "the table prism");
        Err(TableError::Refused(refusal.expect("it is one")))
    }

    /// The number of items read: one for each read by key, whether or not the item exists, and all that queries
    /// returned.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    /// The number of items written or deleted, without those that were only checked.
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
        self.check_writes(writes)?;
        self.table.transact(writes).await?;
        // Taking a turn does not count as a change.
        let changes = writes.iter().filter(|write| {
            !matches!(write, Write::Check(_, _)) && !write.key().pk.starts_with("TURNS#")
        });
        self.writes.fetch_add(changes.count(), Ordering::Relaxed);
        Ok(())
    }
}
