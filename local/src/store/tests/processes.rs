//! Concurrent access: by threads, by several handles on one file, and by processes, one of which is killed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use futures::executor::block_on;
use prism_functions::ports::{Change, Condition, Key, Table as _, TableError, Write};
use serde_json::{Value, json};

use crate::store::SqliteTable;

const FILE: &str = "counted.db";
const STEPS: i64 = 200;
const CHILDREN: i64 = 4;

fn counter() -> Key {
    Key::new("counter", "1")
}

fn count(table: &SqliteTable) -> i64 {
    let item = block_on(table.get(&counter())).unwrap();
    item.map_or(0, |item| item.attributes["count"].as_i64().unwrap())
}

/// Increments the counter: reads it, and writes only if nobody else has written in between. The second write of the
/// transaction must never be visible without the first.
fn step(table: &SqliteTable) -> i64 {
    let log = Key::new("log", "1");
    for _ in 0..100_000 {
        let seen = count(table);
        let unchanged = match seen {
            0 => Condition::ItemAbsent,
            _ => Condition::Equals("count".to_owned(), json!(seen)),
        };
        let set = Change::Set("count".to_owned(), json!(seen + 1));
        let add = Change::Add("count".to_owned(), 1);
        let writes = [
            Write::Update(counter(), vec![set], unchanged),
            Write::Update(log.clone(), vec![add], Condition::Always),
        ];
        match block_on(table.transact(&writes)) {
            Ok(()) => return seen + 1,
            Err(TableError::ConditionFailed { write: 0 }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("it never got its turn");
}

fn assert_counted(table: &SqliteTable, expected: i64) {
    assert_eq!(count(table), expected);
    let log = block_on(table.get(&Key::new("log", "1"))).unwrap().unwrap();
    assert_eq!(log.attributes["count"], Value::from(expected));
}

#[test]
fn threads_with_two_handles_on_one_file_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let handles = [FILE, FILE].map(|file| SqliteTable::open(&folder.path().join(file)).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let table = &handles[thread % 2];
            scope.spawn(move || (0..100).map(|_| step(table)).max());
        }
    });
    assert_counted(&handles[0], 800);
    assert_counted(&handles[1], 800);
}

/// Starts this test binary so that it runs [`child`] in the folder.
fn spawn(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::tests::processes::child",
            "--ignored",
            "--nocapture",
        ])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The code that the child processes below run. Without a prepared folder it does nothing.
#[test]
#[ignore = "run by the tests below, in processes of its own"]
fn child() {
    if std::fs::exists("start").unwrap() {
        let table = SqliteTable::open(Path::new(FILE)).unwrap();
        for _ in 0..STEPS {
            println!("counted {}", step(&table));
        }
    }
}

fn scratch() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("start"), "").unwrap();
    folder
}

#[test]
fn processes_that_make_and_write_one_file_at_once_lose_nothing() {
    let folder = scratch();
    let children: Vec<_> = (0..CHILDREN).map(|_| spawn(folder.path())).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    let table = SqliteTable::open(&folder.path().join(FILE)).unwrap();
    assert_counted(&table, CHILDREN * STEPS);
}

#[test]
fn a_killed_process_loses_nothing_that_it_had_written() {
    for lines in [1, 20, 60] {
        let folder = scratch();
        let mut child = spawn(folder.path());
        let output = BufReader::new(child.stdout.take().unwrap());
        let last = output
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.rsplit_once("counted ")?.1.parse::<i64>().ok())
            .nth(lines)
            .expect("it counts further than that");
        child.kill().unwrap();
        child.wait().unwrap();
        let table = SqliteTable::open(&folder.path().join(FILE)).unwrap();
        let kept = count(&table);
        assert!(kept >= last, "{kept} of {last}");
        assert_counted(&table, kept);
    }
}
