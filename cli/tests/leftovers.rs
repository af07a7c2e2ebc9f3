//! Finding and fixing leftovers of saves on the command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::path::Path;

use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::tags::{DEPLOYMENT_TAG, SAVE_TAG};
use prism_functions::ports::{ImageFilter, ImageState, InstanceFilter, NewImage, Tags};
use prism_local::Embedded;
use serde_json::Value;

use common::{FAST, Prism};

/// A cloud with an AMI left by a save without a record: of this deployment, of another one, or of an unknown one.
fn littered(deployment: Option<&str>) -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "work"]);
    prism.ok(&["save", "work", "kept"]);
    let cloud = Embedded::open(prism.home(), Path::new("prism")).unwrap();
    let env = cloud.service().env;
    let ours = futures::executor::block_on(env.deployment()).unwrap();
    let deployment = deployment.map(|id| id.replace("ours", ours.as_str()));
    let ec2 = &env.ec2;
    let region = "us-east-1".parse().unwrap();
    let named = InstanceFilter::Tag("Name".to_owned(), "work".to_owned());
    let found = futures::executor::block_on(ec2.instances(&region, &named)).unwrap();
    let late = NewImage {
        instance: found[0].id.clone(),
        name: "late".to_owned(),
        reboot: false,
        exclude: std::collections::BTreeSet::new(),
        description: String::new(),
        tags: [(SAVE_TAG.to_owned(), "save-00000000".to_owned())]
            .into_iter()
            .chain(deployment.map(|id| (DEPLOYMENT_TAG.to_owned(), id)))
            .collect::<Tags>(),
    };
    futures::executor::block_on(ec2.create_image(&region, &late)).unwrap();
    prism.until("work", |it| it["state"] == "running");
    prism
}

fn leftovers(prism: &Prism) -> Vec<Value> {
    // The command fails if something is open to an unauthorised account.
    let told = prism.run(&["doctor", "--json"]);
    let doctor: Value = serde_json::from_str(&told.stdout).unwrap();
    doctor["leftovers"].as_array().unwrap().clone()
}

#[test]
fn what_is_left_over_is_listed_and_fixed_after_a_question() {
    let prism = littered(Some("ours"));
    let told = prism.run(&["doctor"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    told.prints("AMI ami-");
    told.prints("of save-00000000");
    told.prints("prism doctor --fix --remove-unexplained");
    let left = leftovers(&prism);
    assert_eq!(left[0]["kind"], "image");
    // Without a terminal nobody can confirm, so nothing is changed.
    let asked = ["doctor", "--fix", "--remove-unexplained"];
    assert_eq!(prism.refused(&asked), ("ConfirmationNeeded".to_owned(), 2));
    assert_eq!(leftovers(&prism).len(), left.len());
    // `--yes` does not cover this AMI, because no record explains it.
    let kept = prism.run(&["doctor", "--fix", "--yes", "--json"]).json();
    assert_eq!(kept["fixed"], Value::Null, "{kept:#}");
    assert_eq!(leftovers(&prism).len(), left.len());
    let remove = ["doctor", "--fix", "--remove-unexplained", "--yes"];
    let fixed = prism.run(&[&remove[..], &["--json"]].concat()).json();
    assert_eq!(fixed["fixed"][0]["result"], "done", "{fixed:#}");
    // Its snapshots may have appeared after the check.
    prism.ok(&remove);
    assert!(leftovers(&prism).is_empty());
    let well = prism.ok(&["doctor"]);
    assert!(well.contains("none in 10 Regions"), "{well}");
    // What the version uses still exists.
    prism.ok(&["launch", "kept", "again"]);
}

#[test]
fn an_ami_that_is_open_to_a_stranger_is_told_loudly_and_closed() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "work"]);
    prism.ok(&["save", "work", "kept"]);
    prism.ok(&["template", "share", "kept", "--user", "bob", "--yes"]);
    assert!(leftovers(&prism).is_empty());
    let info = prism.run(&["template", "info", "kept", "--json"]).json();
    let image = info["version"]["amis"]["us-east-1"]["x86_64"].as_str();
    let image = image.unwrap_or_else(|| panic!("{info:#}")).parse().unwrap();
    let cloud = Embedded::open(prism.home(), Path::new("prism")).unwrap();
    let ec2 = cloud.service().env.ec2;
    let region = "us-east-1".parse().unwrap();
    let stranger = [LaunchPermission::Account("777788889999".parse().unwrap())];
    let opened = ec2.add_launch_permissions(&region, &image, &stranger);
    futures::executor::block_on(opened).unwrap();
    let told = prism.run(&["doctor"]);
    assert_eq!(told.code, 1, "{}", told.stdout);
    told.prints("fail  launch permissions");
    let named = format!("AMI {image} of kept@1 in us-east-1");
    told.prints(&named);
    assert!(told.stdout.contains("the account 777788889999"));
    let left = leftovers(&prism);
    assert_eq!(left[0]["kind"], "permissions", "{left:?}");
    assert_eq!(left[0]["open_to"][0]["account"], "777788889999");
    let fixed = prism.ok(&["doctor", "--fix", "--yes"]);
    assert!(fixed.contains("set to match the grants"), "{fixed}");
    assert!(leftovers(&prism).is_empty());
    let held = futures::executor::block_on(ec2.launch_permissions(&region, &image));
    assert_eq!(held.unwrap(), []);
}

/// AMIs of another deployment in the account are not listed. AMIs without a creator tag are listed, and kept.
#[test]
fn what_may_be_anothers_is_never_removed() {
    for (deployment, listed) in [(Some("another-deployment"), 0), (None, 2)] {
        let prism = littered(deployment);
        let told = prism.run(&["doctor", "--json"]).json();
        assert_eq!(told["leftovers"], serde_json::json!([]), "{told:#}");
        let unknown = told["unknown"].as_array().unwrap();
        assert_eq!(unknown.len(), listed, "{told:#}");
        prism.ok(&["doctor", "--fix", "--remove-unexplained", "--yes"]);
        let cloud = Embedded::open(prism.home(), Path::new("prism")).unwrap();
        let region = "us-east-1".parse().unwrap();
        let late = ImageFilter::OwnName("late".to_owned());
        let ec2 = cloud.service().env.ec2;
        let images = futures::executor::block_on(ec2.images(&region, &late)).unwrap();
        assert_eq!(images[0].state, ImageState::Available);
    }
}
