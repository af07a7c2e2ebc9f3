//! Measures the speed of the table: `cargo test --release -p prism-local speed -- --ignored --nocapture`.
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::time::Instant;

use futures::executor::block_on;
use prism_functions::ports::{Change, Condition, Index, Key, Table as _, Write};
use serde_json::json;

use super::{put, query};
use crate::store::SqliteTable;

/// Runs `operation` `times` times, and prints how often per second it ran.
fn measure(name: &str, times: u32, mut operation: impl FnMut(u32)) {
    let start = Instant::now();
    (0..times).for_each(&mut operation);
    let per_s = f64::from(times) / start.elapsed().as_secs_f64();
    println!("{name}: {per_s:.0} a second");
}

fn measure_all(place: &str, table: &SqliteTable, writes: u32) {
    let key = |n: u32| (format!("save#{}", n % 200), format!("step#{n:06}"));
    measure(&format!("{place}: put, indexed"), writes, |n| {
        let (pk, sk) = key(n);
        let item = json!({"gsi1pk": "open", "gsi1sk": sk, "state": "running", "instance": "i-0abc",
            "note": "x".repeat(200), "n": n});
        block_on(table.transact(&[put(&pk, &sk, item)])).unwrap();
    });
    measure(&format!("{place}: conditional update"), writes, |n| {
        let (pk, sk) = key(n);
        let change = vec![Change::Add("n".to_owned(), 1)];
        let unchanged = Condition::Equals("n".to_owned(), json!(n));
        block_on(table.transact(&[Write::Update(Key::new(pk, sk), change, unchanged)])).unwrap();
    });
    measure(&format!("{place}: get"), 100_000, |n| {
        let (pk, sk) = key(n % writes);
        assert!(block_on(table.get(&Key::new(pk, sk))).unwrap().is_some());
    });
    let mut page = query(Index::Gsi1, "open");
    page.limit = 25;
    measure(&format!("{place}: page of 25 from an index"), 2_000, |_| {
        let answer = block_on(table.query(&page)).unwrap();
        page.cursor = answer.cursor;
    });
}

#[test]
#[ignore = "a measurement, of use in release alone"]
fn speed() {
    measure_all("memory", &SqliteTable::in_memory().unwrap(), 50_000);
    let folder = tempfile::tempdir_in(".").unwrap();
    let table = SqliteTable::open(&folder.path().join("table.db")).unwrap();
    measure_all("file", &table, 2_000);
}
