//! Damaged or unusual folders, and readers that close the output early.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::fs;
use std::path::Path;

use common::{FAST, Prism, answer};

#[test]
fn a_home_that_is_a_file_is_refused() {
    let prism = Prism::new(FAST);
    let file = prism.home().join("file");
    fs::write(&file, "mine").unwrap();
    let home = file.to_str().unwrap();
    assert_eq!(
        prism.refused(&["--home", home, "list"]),
        ("LocalIo".to_owned(), 1)
    );
    let reset = ["--home", home, "local", "reset", "--yes"];
    assert_eq!(prism.refused(&reset), ("InvalidInput".to_owned(), 2));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_damaged_database_is_named_and_can_be_reset() {
    let prism = Prism::new(FAST);
    let database = prism.home().join("registry.db");
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(prism.home().join(format!("registry.db{end}")));
    }
    fs::write(
        &database,
        "no database at all, and long enough to be looked at ".repeat(90),
    )
    .unwrap();
    let answer = prism.run(&["templates"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.stderr.starts_with("error[LocalStateCorrupt]:"),
        "{}",
        answer.stderr
    );
    answer.says("registry.db");
    prism.ok(&["local", "reset", "--yes"]);
    assert!(prism.ok(&["templates"]).contains("python-ml"));
}

#[test]
fn a_locked_database_is_waited_for_and_then_named() {
    let prism = Prism::new(FAST);
    let lock = rusqlite::Connection::open(prism.home().join("cloud.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (code, exit) = prism.refused(&["launch", "ubuntu", "box"]);
    assert_eq!((code.as_str(), exit), ("LocalStateLocked", 1));
    lock.execute_batch("ROLLBACK").unwrap();
    prism.ok(&["launch", "ubuntu", "box"]);
}

/// Starts a process that locks a file of a home, and suspends it.
#[cfg(target_os = "linux")]
fn suspended_holder(file: &Path) -> (std::process::Child, impl Sized + use<>) {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Command, Stdio};

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_a_lock", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{}", file.display()).unwrap();
    // Keep the pipe open: the helper holds its lock until its stdin closes.
    child.stdin = Some(stdin);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("held")));
    signal(&child, "-STOP");
    // The helper still has output to write, so its stdout must stay open.
    (child, lines)
}

#[cfg(target_os = "linux")]
fn signal(child: &std::process::Child, name: &str) {
    let mut kill = std::process::Command::new("kill");
    let kill = kill.args([name, &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

#[test]
#[ignore = "the other process of the tests below"]
fn holds_a_lock() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let path = Path::new(line.trim());
    let database = path.extension().is_some_and(|end| end == "db");
    let connection = database.then(|| {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection
    });
    let file = (!database).then(|| {
        let file = fs::File::open(path).unwrap();
        file.lock().unwrap();
        file
    });
    println!("held");
    // Wait until the test ends this process, or exits.
    std::io::stdin().read_line(&mut line).unwrap();
    drop((connection, file));
}

/// A process that is suspended in the middle of a write keeps its lock while it is suspended.
#[cfg(target_os = "linux")]
#[test]
fn a_suspended_process_that_holds_a_lock_is_named_with_the_way_out() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.until("box", |instance| instance["state"] == "running");
    for (name, command) in [
        ("cloud.db", &["launch", "ubuntu", "two"][..]),
        ("registry.db", &["project", "create", "lab"]),
        ("opening.lock", &["list"]),
    ] {
        let (mut holder, _lines) = suspended_holder(&prism.home().join(name));
        let pid = holder.id();
        let refused = prism.run(command);
        assert_eq!(refused.code, 1, "{name}: {}", refused.stderr);
        for says in [
            "error[LocalStateLocked]:",
            name,
            &format!("process {pid} ("),
            "which is suspended",
            &format!("kill -CONT {pid}"),
            &format!("kill -KILL {pid}"),
        ] {
            assert!(refused.stderr.contains(says), "{says}: {}", refused.stderr);
        }
        if name != "opening.lock" {
            // Read-only commands do not wait for the lock.
            assert!(prism.ok(&["list"]).contains("box"), "{name}");
            assert!(prism.ok(&["templates"]).contains("python-ml"), "{name}");
        }
        // The process continues, as the hint says, and finishes.
        signal(&holder, "-CONT");
        drop(holder.stdin.take());
        assert!(holder.wait().unwrap().success());
        prism.ok(command);
    }
}

#[test]
fn a_reset_asks_and_removes_only_what_is_ours() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let mine = prism.home().join("notes.txt");
    fs::write(&mine, "mine").unwrap();
    let reset = ["local", "reset"];
    assert_eq!(prism.refused(&reset), ("ConfirmationNeeded".to_owned(), 2));
    assert!(prism.ok(&["list"]).contains("box"));
    prism.ok(&["local", "reset", "--yes"]);
    let left: Vec<_> = fs::read_dir(prism.home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["notes.txt"]);
    assert!(!prism.ok(&["list"]).contains("box"));
}

#[test]
fn a_reset_leaves_a_save_alone_that_goes_on() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["local", "speed", "20"]);
    prism.ok(&["save", "box", "box-env", "--no-wait"]);
    assert_eq!(
        prism.refused(&["local", "reset", "--yes"]),
        ("InstanceBusy".to_owned(), 1)
    );
    let list = prism.run(&["saves", "list", "--json"]).json();
    prism.ok(&[
        "saves",
        "watch",
        list["saves"][0]["save_id"].as_str().unwrap(),
    ]);
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let prism = Prism::new(FAST);
    for args in [
        &["templates"][..],
        &["templates", "--json"],
        &["completions", "bash"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = prism.command(args);
        let output = command
            .stdout(writer)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        let answer = answer(&output);
        let about = answer.stderr.replace("embedded cloud (simulated)\n", "");
        assert_eq!((answer.code, about.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn quiet_and_no_color_say_only_what_matters() {
    let prism = Prism::new(FAST);
    let launched = prism.run(&["--quiet", "launch", "ubuntu", "box"]);
    assert_eq!(launched.stderr, "");
    let mut command = prism.command(&["save", "nope", "box-env"]);
    let refused = answer(&command.env("NO_COLOR", "1").output().unwrap());
    assert!(!refused.stderr.contains('\u{1b}'));
    let info = prism.run(&["local", "info", "--json"]).json();
    assert_eq!(info["speed"], 1000.0);
    assert_eq!(info["user"], "alice");
}

/// A home with a missing database. No new database is created silently: the AMIs that the old one knew would have no
/// owner.
#[test]
fn a_missing_database_is_told_and_nothing_is_made_in_its_place() {
    for name in ["registry.db", "cloud.db", "local.db"] {
        let prism = Prism::new(FAST);
        prism.ok(&["launch", "ubuntu", "box"]);
        prism.ok(&["save", "box", "box-env"]);
        let (database, aside) = (prism.home().join(name), prism.home().join("aside"));
        fs::rename(&database, &aside).unwrap();
        for command in [&["list"][..], &["templates"], &["launch", "ubuntu", "two"]] {
            let refused = prism.refused(command);
            assert_eq!(refused, ("LocalStateMissing".to_owned(), 1), "{name}");
        }
        let doctor = prism.run(&["doctor", "--fix", "--yes"]);
        assert_eq!(doctor.code, 1, "{}", doctor.stdout);
        doctor.prints(name);
        assert!(!database.exists(), "{name}");
        // The remedy: put the original file back.
        fs::rename(&aside, &database).unwrap();
        assert!(prism.ok(&["templates"]).contains("box-env"));
        assert!(prism.ok(&["list"]).contains("box"));
    }
}

/// Without the file the home can still be adopted. The AMIs are then left over, and kept until the user decides
/// otherwise.
#[test]
fn a_home_without_its_registry_is_adopted_when_asked_and_removes_nothing() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["save", "box", "box-env"]);
    fs::remove_file(prism.home().join("registry.db")).unwrap();
    let adopt = ["local", "adopt"];
    assert_eq!(prism.refused(&adopt), ("ConfirmationNeeded".to_owned(), 2));
    let adopted = prism.run(&["local", "adopt", "--yes", "--json"]).json();
    assert_eq!(adopted["made"], serde_json::json!(["registry.db"]));
    assert!(
        prism.ok(&["list"]).contains("box"),
        "the instances are there"
    );
    assert!(!prism.ok(&["templates"]).contains("box-env"));
    prism.ok(&["doctor", "--fix", "--yes"]);
    let left = prism.run(&["doctor", "--json"]).json();
    let left = left["leftovers"].as_array().unwrap();
    assert_eq!(left.len(), 2, "{left:#?}");
    assert!(left.iter().all(|it| it["unexplained"] == true), "{left:#?}");
    prism.ok(&["save", "box", "box-env"]);
    assert!(prism.ok(&["templates"]).contains("box-env"));
}

/// The registry of another home explains nothing in this one.
#[test]
fn a_database_of_another_home_is_refused() {
    let (prism, other) = (Prism::new(FAST), Prism::new(FAST));
    prism.ok(&["launch", "ubuntu", "box"]);
    let database = prism.home().join("registry.db");
    let aside = fs::read(&database).unwrap();
    fs::copy(other.home().join("registry.db"), &database).unwrap();
    let refused = prism.refused(&["list"]);
    assert_eq!(refused, ("LocalStateMixed".to_owned(), 1));
    let damaged = prism.run(&["list"]).stderr;
    assert!(damaged.contains("prism local adopt"), "{damaged}");
    fs::write(&database, aside).unwrap();
    assert!(prism.ok(&["list"]).contains("box"));
    fs::copy(other.home().join("registry.db"), &database).unwrap();
    prism.ok(&["local", "adopt", "--yes"]);
    // The instance belongs to the home as it was before.
    assert!(!prism.ok(&["list"]).contains("box"));
}

/// A process that runs already follows a new speed, so that all processes have the same time.
#[test]
fn a_new_speed_reaches_processes_that_run() {
    let prism = Prism::new("1");
    prism.ok(&["launch", "ubuntu", "box", "--no-wait"]);
    prism.ok(&["local", "speed", FAST]);
    prism.until("box", |it| it["state"] == "running");
    prism.ok(&["local", "speed", "1"]);
    let child = prism.spawn(&["save", "box", "box-env", "--yes"]);
    prism.until("box", |it| it["save_id"].is_string());
    prism.ok(&["local", "speed", FAST]);
    // At the normal speed, the save would be at its beginning by now.
    let now = || prism.run(&["local", "show", "--format", "now"]).stdout;
    let hour = || now()[..13].to_owned();
    let saves = || prism.run(&["saves", "list", "--json"]).json();
    for _ in 0..15 {
        let began = hour();
        while hour() == began {}
        if saves()["saves"][0]["state"] == "succeeded" {
            break;
        }
    }
    assert_eq!(saves()["saves"][0]["state"], "succeeded");
    let ended = answer(&child.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}
