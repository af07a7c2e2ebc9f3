//! The workflows that researchers follow, as they see them.

mod common;

use common::{FAST, Prism, settings};
use serde_json::json;

#[test]
fn preserve_an_environment_and_launch_it_again() {
    let prism = Prism::new(FAST);
    let mut text = String::new();
    for line in [
        &["launch", "python-ml", "earthquake-analysis"][..],
        &[
            "exec",
            "earthquake-analysis",
            "--",
            "pip",
            "install",
            "obspy",
        ],
    ] {
        text.push_str(&prism.told(line));
    }
    let tee = ["exec", "earthquake-analysis", "--", "tee", "notes.txt"];
    assert_eq!(prism.piped("M 6.1, 12 km deep\n", &tee).code, 0);
    for line in [
        &[
            "save",
            "earthquake-analysis",
            "seismic-ml-environment",
            "--description",
            "ML environment optimized for seismic data analysis",
            "--region",
            "us-west-2,eu-west-1",
            "--yes",
        ][..],
        &[
            "launch",
            "seismic-ml-environment",
            "aftershock-prediction",
            "--size",
            "GPU-L",
        ],
        &["exec", "aftershock-prediction", "--", "pip", "list"],
        &["exec", "aftershock-prediction", "--", "cat", "notes.txt"],
        &["list"],
        &["templates", "--mine"],
        &["template", "info", "seismic-ml-environment"],
        &["template", "export", "seismic-ml-environment"],
        &["saves", "list"],
    ] {
        text.push_str(&prism.told(line));
    }
    settings().bind(|| insta::assert_snapshot!(text, @""));
}

#[test]
fn the_story_of_a_save_and_its_refusal() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["save", "box", "box-env", "-y"]);
    let list = prism.run(&["saves", "list", "--json"]).json();
    let id = list["saves"][0]["save_id"].as_str().unwrap();
    let mut text = prism.told(&["saves", "status", id]);
    prism.ok(&["local", "alter", "box", "--stop-protection", "on"]);
    text.push_str(&prism.told(&["save", "box", "box-env"]));
    settings().bind(|| insta::assert_snapshot!(text, @""));
}

#[test]
fn a_public_template_is_launched_by_others_and_a_private_one_is_not_there() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "bioinformatics", "my-genomics-work"]);
    prism.ok(&[
        "save",
        "my-genomics-work",
        "team-genomics-env",
        "--public",
        "-y",
    ]);
    prism.ok(&["save", "my-genomics-work", "my-own-env", "-y"]);
    prism.ok(&[
        "--as",
        "bob",
        "launch",
        "team-genomics-env",
        "variant-calling",
    ]);
    let launch = ["--as", "bob", "launch", "my-own-env", "mine"];
    assert_eq!(prism.refused(&launch), ("TemplateNotFound".to_owned(), 1));
    let save = [
        "--as",
        "bob",
        "save",
        "variant-calling",
        "team-genomics-env",
    ];
    assert_eq!(prism.refused(&save), ("TemplateNameTaken".to_owned(), 1));
    let bobs = prism.ok(&["--as", "bob", "templates"]);
    assert!(bobs.contains("team-genomics-env") && !bobs.contains("my-own-env"));
}

#[test]
fn a_save_as_json() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let args = [
        "save",
        "box",
        "box-env",
        "--region",
        "eu-west-1",
        "--tag",
        "grant=a=b",
        "--json",
    ];
    let saved = prism.run(&args).json();
    let mut keys: Vec<&String> = saved.as_object().unwrap().keys().collect();
    keys.sort();
    let expected = [
        "amis",
        "downtime_s",
        "failed_regions",
        "failure",
        "instance",
        "leftovers",
        "next_command",
        "save_id",
        "state",
        "template",
        "usd_per_month",
        "version",
    ];
    assert_eq!(keys, expected);
    assert_eq!(saved["state"], "succeeded");
    assert_eq!(saved["version"], 1);
    assert_eq!(saved["next_command"], "prism launch box-env NEW-NAME");
    assert!(saved["downtime_s"].as_f64().unwrap() > 0.0);
    let regions: Vec<&String> = saved["amis"].as_object().unwrap().keys().collect();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    let record = prism.run(&[
        "saves",
        "status",
        saved["save_id"].as_str().unwrap(),
        "--json",
    ]);
    assert_eq!(record.json()["request"]["tags"], json!({ "grant": "a=b" }));
    let info = prism.run(&["template", "info", "box-env", "--json"]).json();
    assert_eq!(info["versions"][0]["number"], 1);
}

#[test]
fn a_dry_run_changes_nothing() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let before = prism.ok(&["list", "--json"]);
    let plan = prism
        .run(&["save", "box", "box-env", "--dry-run", "--json"])
        .json();
    assert_eq!(plan["dry_run"], true);
    assert!(plan["plan"]["expected_downtime_s"].as_u64().unwrap() > 0);
    let text = prism.told(&["save", "box", "box-env", "--dry-run"]);
    settings().bind(|| {
        insta::assert_snapshot!(text, @"")
    });
    prism.ok(&["launch", "ubuntu", "other", "--dry-run"]);
    assert_eq!(prism.ok(&["list", "--json"]), before);
    assert_eq!(
        prism.run(&["saves", "list", "--json"]).json()["saves"],
        json!([])
    );
    assert!(!prism.ok(&["templates"]).contains("box-env"));
}

#[test]
fn an_instance_stops_starts_and_ends() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box", "--no-wait"]);
    prism.until("box", |instance| instance["state"] == "running");
    prism.ok(&["stop", "box"]);
    assert_eq!(prism.state("box"), "stopped");
    prism.ok(&["save", "box", "box-env"]);
    assert_eq!(prism.state("box"), "stopped");
    let started = prism.run(&["start", "box", "--json"]).json();
    assert_eq!(started["state"], "running");
    assert_eq!(
        prism.refused(&["terminate", "box"]),
        ("ConfirmationNeeded".to_owned(), 2)
    );
    prism.ok(&["terminate", "box", "--yes"]);
    let list = prism.run(&["list", "--json"]).json();
    assert_eq!(list["instances"], json!([]));
}
