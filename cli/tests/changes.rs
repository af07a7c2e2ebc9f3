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

/// Anybody who can tag instances can write the tags.
#[test]
fn tags_do_not_control_the_terminal() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let id = instance(&prism, "box")["instance"]["id"].clone();
    let id = id.as_str().unwrap().parse().unwrap();
    outside(&prism, |admin| {
        let edited = admin.edit(&id, |facts| {
            for tag in ["prism:template", "prism:login"] {
                let text = format!("\u{1b}[2J{tag}");
                facts.tags.insert(tag.to_owned(), text);
            }
        });
        edited.unwrap();
    });
    let shown = prism.ok(&["show", "box"]);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    for value in ["\\u{1b}[2Jprism:template", "\\u{1b}[2Jprism:login"] {
        assert!(shown.contains(value), "{value}: {shown}");
    }
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
    // A launch that takes two minutes of the cloud has lost its name.
    let prism = Prism::new("1");
    // The first command makes the cloud.
    prism.ok(&["list"]);
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let launch = || prism.run(&["launch", "ubuntu", "box", "--no-wait"]).code;
        let both = [scope.spawn(launch), scope.spawn(launch)];
        both.map(|it| it.join().expect("the command runs")).into()
    });
    assert_eq!(codes.iter().sum::<i32>(), 1, "{codes:?}");
    prism.ok(&["local", "speed", FAST]);
    prism.until("box", |it| it["state"] == "running");
    let list = prism.run(&["list", "--json"]).json();
    assert_eq!(list["instances"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_instance_is_renamed() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["save", "box", "kept"]);
    let every = ["--rate", "1d", "--name", "nightly"];
    prism.ok(&[&["schedule", "create", "box", "kept"], &every[..]].concat());
    let plan = prism.ok(&["rename", "box", "genomics", "--dry-run"]);
    let follows = "These schedules would follow it: nightly.\n";
    assert!(plan.ends_with(&format!(") would be named genomics.\n{follows}")));
    assert_eq!(prism.ok(&["list", "--format", "name"]), "box\n");
    let told = prism.ok(&["rename", "box", "genomics"]);
    assert!(told.ends_with("is now named genomics.\n"), "{told}");
    prism.ok(&["launch", "ubuntu", "box"]);
    for args in [&[] as &[&str], &["--dry-run"]] {
        let taken = prism.refused(&[&["rename", "box", "genomics"], args].concat());
        assert_eq!(taken, ("InstanceNameTaken".to_owned(), 1));
    }
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
fn a_command_that_a_resize_suggests_can_be_pasted() {
    let prism = Prism::new(FAST);
    let region = ["--region", "us-west-2"];
    prism.ok(&[&["launch", "ubuntu", "my box"], &region[..]].concat());
    let resize = ["resize", "my box", "--size", "L", "--yes"];
    let told = prism.run(&[&resize[..], &region].concat());
    assert_eq!(told.code, 0, "{}", told.stderr);
    told.says("\"prism start 'my box' --region us-west-2\" starts it.");
}

#[test]
fn what_an_instance_costs_in_another_region_is_told_at_the_prices_of_us_east_1() {
    let prism = Prism::new(FAST);
    for (region, says) in [("us-east-1", false), ("us-west-2", true)] {
        let there = ["--region", region];
        let ok = |args: &[&str]| prism.ok(&[args, &there].concat());
        ok(&["launch", "ubuntu", region]);
        let show = ok(&["show", region]);
        let plan = ok(&["resize", region, "--size", "L", "--dry-run"]);
        let prices = "(prices of us-east-1)";
        let shown = [show, plan].map(|text| text.matches(prices).count());
        assert_eq!(shown, if says { [2, 2] } else { [0, 0] });
        let list = prism.run(&[&["list"][..], &there].concat());
        let note = list.stderr.contains("All prices are those of us-east-1.");
        assert_eq!(note, says, "{}", list.stderr);
    }
}

#[test]
fn a_launch_names_the_zones_that_refused_it() {
    let prism = Prism::new(FAST);
    outside(&prism, |admin| {
        let zone = "us-east-1a";
        let set = admin.set_capacity_in_zone(zone, "t3.large", Capacity::Refused);
        set.unwrap();
    });
    let told = prism.ok(&["launch", "ubuntu", "box"]);
    let refused = "refused in  us-east-1a (InsufficientInstanceCapacity)\n";
    assert!(told.contains(refused), "{told}");
}

#[test]
fn a_resize_that_leaves_an_instance_down_says_why() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    outside(&prism, |admin| {
        admin.deny("ModifyInstanceAttribute").unwrap();
        admin.deny("StartInstances").unwrap();
    });
    let told = prism.run(&["resize", "box", "--size", "L", "--yes"]);
    assert_eq!(told.code, 1, "{}", told.stderr);
    told.says("ModifyInstanceAttribute");
    told.says("It could not be started again either: ");
    told.says("StartInstances");
    told.says("Then start it: prism start box");
    assert_eq!(prism.state("box"), "stopped");
    outside(&prism, |admin| {
        admin.allow("ModifyInstanceAttribute").unwrap();
        admin.allow("StartInstances").unwrap();
    });
    prism.ok(&["start", "box"]);
    // Neither the new size nor the old one has room.
    capacity(&prism, "us-east-1", "*", Capacity::Refused);
    let told = prism.run(&["resize", "box", "--size", "L", "--yes"]);
    told.says("It could not be started with its old size either: ");
    let after = instance(&prism, "box");
    assert_eq!(after["instance"]["instance_type"], "t3.large");
}

/// The API sets only the types of sizes.
#[test]
fn an_instance_whose_old_type_is_no_size_stays_stopped_and_is_said_to() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let id = instance(&prism, "box")["instance"]["id"].clone();
    let id = id.as_str().unwrap();
    let parsed = id.parse().unwrap();
    outside(&prism, |admin| {
        let edited = admin.edit(&parsed, |facts| {
            "m5.large".clone_into(&mut facts.instance_type);
        });
        edited.unwrap();
    });
    // EC2's reason for a late failure follows a name, which anybody who can tag instances can write.
    let region: Region = "us-east-1".parse().unwrap();
    let cloud = Embedded::open(prism.home(), Path::new("prism")).unwrap();
    let ec2 = cloud.service().env.ec2;
    let named = ec2.rename_instance(&region, &parsed, "b\u{1b}[2Jx");
    futures::executor::block_on(named).unwrap();
    drop(cloud);
    capacity(&prism, "us-east-1", "g5.xlarge", Capacity::FailsLate);
    let told = prism.run(&["resize", id, "--size", "GPU-M", "--yes"]);
    assert_eq!(told.code, 1, "{}", told.stderr);
    told.says("It stays stopped as g5.xlarge, because its old type, m5.large, is not");
    assert!(!told.stderr.contains('\u{1b}'), "{:?}", told.stderr);
    // From the type of a size, it gets back to that.
    prism.ok(&["resize", id, "--size", "M"]);
    prism.ok(&["start", id]);
    let told = prism.run(&["resize", id, "--size", "GPU-M", "--yes"]);
    told.says("It gets its old size back.");
    told.says("It runs again with its old size.");
    assert!(!told.stderr.contains('\u{1b}'), "{:?}", told.stderr);
    let long = prism.ok(&["resize", "--help"]);
    let long = long.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        long.contains("it gets its old type back if that is the type of a size"),
        "{long}"
    );
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
