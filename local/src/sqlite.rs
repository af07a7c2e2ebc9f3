//! Opens SQLite files. Durability, permissions, versions and errors are decided only here.
//!
//! A committed transaction survives both a killed process and a power failure: the write-ahead log is synchronised at
//! each commit (`synchronous = FULL`). With `NORMAL`, it would survive only a killed process. The stored data
//! includes the duty to start an instance again, which must not be lost in a power failure while the simulated cloud,
//! in its own file, still has the instance stopped.

mod holder;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior, ffi};

pub use holder::Holder;
pub(crate) use holder::of as holder_of;

/// How long a statement waits for another process's transaction, in seconds.
pub const BUSY_TIMEOUT_S: u64 = 5;
/// The number of attempts to switch to the write-ahead log while other processes open the same file.
const WAL_ATTEMPTS: u32 = 100;
/// The number of prepared statements that a connection keeps.
const STATEMENTS: usize = 64;
const MEMORY: &str = ":memory:";

/// What SQLite or the file system reported.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a database cannot be used. `Display` is a sentence for people, without the source; [`SqliteError::hint`] says
/// what to do.
#[derive(Debug, thiserror::Error)]
pub enum SqliteError {
    /// Another process kept the database locked for longer than [`BUSY_TIMEOUT_S`].
    #[error("the database {} is in use by {}", path.display(), named(holder.as_ref()))]
    Locked {
        path: PathBuf,
        /// That process, if the operating system reports it.
        holder: Option<Holder>,
        source: Cause,
    },
    /// The file is damaged, or is not a database.
    #[error("the database {} is damaged, or is not a database", path.display())]
    Corrupt { path: PathBuf, source: Cause },
    #[error("there is no space left for the database {}", path.display())]
    Full { path: PathBuf, source: Cause },
    #[error(
        "the database {} was written by a newer version of Prism (format {found}, known up to {known})",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    /// It is a database of another program, or a different database of Prism's.
    #[error("the file {} is a database of something else", path.display())]
    Foreign {
        path: PathBuf,
        /// The application ID in the file; 0 if there is none.
        found: i32,
    },
    /// The file or its folder is not writable.
    #[error("the database {} cannot be written", path.display())]
    ReadOnly { path: PathBuf, source: Cause },
    /// The file could not be reached, read or written.
    #[error("the database {} could not be reached", path.display())]
    Io { path: PathBuf, source: Cause },
    /// Any other error, such as a statement that SQLite rejects: a bug in this program.
    #[error("the database {} did not do as asked", path.display())]
    Other { path: PathBuf, source: Cause },
}

impl SqliteError {
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::Locked {
                holder: Some(holder),
                ..
            } => return holder.hint(),
            Self::Locked { holder: None, .. } => {
                "wait until the other command is done and try again; let a suspended one go on with \"fg\" or \"kill -CONT PID\", or end the process that holds the file"
            }
            Self::Corrupt { .. } => {
                "check that the path is right; if it is, move the file aside, with its -wal and -shm files, and restore a copy or start with an empty one"
            }
            Self::Full { .. } => "free some space on that disk and try again; nothing was lost",
            Self::Newer { .. } => "update prism, or use another folder for its data",
            Self::Foreign { .. } => "check the path, or use another folder for Prism's data",
            Self::ReadOnly { .. } => {
                "give yourself the right to write the file and its folder, or use another folder for Prism's data"
            }
            Self::Io { .. } => "check that the folder exists, and that its disk works",
            Self::Other { .. } => {
                "this is a mistake in Prism; please report it with the lines above"
            }
        };
        hint.to_owned()
    }

    /// Whether the same call may succeed later without intervention.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Locked { .. })
    }
}

/// Opens the database at `path`. If it does not exist, it is created, readable only by its owner. The n-th migration
/// takes the schema from version n to n + 1. Each migration runs once, in its own transaction, even if several
/// processes open the file at the same time.
///
/// A file that has a newer version, belongs to another application or is not a database is refused without changes.
pub fn open(
    path: &Path,
    application_id: i32,
    migrations: &[&str],
) -> Result<Connection, SqliteError> {
    let busy_timeout = Duration::from_secs(BUSY_TIMEOUT_S);
    open_within(path, application_id, migrations, busy_timeout)
}

/// Opens a database in memory, for this connection only.
pub fn open_in_memory(migrations: &[&str]) -> Result<Connection, SqliteError> {
    let path = Path::new(MEMORY);
    let mut connection = Connection::open_in_memory().map_err(|error| classify(path, error))?;
    configure(&connection)
        .and_then(|()| migrate(&mut connection, 0, migrations))
        .map_err(|error| classify(path, error))?;
    Ok(connection)
}

/// Classifies an SQLite error about the database at `path` by what a user can do about it.
pub fn classify(path: &Path, error: rusqlite::Error) -> SqliteError {
    let (code, extended) = match &error {
        rusqlite::Error::SqliteFailure(failure, _) => (failure.code, failure.extended_code),
        // A value that Prism would never have written.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => (ErrorCode::DatabaseCorrupt, 0),
        _ => (ErrorCode::Unknown, 0),
    };
    let path = path.to_path_buf();
    let source = Cause::from(error);
    match (code, extended) {
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => {
            // With a write-ahead log, the locks are on its index file.
            let holder = holder::of(&[beside(&path, "-shm"), path.clone()]);
            SqliteError::Locked {
                path,
                holder,
                source,
            }
        }
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _)
        | (_, ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_DATA) => {
            SqliteError::Corrupt { path, source }
        }
        // The shared index of the log could not grow: this is a full disk in another form.
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => {
            SqliteError::Full { path, source }
        }
        (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => {
            SqliteError::ReadOnly { path, source }
        }
        (
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport,
            _,
        ) => SqliteError::Io { path, source },
        _ => SqliteError::Other { path, source },
    }
}

fn named(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), Holder::to_string)
}

/// A file that SQLite keeps beside a database.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Like [`open`], with the caller's busy timeout.
fn open_within(
    path: &Path,
    application_id: i32,
    migrations: &[&str],
    busy_timeout: Duration,
) -> Result<Connection, SqliteError> {
    create(path).map_err(|error| classify_io(path, error))?;
    let classify = |error| classify(path, error);
    let mut connection = Connection::open(path).map_err(classify)?;
    connection.busy_timeout(busy_timeout).map_err(classify)?;
    recognise(&connection, path, application_id, migrations.len())?;
    use_write_ahead_log(&connection).map_err(classify)?;
    configure(&connection).map_err(classify)?;
    migrate(&mut connection, application_id, migrations).map_err(classify)?;
    // Another process may have migrated the file to a newer version since the first check.
    recognise(&connection, path, application_id, migrations.len())?;
    Ok(connection)
}

/// Creates the file and its folder if they do not exist, accessible only to their owner. SQLite gives its log the
/// permissions of the file.
pub(crate) fn create(path: &Path) -> std::io::Result<()> {
    // Closing a file releases every lock that this process holds on it (POSIX). So no other thread may open the file
    // between its creation and the end of this function.
    static CREATING: Mutex<()> = Mutex::new(());
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);

    let mut folder = std::fs::DirBuilder::new();
    let mut file = std::fs::OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        folder.mode(0o700);
        file.mode(0o600);
    }
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        folder.recursive(true).create(parent)?;
    }
    match file.write(true).create_new(true).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Refuses a file that is not Prism's, before anything in it is changed.
fn recognise(
    connection: &Connection,
    path: &Path,
    application_id: i32,
    known: usize,
) -> Result<(), SqliteError> {
    // One statement, so that no migration of another process happens between the three reads.
    let (found, version, tables): (i32, i64, i64) = connection
        .query_row(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
             FROM pragma_application_id, pragma_user_version",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .map_err(|error| classify(path, error))?;
    let fresh = found == 0 && version == 0 && tables == 0;
    if (found != application_id || version < 0) && !fresh {
        let path = path.to_path_buf();
        return Err(SqliteError::Foreign { path, found });
    }
    let known = i64::try_from(known).unwrap_or(i64::MAX);
    if version > known {
        return Err(SqliteError::Newer {
            path: path.to_path_buf(),
            found: version,
            known,
        });
    }
    Ok(())
}

/// With a write-ahead log, readers can continue while one process writes.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    for _ in 1..WAL_ATTEMPTS {
        let switched = connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()));
        match switched {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                // If two processes switch at once, SQLite returns an error to one of them without waiting. This
                // statement waits for the other process, up to the busy timeout.
                connection.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
            }
            done => return done,
        }
    }
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;",
    )
}

fn migrate(
    connection: &mut Connection,
    application_id: i32,
    migrations: &[&str],
) -> rusqlite::Result<()> {
    for (version, migration) in (0_i64..).zip(migrations) {
        if user_version(connection)? > version {
            continue;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have run the migration before this one got the lock.
        if user_version(&transaction)? == version {
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", version + 1)?;
            transaction.pragma_update(None, "application_id", application_id)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

fn user_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

pub(crate) fn classify_io(path: &Path, error: std::io::Error) -> SqliteError {
    use std::io::ErrorKind;
    let path = path.to_path_buf();
    let kind = error.kind();
    let source = Cause::from(error);
    match kind {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            SqliteError::ReadOnly { path, source }
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => SqliteError::Full { path, source },
        _ => SqliteError::Io { path, source },
    }
}

#[cfg(test)]
mod tests;
