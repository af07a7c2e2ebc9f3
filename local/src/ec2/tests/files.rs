//! The cloud in a file: several handles, several threads, and files that cannot be used.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use prism_functions::domain::InstanceId;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::ports::{Ec2, ImageState};

use super::{ManualClock, World, account, region};
use crate::ec2::{Cloud, CloudError, InstanceSpec, Settings};
use crate::sqlite::SqliteError;

fn opened(path: &Path, clock: &Arc<ManualClock>) -> World {
    let cloud = Cloud::open(path, clock.clone()).unwrap();
    World::around(cloud, clock.clone())
}

#[test]
fn two_handles_of_one_file_see_the_same_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.sqlite3");
    let clock = ManualClock::new();
    let (a, b) = (opened(&path, &clock), opened(&path, &clock));
    let id = a.running();
    assert_eq!(b.state(&id), InstanceState::Running);
    b.stop(&id).unwrap();
    assert_eq!(a.state(&id), InstanceState::Stopping);
    a.wait(20);
    let image = a.image_of(&id, "shared").unwrap();
    a.wait(3600);
    assert_eq!(b.image(&image).state, ImageState::Available);
    let snapshot = b.snapshots("shared").remove(0).id;
    block_on(b.ec2.deregister_image(&b.region, &image)).unwrap();
    block_on(a.ec2.delete_snapshot(&a.region, &snapshot)).unwrap();
    assert!(b.snapshots("shared").is_empty());
    assert_eq!(a.cloud.events().unwrap(), b.cloud.events().unwrap());
    // A third handle that is opened later finds the same data.
    let c = opened(&path, &clock);
    assert_eq!(c.cloud.events().unwrap(), a.cloud.events().unwrap());
    assert_eq!(c.admin.inventory().unwrap(), a.admin.inventory().unwrap());
}

#[test]
fn threads_do_not_lose_each_others_changes() {
    const EACH: usize = 12;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.sqlite3");
    let clock = ManualClock::new();
    let worker = || {
        let w = opened(&path, &clock);
        let spec = InstanceSpec::named("lab");
        let add = |_| w.admin.add_instance(&w.region, &spec).unwrap();
        let ids: Vec<InstanceId> = (0..EACH).map(add).collect();
        for id in &ids {
            w.admin.stop(id).unwrap();
        }
        ids
    };
    let ids: Vec<InstanceId> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
        let joined = threads.into_iter().map(|t| t.join().unwrap());
        joined.flatten().collect()
    });
    clock.forward(Duration::from_secs(20));
    let w = opened(&path, &clock);
    let left = w.admin.inventory().unwrap().instances;
    assert_eq!(left.len(), 4 * EACH);
    assert!(left.iter().all(|(_, i)| i.state == InstanceState::Stopped));
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
    let numbers: Vec<u64> = w.cloud.events().unwrap().iter().map(|e| e.number).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
}

#[test]
fn calls_that_only_ask_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.sqlite3");
    let clock = ManualClock::new();
    let w = opened(&path, &clock);
    let id = w.running();
    let count = || -> i64 {
        let file = rusqlite::Connection::open(&path).unwrap();
        let query = "SELECT n FROM generation";
        file.query_row(query, [], |row| row.get(0)).unwrap()
    };
    let before = count();
    for _ in 0..10 {
        assert_eq!(w.state(&id), InstanceState::Running);
    }
    assert_eq!(count(), before);
    w.stop(&id).unwrap();
    assert_eq!(count(), before + 1);
}

#[test]
fn settings_and_planned_failures_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.sqlite3");
    let clock = ManualClock::new();
    let w = opened(&path, &clock);
    w.cloud.set_settings(Settings::instant()).unwrap();
    w.admin.deny("StopInstances").unwrap();
    let again = opened(&path, &clock);
    assert_eq!(again.cloud.settings().unwrap(), Settings::instant());
    let id = again.running();
    assert_eq!(super::code(again.stop(&id)), "UnauthorizedOperation");
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.sqlite3");
    let clock = ManualClock::new();
    drop(opened(&path, &clock));
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute(
        "INSERT INTO entity VALUES ('instance', 'i-00000000000000001', 99, '{}')",
        [],
    )
    .unwrap();
    let broken = Cloud::open(&path, clock.clone()).unwrap_err();
    assert!(matches!(broken, CloudError::Row { .. }), "{broken}");
    assert!(broken.to_string().contains("i-00000000000000001"));
    file.pragma_update(None, "user_version", 99).unwrap();
    let newer = Cloud::open(&path, clock.clone()).unwrap_err();
    assert!(matches!(newer, CloudError::File(SqliteError::Newer { .. })));

    std::fs::write(&path, "not a database, and long enough to be seen as none").unwrap();
    let _ = std::fs::remove_file(folder.path().join("cloud.sqlite3-wal"));
    let corrupt = Cloud::open(&path, clock).unwrap_err();
    assert!(matches!(corrupt, CloudError::File(_)), "{corrupt}");
}

#[test]
fn a_locked_file_is_a_service_that_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.sqlite3");
    let clock = ManualClock::new();
    let w = opened(&path, &clock);
    let id = w.running();
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = block_on(w.ec2.stop_instance(&region("us-east-1"), &id)).unwrap_err();
    assert_eq!(locked.code, "Unavailable");
    file.execute_batch("ROLLBACK").unwrap();
    assert_eq!(w.state(&id), InstanceState::Running);
    assert_eq!(w.ec2.account(), &account('1'));
}
