//! A folder that is not as it should be, and a reader that goes away.

mod common;

use std::fs;

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
    assert!(answer.stderr.contains("registry.db"), "{}", answer.stderr);
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
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{args:?}");
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
