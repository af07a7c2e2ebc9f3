//! The records of executions: their state, their histories, the notices of their saves, and the settings of the
//! embedded cloud.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::SecondsFormat;
use prism_functions::domain::Timestamp;
use prism_functions::ports::{Execution, ExecutionStatus, Notice};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::sqlite::{self, SqliteError};

/// "PrLo": marks the embedded cloud's own file.
const APPLICATION_ID: i32 = 0x5072_4c6f;

const MIGRATIONS: &[&str] = &["
    CREATE TABLE executions (
        name TEXT PRIMARY KEY,
        status TEXT NOT NULL,
        input TEXT NOT NULL,
        output TEXT,
        error TEXT,
        cause TEXT,
        started_at TEXT NOT NULL,
        stopped_at TEXT,
        adopted INTEGER NOT NULL,
        made_unix_s INTEGER NOT NULL DEFAULT (unixepoch())
    ) STRICT;
    CREATE TABLE events (
        execution TEXT NOT NULL REFERENCES executions (name) ON DELETE CASCADE,
        id INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (execution, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE notices (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE settings (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
"];

/// As in Step Functions, an execution that has ended is deleted after this many real days, and its name is free
/// again.
const KEPT_DAYS: i64 = 90;

/// The file of the embedded cloud's own records.
#[derive(Debug, Clone)]
pub struct Records {
    connection: Arc<Mutex<Connection>>,
    path: Arc<Path>,
}

impl Records {
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        let connection = sqlite::open(path, APPLICATION_ID, MIGRATIONS)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            path: path.into(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, SqliteError> {
        act(&self.lock()).map_err(|error| sqlite::classify(&self.path, error))
    }

    /// Writes the record of a new execution; returns false if there is already one with that name.
    pub(super) fn insert(
        &self,
        name: &str,
        input: &Value,
        adopted: bool,
        at: Timestamp,
    ) -> Result<bool, SqliteError> {
        self.with(|connection| {
            let old = "DELETE FROM executions WHERE status <> 'RUNNING' AND made_unix_s < unixepoch() - ?1 * 86400";
            connection.prepare_cached(old)?.execute([KEPT_DAYS])?;
            let new = "INSERT INTO executions (name, status, input, started_at, adopted) VALUES (?1, 'RUNNING', ?2, ?3, ?4) ON CONFLICT DO NOTHING";
            let rows = connection.prepare_cached(new)?.execute(params![name, input.to_string(), text(at), adopted])?;
            Ok(rows == 1)
        })
    }

    pub(super) fn adopt(&self, name: &str) -> Result<(), SqliteError> {
        self.with(|connection| {
            connection
                .prepare_cached("UPDATE executions SET adopted = 1 WHERE name = ?1")?
                .execute([name])?;
            Ok(())
        })
    }

    pub(super) fn is_adopted(&self, name: &str) -> Result<bool, SqliteError> {
        self.with(|connection| {
            let mut found =
                connection.prepare_cached("SELECT adopted FROM executions WHERE name = ?1")?;
            Ok(found
                .query_row([name], |row| row.get(0))
                .optional()?
                .unwrap_or(false))
        })
    }

    /// Whether the execution was handed over less than `within_s` real seconds ago and no process has taken it over
    /// yet.
    pub(super) fn awaits_adoption(&self, name: &str, within_s: u64) -> Result<bool, SqliteError> {
        self.with(|connection| {
            let query = "SELECT adopted = 0 AND made_unix_s > unixepoch() - ?2 FROM executions WHERE name = ?1";
            let mut found = connection.prepare_cached(query)?;
            Ok(found.query_row(params![name, within_s.cast_signed()], |row| row.get(0)).optional()?.unwrap_or(false))
        })
    }

    pub fn read(&self, name: &str) -> Result<Option<Execution>, SqliteError> {
        self.with(|connection| {
            let query = "SELECT name, status, input, output, error, cause, started_at, stopped_at FROM executions WHERE name = ?1";
            connection.prepare_cached(query)?.query_row([name], execution).optional()
        })
    }

    /// Ends a running execution; one that has ended stays unchanged.
    pub(super) fn end(&self, ended: &Execution) -> Result<(), SqliteError> {
        self.with(|connection| {
            let update = "UPDATE executions SET status = ?2, output = ?3, error = ?4, cause = ?5, stopped_at = ?6 WHERE name = ?1 AND status = 'RUNNING'";
            connection.prepare_cached(update)?.execute(params![
                ended.name,
                ended.status.into_str(),
                ended.output.as_ref().map(ToString::to_string),
                ended.error,
                ended.cause,
                ended.stopped_at.map(text),
            ])?;
            Ok(())
        })
    }

    pub(super) fn end_aborted(
        &self,
        name: &str,
        cause: &str,
        at: Timestamp,
    ) -> Result<(), SqliteError> {
        self.end(&Execution {
            name: name.to_owned(),
            status: ExecutionStatus::Aborted,
            input: Value::Null,
            output: None,
            error: None,
            cause: Some(cause.to_owned()),
            started_at: at,
            stopped_at: Some(at),
        })
    }

    pub(super) fn add_event(
        &self,
        execution: &str,
        id: u64,
        body: &Value,
    ) -> Result<(), SqliteError> {
        self.with(|connection| {
            let insert = "INSERT OR REPLACE INTO events (execution, id, body) VALUES (?1, ?2, ?3)";
            connection.prepare_cached(insert)?.execute(params![
                execution,
                id.cast_signed(),
                body.to_string()
            ])?;
            Ok(())
        })
    }

    /// The history of an execution, in AWS's event format, oldest event first.
    pub fn history(&self, execution: &str) -> Result<Vec<Value>, SqliteError> {
        self.with(|connection| {
            let mut query = connection
                .prepare_cached("SELECT body FROM events WHERE execution = ?1 ORDER BY id")?;
            let rows = query.query_map([execution], |row| json(row, 0))?;
            rows.collect()
        })
    }

    fn text_of(&self, value: &impl Serialize) -> Result<String, SqliteError> {
        serde_json::to_string(value).map_err(|error| SqliteError::Other {
            path: self.path.to_path_buf(),
            source: Box::new(error),
        })
    }

    pub(crate) fn add_notice(&self, body: &impl Serialize) -> Result<(), SqliteError> {
        let body = self.text_of(body)?;
        self.with(|connection| {
            connection
                .prepare_cached("INSERT INTO notices (body) VALUES (?1)")?
                .execute([body])?;
            Ok(())
        })
    }

    /// The newest notices since the last call with this mark, at most so many, oldest first. The first call returns none.
    /// Of several processes that call it at once, one gets them.
    pub(crate) fn new_notices(&self, mark: &str, most: u32) -> Result<Vec<Notice>, SqliteError> {
        self.with(|connection| {
            let last: i64 =
                connection.query_row("SELECT COALESCE(MAX(id), 0) FROM notices", [], |row| {
                    row.get(0)
                })?;
            let known = "SELECT body FROM settings WHERE name = ?1";
            let known: Option<String> = connection
                .query_row(known, [mark], |row| row.get(0))
                .optional()?;
            let Some(known) = known else {
                let first = "INSERT OR IGNORE INTO settings (name, body) VALUES (?1, ?2)";
                connection.execute(first, params![mark, last.to_string()])?;
                return Ok(Vec::new());
            };
            let take = "UPDATE settings SET body = ?2 WHERE name = ?1 AND body = ?3";
            let taken = connection.execute(take, params![mark, last.to_string(), known])?;
            if taken == 0 {
                return Ok(Vec::new());
            }
            let new =
                "SELECT body FROM notices WHERE id > ?1 AND id <= ?2 ORDER BY id DESC LIMIT ?3";
            let mut query = connection.prepare_cached(new)?;
            let after: i64 = parsed(0, &known)?;
            let rows = query.query_map(params![after, last, most], |row| {
                let body: String = row.get(0)?;
                parsed(0, &body)
            })?;
            let mut notices = rows.collect::<rusqlite::Result<Vec<Notice>>>()?;
            notices.reverse();
            Ok(notices)
        })
    }

    /// A setting. If its value cannot be read, the file counts as damaged.
    pub(crate) fn setting<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, SqliteError> {
        let body: Option<String> = self.with(|connection| {
            let mut query =
                connection.prepare_cached("SELECT body FROM settings WHERE name = ?1")?;
            query.query_row([name], |row| row.get(0)).optional()
        })?;
        match body {
            None => Ok(None),
            Some(body) => {
                serde_json::from_str(&body)
                    .map(Some)
                    .map_err(|error| SqliteError::Corrupt {
                        path: self.path.to_path_buf(),
                        source: Box::new(error),
                    })
            }
        }
    }

    pub(crate) fn set_setting(
        &self,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), SqliteError> {
        let body = self.text_of(value)?;
        self.with(|connection| {
            let write = "INSERT INTO settings (name, body) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET body = excluded.body";
            connection.prepare_cached(write)?.execute([name, body.as_str()])?;
            Ok(())
        })
    }
}

fn text(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn execution(row: &Row<'_>) -> rusqlite::Result<Execution> {
    let status: String = row.get(1)?;
    let output: Option<String> = row.get(3)?;
    Ok(Execution {
        name: row.get(0)?,
        status: parsed(1, &format!("\"{status}\""))?,
        input: json(row, 2)?,
        output: output.map(|output| parsed(3, &output)).transpose()?,
        error: row.get(4)?,
        cause: row.get(5)?,
        started_at: instant(row, 6)?.unwrap_or_default(),
        stopped_at: instant(row, 7)?,
    })
}

fn json(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text: String = row.get(column)?;
    parsed(column, &text)
}

fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parsed(column, &format!("\"{text}\"")))
        .transpose()
}

fn parsed<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}
