//! A home that Prism 0.1.0 made before records had what they have now, opened by this version: nothing is lost, and
//! everything can be used. `homes/0.1.0` has its databases as SQL, without the histories of its executions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::fs;
use std::path::Path;

use common::{FAST, Prism};
use rusqlite::Connection;

/// A home with what is in that folder, in which the time goes on from when it was made.
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

/// The tests of what is listed compare with what the version that made the home listed.
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
    // What the older version launched is saved as the next version, what it saved is copied and deleted.
    prism.ok(&["save", "work", "kept", "--yes"]);
    let info = prism.run(&["template", "info", "kept", "--json"]).json();
    assert_eq!(info["versions"].as_array().unwrap().len(), 3, "{info}");
    prism.ok(&["template", "copy", "kept@1", "--region", "eu-west-1"]);
    prism.ok(&["schedule", "run", "nightly"]);
    prism.ok(&["start", "copy"]);
    prism.ok(&["terminate", "copy", "--yes"]);
    prism.ok(&["template", "delete", "stopped-one", "--yes"]);
    // It is shared with an account, which speaks against its deletion by now.
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
