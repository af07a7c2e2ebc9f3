//! Instances and projects that end by themselves, on the command line.

mod common;

use common::{FAST, Prism};
use serde_json::Value;

fn end(prism: &Prism) -> Value {
    prism.run(&["show", "work", "--json"]).json()["instance"]["end"].clone()
}

#[test]
fn an_end_is_planned_shown_postponed_and_removed() {
    let prism = Prism::new(FAST);
    let planned = prism.ok(&["launch", "ubuntu", "work", "--for", "3w", "--dry-run"]);
    assert!(planned.contains("  ends        20"), "{planned}");
    let launched = prism.ok(&[
        "launch",
        "ubuntu",
        "work",
        "--for",
        "3w",
        "--then",
        "terminate",
        "--last-save",
        "kept",
    ]);
    let said = ": it is then terminated after a save to kept\n";
    assert!(launched.contains(said), "{launched}");
    assert!(prism.ok(&["show", "work"]).contains(said));
    assert!(prism.ok(&["list"]).contains(" ENDS "));
    let before = end(&prism);
    let extended = prism.ok(&["extend", "work", "--for", "1w"]);
    assert!(extended.starts_with("work ends at 20"), "{extended}");
    let after = end(&prism);
    assert!(
        after["at"].as_str() > before["at"].as_str(),
        "{before} {after}"
    );
    // What is not given stays.
    assert_eq!(
        (&after["then"], &after["last_save"]),
        (&before["then"], &before["last_save"])
    );
    let at = before["at"].as_str().unwrap();
    prism.ok(&["extend", "work", "--until", at, "--then", "stop"]);
    assert_eq!(
        (&end(&prism)["at"], end(&prism)["then"].as_str()),
        (&before["at"], Some("stop"))
    );
    // Nothing else changes with the last save.
    prism.ok(&["extend", "work", "--last-save", "other"]);
    let saved = end(&prism);
    assert_eq!(
        (&saved["at"], &saved["then"], &saved["last_save"]),
        (&before["at"], &"stop".into(), &"other".into())
    );
    let removed = prism.ok(&["extend", "work", "--never"]);
    assert_eq!(
        removed,
        "work has no end: it runs until somebody stops it.\n"
    );
    assert_eq!(end(&prism), Value::Null);
    assert!(!prism.ok(&["list"]).contains(" ENDS "));
    for wrong in [
        &["extend", "work"][..],
        &["extend", "work", "--for", "1h", "--never"],
        &["extend", "work", "--for", "1h", "--until", at],
        &["extend", "work", "--never", "--then", "stop"],
        &["extend", "work", "--never", "--last-save", "kept"],
        &["launch", "ubuntu", "other", "--then", "stop"],
        &["launch", "ubuntu", "other", "--last-save", "kept"],
    ] {
        assert_eq!(prism.run(wrong).code, 2, "{wrong:?}");
    }
    let endless = prism.run(&["extend", "work", "--last-save", "kept"]);
    endless.says("The instance has no end ahead, so it has no last save.");
    for wrong in ["soon", "0m", "9999w"] {
        let refused = prism.refused(&["extend", "work", "--for", wrong]);
        assert_eq!(refused, ("InvalidInput".to_owned(), 2), "{wrong}");
    }
}

#[test]
fn an_instance_is_stopped_at_its_end_by_whatever_command_runs_next() {
    let prism = Prism::new(FAST);
    prism.ok(&[
        "launch",
        "ubuntu",
        "work",
        "--for",
        "5m",
        "--warn-before",
        "2m",
    ]);
    let stopped = (0..500).any(|_| {
        let shown = prism.run(&["show", "work", "--json"]).json();
        shown["instance"]["state"] == "stopped"
    });
    assert!(stopped);
    let shown = prism.ok(&["show", "work"]);
    assert!(shown.contains("stopped at its end, 20"), "{shown}");
}

#[test]
fn a_project_has_an_end_until_it_is_removed() {
    let prism = Prism::new(FAST);
    prism.ok(&["project", "create", "brain"]);
    // A year from now, whenever this runs.
    prism.ok(&["launch", "ubuntu", "work", "--for", "52w"]);
    let at = end(&prism)["at"].as_str().unwrap().to_owned();
    let set = prism.ok(&["project", "end", "brain", "--on", &at, "--last-save"]);
    assert!(
        set.contains(": its instances are saved and then terminated"),
        "{set}"
    );
    assert_eq!(prism.ok(&["project", "show", "brain"]), set);
    let lifted = prism.ok(&["project", "end", "brain", "--never"]);
    assert!(!lifted.contains("ends"), "{lifted}");
    let refused = prism.refused(&["project", "end", "brain", "--on", "2020-01-01"]);
    assert_eq!(refused, ("InvalidInput".to_owned(), 2));
}

/// Chile sets its clocks forward when this day begins, at midnight.
#[test]
fn a_day_without_a_midnight_begins_later() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "work"]);
    let mut extend = prism.command(&["extend", "work", "--until", "2026-09-06"]);
    extend.env("TZ", "<-04>4<-03>,M9.1.6/24,M4.1.6/24");
    let refused = common::answer(&extend.output().unwrap());
    refused.says("The end 2026-09-06 04:00 UTC is not possible: ");
}
