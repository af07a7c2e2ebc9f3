//! The cloud in an SQLite file: one row for each resource. Only changed rows are written.
//!
//! A counter shows whether another process has written since the last read. Each row has the count at which it was
//! written, so that only rows that changed are read again.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cloud_error::CloudError;
use super::model::{Data, Model};
use super::rows::Rows;
use super::settings::Settings;
use crate::sqlite;

/// "PrEC": distinguishes this file from Prism's others.
const APPLICATION_ID: i32 = 0x5072_4543;

const MIGRATIONS: &[&str] = &["
    CREATE TABLE generation (only INTEGER PRIMARY KEY CHECK (only = 0), n INTEGER NOT NULL) STRICT;
    INSERT INTO generation VALUES (0, 0);
    CREATE TABLE entity (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        written INTEGER NOT NULL,
        body TEXT,
        PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX entity_written ON entity (written);
"];

/// For how many writes the row of a deleted resource is kept, so that other processes see the deletion.
const TOMBSTONES: i64 = 10_000;

#[derive(Debug)]
pub(crate) struct CloudFile {
    connection: Connection,
    path: PathBuf,
    /// The count of the model in memory; `None` if all of it must be read again.
    seen: Option<i64>,
}

/// A row that changed; without a body if it was deleted.
struct Change {
    kind: &'static str,
    id: String,
    body: Option<String>,
}

impl CloudFile {
    pub(crate) fn open(path: &Path, seed: u64) -> Result<(Self, Model), CloudError> {
        let connection =
            sqlite::open(path, APPLICATION_ID, MIGRATIONS).map_err(CloudError::File)?;
        let mut file = Self {
            connection,
            path: path.to_path_buf(),
            seen: None,
        };
        let mut model = Model::default();
        file.catch_up(&mut model)?;
        if model.data.world.get(&0).is_none() {
            file.begin()?;
            let opened = file.prepare(&mut model, seed);
            file.end(opened.is_ok())?;
            opened?;
        }
        Ok((file, model))
    }

    /// Reads the model, or creates and writes one if the file has none.
    fn prepare(&mut self, model: &mut Model, seed: u64) -> Result<(), CloudError> {
        self.refresh(model)?;
        if model.data.world.get(&0).is_some() {
            return Ok(());
        }
        *model = Model::new(0, Settings::default());
        model.data.track();
        model.world_mut().ids = seed;
        self.write(model)?;
        Ok(())
    }

    /// Updates the model to the last transaction, without a lock that blocks others.
    pub(crate) fn catch_up(&mut self, model: &mut Model) -> Result<(), CloudError> {
        self.roll_back_what_panicked()?;
        // One transaction, so that the count and the rows are from the same moment.
        self.execute("BEGIN DEFERRED")?;
        let read = self.refresh(model);
        self.end(read.is_ok())?;
        read
    }

    /// Ends a read-only call. If it has changed something anyway, the change is discarded.
    pub(crate) fn asked(&mut self, model: &mut Model) {
        let changed = !model.data.changes().is_ok_and(|changes| changes.is_empty());
        debug_assert!(!changed, "a call that only asks has changed something");
        if changed {
            self.seen = None;
        }
    }

    /// One call: it reads the changes of others, acts, and writes its own changes. Most of the reading is done before
    /// the lock is taken, so that the lock is held only while the call acts and writes.
    pub(crate) fn transact<T>(
        &mut self,
        model: &mut Model,
        act: impl FnOnce(&mut Model) -> T,
    ) -> Result<T, CloudError> {
        self.catch_up(model)?;
        self.begin()?;
        let done = self.refresh(model).and_then(|()| {
            // Until the transaction is committed, the model may be ahead of the file.
            let seen = self.seen.take();
            let answer = act(model);
            let wrote = self.write(model)?;
            Ok((answer, wrote.or(seen)))
        });
        match done {
            Ok((answer, seen)) => {
                self.end(true)?;
                self.seen = seen;
                Ok(answer)
            }
            Err(error) => {
                self.seen = None;
                self.end(false)?;
                Err(error)
            }
        }
    }

    fn begin(&self) -> Result<(), CloudError> {
        self.execute("BEGIN IMMEDIATE")
    }

    /// A call that panicked left its transaction open, and the model may be ahead of the file.
    fn roll_back_what_panicked(&mut self) -> Result<(), CloudError> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.seen = None;
        self.execute("ROLLBACK")
    }

    fn end(&self, commit: bool) -> Result<(), CloudError> {
        let ended = self.execute(if commit { "COMMIT" } else { "ROLLBACK" });
        if ended.is_err() {
            // A failed commit leaves its transaction open; after the rollback, the next call can begin.
            let _ = self.execute("ROLLBACK");
        }
        ended
    }

    fn execute(&self, statement: &str) -> Result<(), CloudError> {
        let done = self.connection.execute_batch(statement);
        done.map_err(|error| self.broken(error))
    }

    fn broken(&self, error: rusqlite::Error) -> CloudError {
        CloudError::File(sqlite::classify(&self.path, error))
    }

    fn refresh(&mut self, model: &mut Model) -> Result<(), CloudError> {
        let count = "SELECT n FROM generation WHERE only = 0";
        let mut count = self
            .connection
            .prepare_cached(count)
            .map_err(|e| self.broken(e))?;
        let count: Option<i64> = count
            .query_row([], |row| row.get(0))
            .optional()
            .map_err(|e| self.broken(e))?;
        let count = count.unwrap_or(0);
        if self.seen == Some(count) {
            return Ok(());
        }
        // If the last read was too long ago, or the model is ahead of the file, everything is read again.
        let since = match self.seen {
            Some(seen) if seen <= count && count - seen < TOMBSTONES => seen,
            _ => {
                let buckets = std::mem::take(&mut model.data.buckets);
                model.data = Data::default();
                model.data.buckets = buckets;
                -1
            }
        };
        self.load(&mut model.data, since)?;
        model.data.track();
        model.reindex();
        self.seen = Some(count);
        Ok(())
    }

    fn load(&self, data: &mut Data, since: i64) -> Result<(), CloudError> {
        let query = "SELECT kind, id, body FROM entity WHERE written > ?1";
        let mut query = self
            .connection
            .prepare_cached(query)
            .map_err(|e| self.broken(e))?;
        let mut rows = query.query([since]).map_err(|e| self.broken(e))?;
        while let Some(row) = rows.next().map_err(|e| self.broken(e))? {
            let read = |n| row.get::<_, Option<String>>(n).map_err(|e| self.broken(e));
            let (kind, id, body) = (
                read(0)?.unwrap_or_default(),
                read(1)?.unwrap_or_default(),
                read(2)?,
            );
            data.put(&kind, &id, body.as_deref())
                .map_err(|source| CloudError::Row {
                    path: self.path.clone(),
                    kind,
                    id,
                    source,
                })?;
        }
        Ok(())
    }

    /// Writes the changes; returns the new count if there were any.
    fn write(&mut self, model: &mut Model) -> Result<Option<i64>, CloudError> {
        let changes = model.data.changes().map_err(|source| CloudError::Row {
            path: self.path.clone(),
            kind: "any".to_owned(),
            id: String::new(),
            source,
        })?;
        if changes.is_empty() {
            return Ok(None);
        }
        let written = self.write_changes(&changes).map_err(|e| self.broken(e))?;
        Ok(Some(written))
    }

    fn write_changes(&self, changes: &[Change]) -> rusqlite::Result<i64> {
        let connection = &self.connection;
        let count: i64 = connection
            .prepare_cached("UPDATE generation SET n = n + 1 WHERE only = 0 RETURNING n")?
            .query_row([], |row| row.get(0))?;
        let mut put = connection.prepare_cached(
            "INSERT INTO entity (kind, id, written, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (kind, id) DO UPDATE SET written = excluded.written, body = excluded.body",
        )?;
        for change in changes {
            put.execute(params![change.kind, change.id, count, change.body])?;
        }
        if count % 1000 == 0 {
            connection.execute(
                "DELETE FROM entity WHERE body IS NULL AND written <= ?1",
                [count - TOMBSTONES],
            )?;
        }
        Ok(count)
    }
}

type Unreadable = Box<dyn std::error::Error + Send + Sync>;

impl Data {
    fn track(&mut self) {
        self.world.track();
        self.areas.track();
        self.instances.track();
        self.volumes.track();
        self.disks.track();
        self.images.track();
        self.snapshots.track();
        self.tokens.track();
        self.events.track();
    }

    fn changes(&mut self) -> Result<Vec<Change>, Unreadable> {
        let mut all = Vec::new();
        collect("world", &mut self.world, &mut all)?;
        collect("area", &mut self.areas, &mut all)?;
        collect("instance", &mut self.instances, &mut all)?;
        collect("volume", &mut self.volumes, &mut all)?;
        collect("disk", &mut self.disks, &mut all)?;
        collect("image", &mut self.images, &mut all)?;
        collect("snapshot", &mut self.snapshots, &mut all)?;
        collect("token", &mut self.tokens, &mut all)?;
        collect("event", &mut self.events, &mut all)?;
        Ok(all)
    }

    fn put(&mut self, kind: &str, id: &str, body: Option<&str>) -> Result<(), Unreadable> {
        match kind {
            "world" => put(&mut self.world, id, body),
            "area" => put(&mut self.areas, id, body),
            "instance" => put(&mut self.instances, id, body),
            "volume" => put(&mut self.volumes, id, body),
            "disk" => put(&mut self.disks, id, body),
            "image" => put(&mut self.images, id, body),
            "snapshot" => put(&mut self.snapshots, id, body),
            "token" => put(&mut self.tokens, id, body),
            "event" => put(&mut self.events, id, body),
            _ => Err("no such kind of row is known".into()),
        }
    }
}

fn collect<K, V>(
    kind: &'static str,
    rows: &mut Rows<K, V>,
    all: &mut Vec<Change>,
) -> Result<(), Unreadable>
where
    K: Ord + Clone + Display,
    V: Serialize,
{
    for key in rows.take_changed() {
        let body = rows.get(&key).map(serde_json::to_string).transpose()?;
        let id = key.to_string();
        all.push(Change { kind, id, body });
    }
    Ok(())
}

fn put<K, V>(rows: &mut Rows<K, V>, id: &str, body: Option<&str>) -> Result<(), Unreadable>
where
    K: Ord + Clone + FromStr,
    K::Err: std::error::Error + Send + Sync + 'static,
    V: DeserializeOwned,
{
    let row = body.map(serde_json::from_str).transpose()?;
    rows.load(id.parse()?, row);
    Ok(())
}
