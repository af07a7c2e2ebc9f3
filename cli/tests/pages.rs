//! What the command line shows of several Regions, of past and coming times, and as files.

mod common;

use common::{FAST, Prism};
use serde_json::{Value, json};

fn prism() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "work"]);
    prism
}

fn names(value: &Value) -> Vec<String> {
    let items = value["instances"].as_array().expect("a list").iter();
    let name = |it: &'_ Value| it["name"].as_str().expect("a name").to_owned();
    items.map(name).collect()
}

#[test]
fn instances_of_all_regions_are_one_list() {
    let prism = prism();
    prism.ok(&["launch", "ubuntu", "away", "--region", "eu-west-1"]);
    let here = prism.run(&["list", "--json"]).json();
    assert_eq!(names(&here), ["work"]);
    let all = prism.run(&["list", "--all-regions", "--json"]).json();
    assert_eq!(names(&all), ["away", "work"]);
    assert_eq!(all["unavailable"], json!([]));
    assert!(all["instances"][0]["usd_per_hour"].as_f64().unwrap() > 0.0);
    let table = prism.run(&["list", "--all-regions"]);
    table.prints("REGION");
    table.prints("eu-west-1");
    let both = ["list", "--all-regions", "--region", "eu-west-1"];
    assert_eq!(prism.run(&both).code, 2);
}

#[test]
fn changes_are_exported_and_limited_to_a_time() {
    let prism = prism();
    prism.ok(&["project", "create", "brain"]);
    let csv = prism.ok(&["audit", "export"]);
    assert!(csv.starts_with("\"at\",\"user\",\"action\""), "{csv}");
    assert!(csv.contains("\"project.create\""), "{csv}");
    let events = prism.run(&["audit", "list", "--json"]).json();
    let events = events["events"].as_array().unwrap().clone();
    for format in [&["--format", "jsonl"][..], &["--json"]] {
        let args = [&["audit", "export"], format].concat();
        let lines = prism.ok(&args);
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        assert_eq!(lines.collect::<Vec<Value>>(), events);
    }
    let newest = events[0]["at"].as_str().unwrap();
    let before = prism
        .run(&["audit", "list", "--until", newest, "--json"])
        .json();
    assert_eq!(before["events"], json!(events[1..]));
    let since = prism.ok(&["audit", "export", "--format", "jsonl", "--from", newest]);
    assert_eq!(since.lines().count(), 1);
    let odd = prism.refused(&["audit", "export", "--from", "yesterday"]);
    assert_eq!(odd, ("InvalidInput".to_owned(), 2));
}

#[test]
fn the_past_costs_of_a_project_are_shown_by_month() {
    let prism = prism();
    prism.ok(&["project", "create", "brain"]);
    prism.ok(&["save", "work", "kept", "--project", "brain", "-y"]);
    let args = ["project", "costs", "brain", "--history"];
    let history = prism.run(&[&args[..], &["--json"]].concat()).json();
    let months = history["months"].as_array().unwrap();
    let last = months.last().unwrap();
    assert_eq!(
        (&last["versions"], &last["current"]),
        (&json!(1), &json!(true))
    );
    let shown = prism.run(&args);
    shown.prints("MONTH");
    shown.prints(last["month"].as_str().unwrap());
    shown.prints("Prices of ");
    assert_eq!(
        prism.run(&[&args[..], &["--months", "37"]].concat()).code,
        2
    );
    let alone = ["project", "costs", "brain", "--months", "3"];
    assert_eq!(prism.run(&alone).code, 2);
}

#[test]
fn a_schedule_is_shown_with_its_next_runs() {
    let prism = prism();
    let cadence = "0 3 ? * MON *";
    let made = ["schedule", "create", "work", "kept", "--cron", cadence];
    prism.ok(&[&made[..], &["--timezone", "Europe/Berlin"]].concat());
    let shown = prism.run(&["schedule", "show", "kept", "--json"]).json();
    let runs = shown["next_runs"].as_array().unwrap();
    assert_eq!(runs.len(), 10);
    for at in runs {
        let at = at.as_str().unwrap();
        assert!(at.contains("T03:00:00+0"), "{at}");
    }
}
