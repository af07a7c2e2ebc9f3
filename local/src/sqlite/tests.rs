use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::{SqliteError, classify, open, open_in_memory, open_within};

const ID: i32 = 0x0050_5254;
const V1: &str = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT";
const V2: &str = "ALTER TABLE note ADD COLUMN author TEXT";

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("a scratch folder")
}

fn refused(path: &Path, migrations: &[&str]) -> SqliteError {
    open_within(path, ID, migrations, Duration::from_millis(50)).expect_err("it opened")
}

/// `Display` and `hint` are for people: neither repeats SQLite's message.
fn assert_for_people(error: &SqliteError, says: &str) {
    let text = error.to_string();
    assert!(text.contains(says), "{text}");
    let source = std::error::Error::source(error).map(ToString::to_string);
    assert!(
        source.is_none_or(|source| !text.contains(&source)),
        "{text}"
    );
    assert!(!error.hint().is_empty());
}

#[test]
fn opens_for_its_owner_alone_with_the_log_and_full_synchronisation() {
    let folder = scratch();
    let path = folder.path().join("made/for us/notes.db");
    let connection = open(&path, ID, &[V1]).unwrap();
    let pragma = |name: &str| -> String {
        let value: rusqlite::types::Value = connection
            .pragma_query_value(None, name, |row| row.get(0))
            .unwrap();
        format!("{value:?}")
    };
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma("synchronous"), "Integer(2)");
    assert_eq!(pragma("foreign_keys"), "Integer(1)");
    assert_eq!(pragma("busy_timeout"), "Integer(5000)");
    assert_eq!(pragma("application_id"), format!("Integer({ID})"));
    #[cfg(unix)]
    for (path, mode) in [
        (path.clone(), 0o600),
        (path.with_file_name("notes.db-wal"), 0o600),
        (folder.path().join("made"), 0o700),
        (folder.path().join("made/for us"), 0o700),
    ] {
        use std::os::unix::fs::PermissionsExt;
        let found = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{}", path.display());
    }
}

#[test]
fn migrates_what_is_there_and_keeps_its_rows() {
    let folder = scratch();
    let path = folder.path().join("notes.db");
    open(&path, ID, &[V1])
        .unwrap()
        .execute("INSERT INTO note VALUES (1, 'kept')", [])
        .unwrap();
    let connection = open(&path, ID, &[V1, V2]).unwrap();
    let text: String = connection
        .query_row("SELECT text FROM note WHERE author IS NULL", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(text, "kept");
}

#[test]
fn a_failed_migration_leaves_the_version_before_it() {
    let folder = scratch();
    let path = folder.path().join("notes.db");
    let error = refused(&path, &[V1, "CREATE TABLE half (x); SELECT nonsense"]);
    assert!(matches!(error, SqliteError::Other { .. }), "{error:?}");
    assert_for_people(&error, "did not do as asked");
    let connection = open(&path, ID, &[V1]).unwrap();
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn many_may_open_and_migrate_at_once() {
    for _ in 0..10 {
        let folder = scratch();
        let path = folder.path().join("new/notes.db");
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| open(&path, ID, &[V1, V2])))
                .collect();
            for thread in threads {
                thread.join().unwrap().unwrap();
            }
        });
    }
}

#[test]
fn a_database_in_memory_has_the_schema_too() {
    let connection = open_in_memory(&[V1, V2]).unwrap();
    connection
        .execute("INSERT INTO note VALUES (1, 'text', 'author')", [])
        .unwrap();
}

#[test]
fn locked() {
    let folder = scratch();
    let path = folder.path().join("notes.db");
    let ours = open_within(&path, ID, &[V1], Duration::from_millis(50)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = ours
        .execute("INSERT INTO note VALUES (1, 'text')", [])
        .unwrap_err();
    let error = classify(&path, error);
    assert!(matches!(error, SqliteError::Locked { .. }), "{error:?}");
    assert!(error.is_transient());
    assert_for_people(&error, "is in use by another process");
    drop(ours);

    // A file that another process has locked exclusively cannot be opened at all.
    let alone = folder.path().join("alone.db");
    let other = Connection::open(&alone).unwrap();
    other
        .execute_batch("BEGIN EXCLUSIVE; CREATE TABLE t (x)")
        .unwrap();
    let error = refused(&alone, &[V1]);
    assert!(matches!(error, SqliteError::Locked { .. }), "{error:?}");
}

#[test]
fn corrupt() {
    let folder = scratch();
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "no database. ".repeat(1000)).unwrap();
    let error = refused(&garbage, &[V1]);
    assert!(matches!(error, SqliteError::Corrupt { .. }), "{error:?}");
    assert_for_people(&error, "is damaged, or is not a database");
    assert!(
        std::fs::read(&garbage)
            .unwrap()
            .starts_with(b"no database. "),
        "it was changed"
    );

    let truncated = folder.path().join("truncated.db");
    let connection = open(&truncated, ID, &[V1]).unwrap();
    for id in 0..100 {
        connection
            .execute("INSERT INTO note VALUES (?, ?)", (id, "x".repeat(1000)))
            .unwrap();
    }
    drop(connection);
    let bytes = std::fs::read(&truncated).unwrap();
    for left in [5000, 100] {
        std::fs::write(&truncated, &bytes[..left]).unwrap();
        let error = refused(&truncated, &[V1]);
        assert!(
            matches!(error, SqliteError::Corrupt { .. }),
            "{left}: {error:?}"
        );
    }
}

#[test]
fn full() {
    let folder = scratch();
    let path = folder.path().join("notes.db");
    let connection = open(&path, ID, &[V1]).unwrap();
    connection
        .query_row("PRAGMA max_page_count = 4", [], |_| Ok(()))
        .unwrap();
    let error = connection
        .execute("INSERT INTO note VALUES (1, ?)", ["x".repeat(100_000)])
        .unwrap_err();
    let error = classify(&path, error);
    assert!(matches!(error, SqliteError::Full { .. }), "{error:?}");
    assert_for_people(&error, "no space left");
}

#[test]
fn newer() {
    let folder = scratch();
    let path = folder.path().join("notes.db");
    open(&path, ID, &[V1, V2]).unwrap();
    let error = refused(&path, &[V1]);
    assert!(
        matches!(
            error,
            SqliteError::Newer {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert_for_people(&error, "format 2, known up to 1");
}

#[test]
fn foreign() {
    let folder = scratch();
    for (name, sql, id) in [
        (
            "other.db",
            "PRAGMA application_id = 77; CREATE TABLE t (x)",
            77,
        ),
        ("anonymous.db", "CREATE TABLE t (x)", 0),
    ] {
        let path = folder.path().join(name);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = refused(&path, &[V1]);
        assert!(
            matches!(error, SqliteError::Foreign { found, .. } if found == id),
            "{error:?}"
        );
        assert_for_people(&error, "is a database of something else");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{name} was changed");
    }
}

#[test]
fn read_only() {
    let folder = scratch();
    let path = folder.path().join("notes.db");
    let connection = open(&path, ID, &[V1]).unwrap();
    connection.pragma_update(None, "query_only", true).unwrap();
    let error = connection
        .execute("INSERT INTO note VALUES (1, 'text')", [])
        .unwrap_err();
    let error = classify(&path, error);
    assert!(matches!(error, SqliteError::ReadOnly { .. }), "{error:?}");
    assert_for_people(&error, "cannot be written");

    let denied = super::classify_io(&path, std::io::ErrorKind::PermissionDenied.into());
    assert!(matches!(denied, SqliteError::ReadOnly { .. }), "{denied:?}");
}

#[test]
fn io() {
    let folder = scratch();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [
        folder.path().to_path_buf(),
        file.join("notes.db"),
        file.join("deep/notes.db"),
    ] {
        let error = refused(&path, &[V1]);
        assert!(matches!(error, SqliteError::Io { .. }), "{error:?}");
        assert_for_people(&error, "could not be reached");
    }
}
