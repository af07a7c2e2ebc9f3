//! The embedded table fulfils the contract, in memory and in a file.

use std::cell::Cell;
use std::sync::Arc;

use prism_functions::ports::Table;
use prism_local::clock::WallClock;
use prism_local::store::{MemoryTable, SqliteTable};
use prism_tests::contract::table::{Fixture, check_all};

fn fixture(table: impl Table + 'static) -> Fixture {
    Fixture {
        table: Arc::new(table),
        clock: Arc::new(WallClock::real()),
    }
}

#[tokio::test]
async fn the_table_in_memory_keeps_the_contract() {
    check_all(async || fixture(SqliteTable::in_memory().unwrap())).await;
}

#[tokio::test]
async fn the_table_without_sqlite_keeps_the_contract() {
    check_all(async || fixture(MemoryTable::default())).await;
}

#[tokio::test]
async fn the_table_in_a_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let files = Cell::new(0);
    check_all(async || {
        files.set(files.get() + 1);
        let path = folder.path().join(format!("{}.db", files.get()));
        fixture(SqliteTable::open(&path).unwrap())
    })
    .await;
}
