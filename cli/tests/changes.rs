//! The state, the name and the size of instances are changed, and an instance can be used as soon as it is launched.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::path::Path;

use common::{FAST, Prism};
use prism_functions::domain::Region;
use prism_local::Embedded;
use prism_local::ec2::{Admin, Capacity};
use serde_json::Value;

fn instance(prism: &Prism, name: &str) -> Value {
    prism.run(&["show", name, "--json"]).json()
}

/// Changes the simulated cloud, as others do who have the account.
fn outside(prism: &Prism, change: impl FnOnce(&Admin)) {
    let cloud = Embedded::open(prism.home(), Path::new("prism")).unwrap();
    change(&cloud.cloud().admin("000000000000".parse().unwrap()));
}

/// Sets the capacity for an instance type.
fn capacity(prism: &Prism, region: &str, instance_type: &str, capacity: Capacity) {
    let region: Region = region.parse().unwrap();
    outside(prism, |admin| {
        admin
            .set_capacity(&region, instance_type, capacity)
            .unwrap();
    });
}

#[test]
fn a_name_that_does_not_exist_changes_no_other_instance() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    for (odd, code, exit) in [
        ("nothing", "InstanceNotFound", 1),
        ("odd ", "InvalidName", 2),
    ] {
        let refused = prism.refused(&["stop", "box", odd]);
        assert_eq!(refused, (code.to_owned(), exit));
        assert_eq!(prism.state("box"), "running");
    }
    prism.ok(&["stop", "box"]);
    let refused = prism.refused(&["start", "box", "nothing"]);
    assert_eq!(refused, ("InstanceNotFound".to_owned(), 1));
    assert_eq!(prism.state("box"), "stopped");
}

#[test]
fn a_change_that_fails_hides_no_other_and_is_named() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["launch", "ubuntu", "other"]);
    prism.ok(&["local", "alter", "other", "--stop-protection", "on"]);
    let stopped = prism.run(&["--json", "stop", "other", "box"]);
    assert_eq!(stopped.code, 1, "{}", stopped.stderr);
    let result: Value = serde_json::from_str(&stopped.stdout).unwrap();
    let instances = result["instances"].as_array().unwrap();
    assert_eq!(instances.len(), 1, "{result}");
    assert_eq!(
        (&instances[0]["name"], &instances[0]["state"]),
        (&"box".into(), &"stopped".into())
    );
    let message = stopped.error()["message"].as_str().unwrap().to_owned();
    let begins = "1 of 2 instances could not be stopped. other: ";
    assert!(message.starts_with(begins), "{message}");
    assert_eq!(prism.state("other"), "running");

    capacity(&prism, "us-east-1", "t3.large", Capacity::Refused);
    let started = prism.run(&["start", "box", "other"]);
    assert_eq!(started.code, 1, "{}", started.stderr);
    assert!(
        started.stdout.starts_with("other (i-"),
        "{}",
        started.stdout
    );
    started.says("error[NoCapacity]: 1 of 2 instances could not be started. box: ");

    outside(&prism, |admin| admin.deny("TerminateInstances").unwrap());
    let kept = prism.run(&["terminate", "box", "other", "--yes"]);
    assert_eq!((kept.code, kept.stdout.as_str()), (1, ""));
    kept.says("2 of 2 instances could not be terminated. box: ");
    kept.says(" other: ");
}

#[test]
fn an_instance_is_stopped_right_after_a_launch_that_did_not_wait() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box", "--no-wait"]);
    prism.ok(&["stop", "box"]);
    assert_eq!(instance(&prism, "box")["instance"]["state"], "stopped");
}

#[test]
fn two_launches_of_one_name_at_once_make_one_instance() {
    let prism = Prism::new(FAST);
    // The first command makes the cloud.
    prism.ok(&["list"]);
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let launch = || prism.run(&["launch", "ubuntu", "box"]).code;
        let both = [scope.spawn(launch), scope.spawn(launch)];
        both.map(|it| it.join().expect("the command runs")).into()
    });
    assert_eq!(codes.iter().sum::<i32>(), 1, "{codes:?}");
    let list = prism.run(&["list", "--json"]).json();
    assert_eq!(list["instances"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_instance_is_renamed() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let told = prism.ok(&["rename", "box", "genomics"]);
    assert!(told.ends_with("is now named genomics.\n"), "{told}");
    prism.ok(&["launch", "ubuntu", "box"]);
    let taken = prism.refused(&["rename", "box", "genomics"]);
    assert_eq!(taken, ("InstanceNameTaken".to_owned(), 1));
}

#[test]
fn a_running_instance_runs_again_with_its_new_size() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let plan = prism.ok(&["resize", "box", "--size", "L", "--dry-run"]);
    let id = instance(&prism, "box");
    let plan = plan.replace(id["instance"]["id"].as_str().unwrap_or_default(), "i-ID");
    insta::assert_snapshot!(plan, @"
    box (i-ID) is t3.large ($0.0832 per hour) and becomes t3.xlarge ($0.1664 per hour).
    It is stopped for this and started again.
    Its public address changes.
    ");
    // Nobody can be asked here.
    let asked = prism.refused(&["resize", "box", "--size", "L"]);
    assert_eq!(asked.0, "ConfirmationNeeded");
    assert_eq!(
        instance(&prism, "box")["instance"]["instance_type"],
        "t3.large"
    );
    prism.ok(&["resize", "box", "--size", "L", "--yes"]);
    let after = instance(&prism, "box");
    assert_eq!(after["instance"]["instance_type"], "t3.xlarge");
    assert_eq!(after["instance"]["state"], "running");
    // It has this size already, so it is not stopped.
    prism.ok(&["resize", "box", "--size", "L"]);
}

#[test]
fn an_instance_that_does_not_start_with_its_new_size_gets_its_old_one_back() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    capacity(&prism, "us-east-1", "g5.xlarge", Capacity::Refused);
    let told = prism.run(&["resize", "box", "--size", "GPU-M", "--yes"]);
    assert_eq!(told.code, 1);
    assert!(
        told.stderr.contains("It gets its old size back."),
        "{}",
        told.stderr
    );
    assert!(told.stderr.contains("error[NoCapacity]"), "{}", told.stderr);
    let after = instance(&prism, "box");
    assert_eq!(after["instance"]["instance_type"], "t3.large");
    assert_eq!(after["instance"]["state"], "running");
}

#[test]
fn what_replaces_a_template_is_said_where_it_is_launched() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["save", "box", "kept", "--yes"]);
    prism.ok(&["save", "box", "newer", "--yes"]);
    let told = prism.ok(&["save", "box", "kept", "--yes", "--exclude-from-latest"]);
    assert!(
        told.contains("kept@1; change it: prism template rollback kept 2"),
        "{told}"
    );
    assert!(told.contains("prism launch kept@2 NEW-NAME"), "{told}");
    prism.ok(&[
        "template",
        "deprecate",
        "kept",
        "--replaced-by",
        "newer",
        "--on",
        "2199-01-01",
    ]);
    let shown = prism.ok(&["template", "show", "kept"]);
    assert!(
        shown.contains("2199-01-01") && shown.contains("newer"),
        "{shown}"
    );
    let launched = prism.run(&["launch", "kept", "again"]);
    let warned = "kept reaches its end of life on 1 January 2199 (UTC): use newer instead.";
    assert!(launched.stderr.contains(warned), "{}", launched.stderr);
    let odd = prism.refused(&["template", "deprecate", "kept", "--replaced-by", "nothing"]);
    assert_eq!(odd, ("TemplateNotFound".to_owned(), 1));
}
