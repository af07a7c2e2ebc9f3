//! Copying a version to further Regions on the command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::sync::Arc;

use common::{FAST, Prism};
use prism_local::clock::WallClock;
use prism_local::ec2::Cloud;

fn saved() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "work"]);
    prism.ok(&["save", "work", "kept"]);
    prism
}

#[test]
fn a_version_is_copied_shown_and_launched_there() {
    let prism = saved();
    let dry = prism.ok(&[
        "template",
        "copy",
        "kept",
        "--region",
        "eu-west-1",
        "--dry-run",
    ]);
    assert!(dry.starts_with("Copying kept@1:\n"), "{dry}");
    assert!(dry.ends_with("Nothing was started.\n"), "{dry}");
    let copied = prism.ok(&["template", "copy", "kept", "--region", "eu-west-1"]);
    assert!(copied.starts_with("kept@1 is copied.\n"), "{copied}");
    let info = prism.run(&["template", "info", "kept", "--json"]).json();
    let amis = info["version"]["amis"].as_object().unwrap();
    assert!(
        amis.contains_key("eu-west-1") && amis.len() == 2,
        "{info:#}"
    );
    prism.ok(&["launch", "kept@1", "there", "--region", "eu-west-1"]);
    let listed = prism.run(&["saves", "list", "--json"]).json();
    let (copy, save) = (&listed["saves"][0], &listed["saves"][1]);
    assert_eq!(
        (&copy["kind"], &save["kind"]),
        (&"copy".into(), &"save".into())
    );
    let status = prism.ok(&["saves", "status", copy["save_id"].as_str().unwrap()]);
    assert!(status.contains(": copy of kept@1 succeeded\n"), "{status}");
    let again = ["template", "copy", "kept", "--region", "eu-west-1"];
    assert_eq!(prism.refused(&again), ("CopyExists".to_owned(), 1));
}

/// If a copy fails, the save prints a command that retries it.
#[test]
fn a_failed_region_names_the_command_that_makes_up_for_it() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "work"]);
    let path = prism.home().join("cloud.db");
    let cloud = Cloud::open(&path, Arc::new(WallClock::real())).unwrap();
    let account = "000000000000".parse().unwrap();
    cloud
        .admin(account)
        .fail_next_copy("the key is gone")
        .unwrap();
    let told = prism.ok(&["save", "work", "kept", "--region", "eu-west-1"]);
    let command = "prism template copy kept@1 --region eu-west-1";
    assert!(told.contains("EC2 could not create the AMI"), "{told}");
    assert!(told.contains(command), "{told}");
    let info = prism.ok(&["template", "info", "kept"]);
    assert!(info.contains(command), "{info}");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    prism.ok(&words);
    let info = prism.ok(&["template", "info", "kept"]);
    assert!(!info.contains("EC2 could not create the AMI"), "{info}");
}

#[test]
fn a_copy_in_the_background_is_cancelled() {
    let prism = Prism::new(common::SLOW);
    prism.ok(&["launch", "ubuntu", "work"]);
    prism.ok(&["local", "speed", FAST]);
    prism.ok(&["save", "work", "kept"]);
    prism.ok(&["local", "speed", common::SLOW]);
    let begun = [
        "template",
        "copy",
        "kept",
        "--region",
        "eu-west-1",
        "--no-wait",
        "--json",
    ];
    let begun = prism.run(&begun).json();
    let id = begun["save_id"].as_str().unwrap();
    let mut cancelled = prism.run(&["saves", "cancel", id, "--wait"]);
    for _ in 0..200 {
        // The save becomes known a moment after it was started.
        if !cancelled.stderr.contains("SaveNotFound") {
            break;
        }
        cancelled = prism.run(&["saves", "cancel", id, "--wait"]);
    }
    assert_eq!(cancelled.code, 0, "{}", cancelled.stderr);
    assert!(
        cancelled.stdout.contains("is cancelled"),
        "{}",
        cancelled.stdout
    );
    let info = prism.run(&["template", "info", "kept", "--json"]).json();
    assert_eq!(info["version"]["amis"].as_object().unwrap().len(), 1);
}
