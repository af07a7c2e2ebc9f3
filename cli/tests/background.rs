//! Saves that outlive the command that started them, and commands that die.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command};

use chrono::TimeDelta;
use common::{Answer, FAST, Prism, SERVED, SLOW, answer};
use prism_functions::domain::ec2::InstanceState;
use prism_functions::ports::{Condition, Item, Key, Table as _, Write};
use prism_local::Embedded;
use prism_local::store::SqliteTable;
use serde_json::{Value, json};

/// A cloud with a running instance. Its time runs slowly enough afterwards for a test to act between two events.
fn slow_box() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["local", "speed", SLOW]);
    prism
}

fn held(instance: &Value) -> bool {
    !instance["save_id"].is_null()
}

fn down(instance: &Value) -> bool {
    held(instance) && instance["state"] != "running"
}

fn save_id(instance: &Value) -> String {
    instance["save_id"].as_str().unwrap().to_owned()
}

fn signal(child: &Child, name: &str) {
    let done = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(done.unwrap().success());
}

fn end(child: Child) -> Answer {
    answer(&child.wait_with_output().unwrap())
}

#[test]
fn a_save_in_the_background_is_watched_to_its_end() {
    let prism = slow_box();
    let begun = prism
        .run(&["save", "box", "box-env", "--no-wait", "--json"])
        .json();
    assert_eq!(begun["state"], "running");
    let id = begun["save_id"].as_str().unwrap();
    assert_eq!(begun["next_command"], format!("prism saves watch {id}"));
    let watched = prism.run(&["saves", "watch", id, "--json"]).json();
    assert_eq!(watched["state"], "succeeded");
    assert_eq!(watched["version"], 1);
    // Watching a save that has ended reports the result at once.
    assert_eq!(prism.run(&["saves", "watch", id, "--json"]).json(), watched);
}

#[test]
fn one_save_at_a_time_and_one_for_each_request_id() {
    let prism = slow_box();
    let save = [
        "save",
        "box",
        "box-env",
        "--no-wait",
        "--json",
        "--request-id",
        "tonight",
    ];
    let first = prism.run(&save).json();
    let id = first["save_id"].as_str().unwrap();
    // While the instance is down, and when it is back and the AMI is being completed.
    prism.until("box", down);
    // Slower, so that the AMI is not completed before the instance is found to be back.
    prism.ok(&["local", "speed", "5"]);
    assert_eq!(prism.run(&save).json()["save_id"], id);
    prism.until("box", |instance| instance["state"] == "running");
    assert_eq!(prism.run(&save).json()["save_id"], id);
    let other = prism.run(&["save", "box", "box-env"]);
    assert_eq!(other.code, 1);
    other.says("error[SaveInProgress]:");
    other.says(id);
    for change in ["stop", "start"] {
        let refused = prism.refused(&[change, "box"]);
        assert_eq!(refused, ("InstanceBusy".to_owned(), 1));
    }
    prism.ok(&["local", "speed", SLOW]);
    let waited = [
        "save",
        "box",
        "box-env",
        "--json",
        "--request-id",
        "tonight",
    ];
    assert_eq!(prism.run(&waited).json()["save_id"], id);
    // After the save has ended, the request ID still returns the same save, and a different request with it is refused.
    assert_eq!(prism.run(&waited).json()["version"], 1);
    let reused = [
        "save",
        "box",
        "box-env",
        "--public",
        "--request-id",
        "tonight",
    ];
    assert_eq!(prism.refused(&reused), ("RequestIdReused".to_owned(), 2));
    let list = prism.run(&["saves", "list", "--json"]).json();
    assert_eq!(list["saves"].as_array().unwrap().len(), 1);
}

#[test]
fn a_cancelled_save_leaves_a_running_instance_and_no_template() {
    let prism = slow_box();
    prism.ok(&["save", "box", "box-env", "--no-wait"]);
    let id = save_id(&prism.until("box", down));
    assert_eq!(
        prism.refused(&["--as", "bob", "saves", "cancel", &id]).0,
        "SaveNotFound"
    );
    let cancelled = prism
        .run(&["saves", "cancel", &id, "--wait", "--json"])
        .json();
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(prism.state("box"), "running");
    assert!(!prism.ok(&["templates"]).contains("box-env"));
    assert_eq!(
        prism.refused(&["saves", "cancel", &id]),
        ("SaveEnded".to_owned(), 1)
    );
    let watched = prism.run(&["saves", "watch", &id]);
    assert_eq!(watched.code, 1);
    watched.says("error[SaveCancelled]:");
    watched.says("box is running again");
}

#[test]
fn a_killed_save_is_put_back_by_whoever_comes_next() {
    let prism = slow_box();
    let mut child = prism.spawn(&["save", "box", "box-env"]);
    let id = save_id(&prism.until("box", down));
    child.kill().unwrap();
    child.wait().unwrap();
    if SERVED {
        // The command only watched, so the save continues without it.
        let watched = prism.run(&["saves", "watch", &id, "--json"]).json();
        assert_eq!(watched["state"], "succeeded");
        return;
    }
    let list = prism.run(&["list"]);
    assert_eq!(list.code, 0);
    let note = format!("note: {id} was interrupted and is being rolled back");
    list.says(&note);
    prism.until("box", |instance| {
        !held(instance) && instance["state"] == "running"
    });
    let watched = prism.run(&["--json", "saves", "watch", &id]);
    assert_eq!(watched.code, 1);
    assert_eq!(watched.error()["code"], "SaveInterrupted");
    prism.ok(&["save", "box", "box-env"]);
}

/// Suspends a process while it is not in a transaction.
fn suspend(prism: &Prism, child: &Child) {
    let is_free = |name: &str| {
        let database = rusqlite::Connection::open(prism.home().join(name)).unwrap();
        database.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok()
    };
    for _ in 0..100 {
        signal(child, "-STOP");
        if ["cloud.db", "registry.db", "local.db"]
            .into_iter()
            .all(is_free)
        {
            return;
        }
        signal(child, "-CONT");
    }
    panic!("it is always in a transaction");
}

/// No program can catch this signal. The lease shows that the process makes no progress.
#[test]
fn a_suspended_save_is_put_back_by_whoever_comes_next() {
    if SERVED {
        return; // The server carries the save out.
    }
    let prism = slow_box();
    let child = prism.spawn(&["save", "box", "box-env"]);
    let id = save_id(&prism.until("box", down));
    suspend(&prism, &child);
    // Make the leases look old.
    for lease in std::fs::read_dir(prism.home().join("leases")).unwrap() {
        let lease = std::fs::File::options()
            .write(true)
            .open(lease.unwrap().path());
        lease.unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    let list = prism.run(&["list"]);
    let note = format!("note: {id} was interrupted and is being rolled back");
    list.says(&note);
    prism.until("box", |instance| {
        !held(instance) && instance["state"] == "running"
    });
    signal(&child, "-CONT");
    let ended = end(child);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!(prism.state("box"), "running");
    let watched = prism.run(&["--json", "saves", "watch", &id]);
    assert_eq!(watched.error()["code"], "SaveInterrupted");
}

#[test]
fn a_save_that_is_told_to_go_leaves_itself_to_the_background() {
    let prism = slow_box();
    for name in ["-TERM", "-INT", "-HUP", "-TSTP"] {
        let child = prism.spawn(&["save", "box", "box-env"]);
        let id = save_id(&prism.until("box", down));
        signal(&child, name);
        let left = end(child);
        assert_eq!(left.code, 130, "{name}: {}", left.stderr);
        let how = format!("Watch it: prism saves watch {id}");
        left.says(&how);
        prism.ok(&["saves", "watch", &id]);
    }
    assert_eq!(
        prism.run(&["template", "info", "box-env", "--json"]).json()["version"]["number"],
        4
    );
}

#[test]
fn a_person_has_a_killed_save_recovered() {
    if SERVED {
        return; // The server carries the save out.
    }
    let prism = slow_box();
    let mut child = prism.spawn(&["save", "box", "box-env"]);
    let id = save_id(&prism.until("box", down));
    child.kill().unwrap();
    child.wait().unwrap();
    let recovered = prism.run(&["saves", "recover", &id, "--json"]).json();
    assert_eq!(recovered["state"], "running");
    assert_eq!(recovered["next_command"], format!("prism saves watch {id}"));
    let watched = prism.run(&["--json", "saves", "watch", &id]);
    assert_eq!(watched.error()["code"], "SaveInterrupted");
    assert_eq!(prism.state("box"), "running");
    assert_eq!(prism.refused(&["saves", "recover", &id]).0, "SaveEnded");
    assert_eq!(
        prism.refused(&["--as", "bob", "saves", "recover", &id]).0,
        "SaveNotFound"
    );
}

#[test]
fn to_stop_watching_stops_nothing() {
    let prism = slow_box();
    prism.ok(&["save", "box", "box-env", "--no-wait"]);
    let id = save_id(&prism.until("box", down));
    let mut child = prism.spawn(&["saves", "watch", &id]);
    // The first line that is not about the cloud says that the command is watching; from then on it handles signals.
    let about = b"embedded cloud (simulated)\n";
    let mut read = vec![0; 1];
    let stderr = child.stderr.as_mut().unwrap();
    std::io::Read::read_exact(stderr, &mut read).unwrap();
    if read[0] == about[0] {
        read.resize(about.len() + 1, 0);
        std::io::Read::read_exact(stderr, &mut read[1..]).unwrap();
        assert_eq!(read[..about.len()], *about);
    }
    signal(&child, "-INT");
    assert_eq!(end(child).code, 130);
    prism.ok(&["saves", "watch", &id]);
}

fn opened(prism: &Prism) -> Embedded {
    Embedded::open(prism.home(), Path::new("prism")).unwrap()
}

/// Others have all turns of saves for this many seconds from now, and alice has requested the maximum number for one user
/// within the next minute.
fn taken_for(prism: &Prism, seconds: i64) {
    let now = opened(prism).service().env.clock.now();
    let put = |queue: &str, ahead_s: i64| {
        let next = now + TimeDelta::seconds(ahead_s);
        let attributes = json!({ "next_ms": next.timestamp_millis() });
        let item = Item {
            key: Key::new("TURNS#us-east-1", queue),
            attributes: attributes.as_object().unwrap().clone(),
        };
        Write::Put(item, Condition::Always)
    };
    let writes = [put("SAVES", seconds), put("AWAITED#alice", 100)];
    let table = SqliteTable::open(&prism.home().join("registry.db")).unwrap();
    futures::executor::block_on(table.transact(&writes)).unwrap();
}

/// How often the box was stopped.
fn stops(prism: &Prism) -> usize {
    let found = prism.until("box", |_| true);
    let id = found["id"].as_str().unwrap().parse().unwrap();
    let history = opened(prism).cloud().history_of(&id).unwrap();
    let stops = history.iter().filter(|it| it.1 == InstanceState::Stopping);
    stops.count()
}

/// A cloud in which the save of an instance waits for its turn, and the save's ID.
fn queued() -> (Prism, String) {
    // The clock of a server is ahead by what passed until it sees a new speed: at this one, seconds.
    let prism = Prism::new(SLOW);
    prism.ok(&["launch", "ubuntu", "box"]);
    // In real time, so that the wait stays the same number of minutes for the whole test.
    prism.ok(&["local", "speed", "1"]);
    // Far from both ends of the third minute: a busy machine takes seconds.
    taken_for(&prism, 150);
    let begun = prism.run(&["save", "box", "box-env", "--no-wait", "--json"]);
    let id = save_id(&begun.json());
    (prism, id)
}

#[test]
fn a_save_that_waits_for_its_turn_says_for_how_long() {
    let (prism, id) = queued();
    let list = prism.run(&["saves", "list"]);
    list.prints("waiting for its turn, about 3 min");
    let list = prism.run(&["saves", "list", "--json"]).json();
    let listed = &list["saves"][0];
    assert_eq!(listed["state"], "running");
    assert_eq!(listed["step"], "WaitForTurn");
    assert!(listed["turn_at"].is_string(), "{listed:#}");
    assert_eq!(listed["turn_at"], listed["turn"]["at"]);
    let shown = prism.run(&["saves", "show", &id]);
    for text in [
        "in about 3 min",
        "Waiting for its turn (WaitForTurn)",
        "box is not affected before the save's turn.",
    ] {
        shown.prints(text);
    }
    // It takes place in its turn.
    prism.ok(&["local", "speed", FAST]);
    let watched = prism.run(&["saves", "watch", &id, "--json"]).json();
    assert_eq!((&watched["version"], stops(&prism)), (&json!(1), 1));
}

#[test]
fn a_save_that_is_cancelled_before_its_turn_touches_nothing() {
    let (prism, id) = queued();
    let mut watching = prism.spawn(&["saves", "watch", &id]);
    let stderr = BufReader::new(watching.stderr.take().unwrap());
    let mut lines = stderr.lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "Waiting for its turn"));
    let cancelled = prism.run(&["saves", "cancel", &id, "--json"]).json();
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(watching.wait().unwrap().code(), Some(1));
    assert!(lines.any(|line| line.starts_with("error[SaveCancelled]:")));
    assert!(lines.any(|line| line == "  box was not affected."));
    assert!(!held(&prism.until("box", |_| true)));
    assert_eq!((prism.state("box").as_str(), stops(&prism)), ("running", 0));
    // Its turn passes, and nothing happens in it.
    prism.ok(&["local", "speed", FAST]);
    let saved = prism.run(&["save", "box", "box-env", "--json"]).json();
    assert_eq!((&saved["version"], stops(&prism)), (&json!(1), 1));
}
