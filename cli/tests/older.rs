//! A home that Prism 0.1.0 made before records had what they have now, opened by this version: nothing is lost, and
//! everything can be used. `homes/0.1.0` has its databases as SQL, without the histories of its executions.

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
    let names = |args: &[&str], list: &str, name: &str| {
        let json = prism.run(args).json();
        let all = json[list].as_array().unwrap().iter();
        let mut all: Vec<_> = all
            .map(|it| it[name].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        all
    };
    assert_eq!(
        names(&["list", "--json"], "instances", "name"),
        ["copy", "work"]
    );
    let saves = names(&["saves", "list", "--json"], "saves", "state");
    assert_eq!(saves, ["succeeded"; 4]);
    assert_eq!(
        names(&["schedule", "list", "--json"], "schedules", "name"),
        ["nightly"]
    );
    assert_eq!(
        names(&["project", "list", "--json"], "projects", "name"),
        ["lab"]
    );
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
    prism.ok(&["template", "delete", "kept@2", "--yes"]);
    let left = prism.home().join("cloud.db");
    let gone = "SELECT count(*) FROM entity WHERE kind = 'image' AND id IN ('ami-0b39eaf19614496bd', 'ami-0fe051447b05c59de', 'ami-0b42d48df307c4a47') AND body IS NOT NULL";
    let images: i64 = Connection::open(left)
        .unwrap()
        .query_row(gone, [], |row| row.get(0))
        .unwrap();
    assert_eq!(images, 0, "what it had saved is removed with its versions");
    let doctor = prism.run(&["doctor", "--json"]).json();
    assert_eq!(doctor["leftovers"], serde_json::json!([]), "{doctor}");
}
