//! Homes written by other versions, and damaged homes.
//!
//! This version opens a home that Prism 0.1.0 made before records had their current fields: nothing is lost, and
//! everything can be used. `homes/0.1.0` has its databases as SQL, without the histories of its executions. Files that
//! a newer version has written, or that cannot be read, are refused and left unchanged.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{FAST, Prism};
use rusqlite::Connection;

/// A home with the contents of this folder. Its clock continues from when the home was made.
fn home(version: &str) -> Prism {
    let prism = Prism::empty();
    let dumps = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/homes")
        .join(version);
    for name in ["cloud", "registry", "local"] {
        let dump = fs::read_to_string(dumps.join(format!("{name}.sql"))).unwrap();
        let database = prism.home().join(format!("{name}.db"));
        let database = Connection::open(database).unwrap();
        database.execute_batch(&dump).unwrap();
        if name == "local" {
            let now = "UPDATE settings SET body = json_set(body, '$.anchor.real', strftime('%Y-%m-%dT%H:%M:%fZ')) WHERE name = 'pace'";
            assert_eq!(database.execute(now, []).unwrap(), 1);
        }
    }
    prism.ok(&["local", "speed", FAST]);
    prism
}

/// The expected lists are those that the version that made the home printed.
#[test]
fn everything_of_an_older_home_is_listed() {
    let prism = home("0.1.0");
    let all = [
        ("list", vec!["work", "copy", "running", "stopped"]),
        (
            "saves list",
            vec!["kept@1", "kept@2", "labs@1", "stopped-one@1"],
        ),
        ("schedule list", vec!["nightly"]),
        ("project list", vec!["lab"]),
    ];
    for (command, names) in all {
        let args: Vec<&str> = command.split(' ').collect();
        let listed = prism.ok(&args);
        for name in names {
            assert!(listed.contains(name), "{command}: {listed}");
        }
    }
    let templates = prism.ok(&["templates"]);
    for name in ["kept", "labs", "stopped-one"] {
        assert!(templates.contains(name), "{templates}");
    }
    let shares = prism.ok(&["template", "shares", "kept"]);
    assert!(
        shares.contains("bob") && shares.contains("444455556666"),
        "{shares}"
    );
    let theirs = prism.ok(&["--as", "bob", "templates"]);
    assert!(
        theirs.contains("kept") && theirs.contains("labs"),
        "{theirs}"
    );
    assert!(!theirs.contains("stopped-one"), "{theirs}");
    let costs = prism.ok(&["project", "costs", "lab"]);
    assert!(costs.contains("labs") && costs.contains("500"), "{costs}");
}

#[test]
fn an_older_home_has_nothing_left_over() {
    let prism = home("0.1.0");
    let doctor = prism.run(&["doctor", "--json"]).json();
    assert_eq!(doctor["leftovers"], serde_json::json!([]), "{doctor}");
}

#[test]
fn an_older_home_is_worked_in_as_before() {
    let prism = home("0.1.0");
    prism.ok(&["launch", "kept@1", "again"]);
    prism.ok(&["launch", "labs", "ours", "--project", "lab"]);
    let packages = prism.ok(&["exec", "again", "--", "pip", "list"]);
    assert!(packages.contains("obspy"), "{packages}");
    // An instance launched by the older version is saved as the next version, and a version saved by it is copied and
    // deleted.
    prism.ok(&["save", "work", "kept", "--yes"]);
    let info = prism.run(&["template", "info", "kept", "--json"]).json();
    assert_eq!(info["versions"].as_array().unwrap().len(), 3, "{info}");
    prism.ok(&["template", "copy", "kept@1", "--region", "eu-west-1"]);
    prism.ok(&["schedule", "run", "nightly"]);
    prism.ok(&["start", "copy"]);
    prism.ok(&["terminate", "copy", "--yes"]);
    prism.ok(&["template", "delete", "stopped-one", "--yes"]);
    // The version is shared with an account by now, so its deletion is refused.
    let (refused, _) = prism.refused(&["template", "delete", "kept@2", "--yes"]);
    assert!(refused.contains("TemplateInUse"), "{refused}");
    prism.ok(&["template", "delete", "kept@2", "--yes", "--force"]);
    let cloud = Connection::open(prism.home().join("cloud.db")).unwrap();
    let query = "SELECT count(*) FROM entity WHERE kind = 'image' AND id IN ('ami-0b39eaf19614496bd', 'ami-0fe051447b05c59de', 'ami-0b42d48df307c4a47') AND json_extract(body, '$.state') = 'available'";
    let images: i64 = cloud.query_row(query, [], |row| row.get(0)).unwrap();
    assert_eq!(images, 0, "what it had saved is removed with its versions");
    let doctor = prism.run(&["doctor", "--json"]).json();
    assert_eq!(doctor["leftovers"], serde_json::json!([]), "{doctor}");
}

const DATABASES: [&str; 3] = ["local.db", "cloud.db", "registry.db"];

/// A command of each family, both read-only commands and ones that make changes.
const COMMANDS: &[&str] = &[
    "list",
    "templates",
    "template info kept",
    "template delete kept --yes --force",
    "template export kept",
    "launch ubuntu new",
    "start copy",
    "stop work",
    "terminate work --yes",
    "exec work -- pip list",
    "save work kept --yes",
    "saves list",
    "saves cancel save-1",
    "schedule list",
    "schedule run nightly",
    "project list",
    "project create other",
    "audit list",
    "local info",
    "local speed 2",
    "local settings",
    "local adopt --yes",
    "doctor --fix --yes",
];

/// Each database with its contents.
fn contents(prism: &Prism) -> Vec<Option<Vec<u8>>> {
    let read = |name: &&str| fs::read(prism.home().join(name)).ok();
    DATABASES.iter().map(read).collect()
}

/// Every command is refused with this code and names the file and the remedy, and no file changes.
fn assert_refused(prism: &Prism, code: &str, says: &[&str], commands: &[&str]) {
    let before = contents(prism);
    for command in commands {
        let args: Vec<&str> = command.split(' ').collect();
        let refused = prism.run(&args);
        assert_eq!(refused.code, 1, "{command}: {}", refused.stderr);
        // The doctor reports the refusal as a check, not as an error.
        let text = if args[0] == "doctor" {
            refused.stdout
        } else {
            let first = format!("error[{code}]: ");
            let stderr = refused.stderr;
            assert!(stderr.starts_with(&first), "{command}: {stderr}");
            stderr
        };
        for says in says {
            assert!(text.contains(says), "{command}: {says}: {text}");
        }
        assert!(contents(prism) == before, "{command} has changed a file");
    }
}

fn pragma(prism: &Prism, name: &str) -> i64 {
    let database = Connection::open(prism.home().join(name)).unwrap();
    let read = database.pragma_query_value(None, "user_version", |row| row.get(0));
    read.unwrap()
}

#[test]
fn what_a_newer_version_has_written_is_refused_and_left_as_it_is() {
    for name in DATABASES {
        let prism = home("0.1.0");
        let newer = pragma(&prism, name) + 1;
        let database = Connection::open(prism.home().join(name)).unwrap();
        database.pragma_update(None, "user_version", newer).unwrap();
        drop(database);
        let says = [name, "newer version of Prism", "pdate prism"];
        assert_refused(&prism, "LocalStateNewer", &says, COMMANDS);
        // The newer version finds all the data.
        let database = Connection::open(prism.home().join(name)).unwrap();
        database
            .pragma_update(None, "user_version", newer - 1)
            .unwrap();
        drop(database);
        assert!(prism.ok(&["templates"]).contains("kept"), "{name}");
    }
}

#[test]
fn what_is_damaged_is_refused_and_never_begun_again() {
    for name in DATABASES {
        let prism = home("0.1.0");
        prism.ok(&["list"]);
        let path = prism.home().join(name);
        let whole = fs::read(&path).unwrap();
        let garbage = b"no database at all ".repeat(500);
        let mut torn = whole.clone();
        torn[100..4096].fill(0xa5);
        for (what, damaged) in [
            ("its first bytes", &whole[..60]),
            ("half of it", &whole[..whole.len() / 2]),
            ("something else", garbage.as_slice()),
            ("a page that is torn", torn.as_slice()),
        ] {
            println!("{name}: {what}");
            fs::write(&path, damaged).unwrap();
            assert_refused(&prism, "LocalStateCorrupt", &[name, "damaged"], COMMANDS);
        }
        // With confirmation, a new empty file replaces it.
        let but_adopt: Vec<&str> = COMMANDS
            .iter()
            .copied()
            .filter(|command| !command.starts_with("local adopt"))
            .collect();
        fs::write(&path, "").unwrap();
        let says = [name, "prism local adopt"];
        assert_refused(&prism, "LocalStateMissing", &says, &but_adopt);
        fs::write(&path, &whole).unwrap();
        assert!(prism.ok(&["templates"]).contains("kept"), "{name}");
        assert!(prism.ok(&["list"]).contains("work"), "{name}");
    }
}

/// A single record may be newer than the file, because on AWS the table has no version.
#[test]
fn a_record_that_a_newer_version_has_written_is_refused_and_left_as_it_is() {
    let prism = home("0.1.0");
    let registry = Connection::open(prism.home().join("registry.db")).unwrap();
    let newer = "UPDATE item SET attributes = json_set(attributes, '$.form', 2) WHERE attributes ->> '$.record.name' = 'kept'";
    assert_eq!(registry.execute(newer, []).unwrap(), 1);
    let rows = || -> String {
        let all = "SELECT group_concat(pk || sk || attributes, char(10)) FROM item";
        registry.query_row(all, [], |row| row.get(0)).unwrap()
    };
    let before = rows();
    for command in [
        &["template", "info", "kept"][..],
        &["launch", "kept", "new"],
        &["save", "work", "kept", "--yes"],
        &["template", "delete", "kept", "--yes", "--force"],
        &["templates"],
    ] {
        let refused = prism.refused(command);
        assert_eq!(refused, ("RegistryNewer".to_owned(), 1), "{command:?}");
        assert!(rows() == before, "{command:?} has changed a record");
    }
}

/// The state after a full disk or a failed restore.
#[test]
fn a_home_of_empty_files_is_no_new_one() {
    let prism = home("0.1.0");
    for name in DATABASES {
        fs::write(prism.home().join(name), "").unwrap();
    }
    let commands = &["list", "templates", "launch ubuntu new", "saves list"];
    let says = ["registry.db", "prism local adopt"];
    assert_refused(&prism, "LocalStateMissing", &says, commands);
    prism.ok(&["local", "adopt", "--yes"]);
    assert!(prism.ok(&["templates"]).contains("python-ml"));
}

/// Every new migration needs a home of the previous version, to show that it loses nothing.
#[test]
fn there_is_a_home_of_every_version_of_each_database() {
    let prism = Prism::empty();
    prism.ok(&["list"]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/homes");
    for name in DATABASES {
        let version = |home: fs::DirEntry| -> i64 {
            let dump = home.path().join(name.replace(".db", ".sql"));
            let dump = fs::read_to_string(dump).unwrap();
            let line = dump.lines().find_map(|line| {
                let rest = line.strip_prefix("PRAGMA user_version = ")?;
                rest.trim_end_matches(';').parse().ok()
            });
            line.unwrap()
        };
        let homes = fs::read_dir(&folder).unwrap();
        let versions: BTreeSet<i64> = homes.map(|home| version(home.unwrap())).collect();
        let all: BTreeSet<i64> = (1..=pragma(&prism, name)).collect();
        assert_eq!(versions, all, "{name}");
    }
}
