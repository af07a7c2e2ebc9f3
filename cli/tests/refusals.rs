//! Every invalid request has its own error code and the right exit code, and changes nothing.

mod common;

use std::path::Path;

use common::{FAST, Prism, settings};
use prism_local::Embedded;

fn with_box() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism
}

#[test]
fn an_error_is_told_with_a_hint_and_never_grows() {
    let prism = with_box();
    let mut text = prism.told(&["save", "box", "Naïve $(name)"]);
    text.push_str(&prism.told(&["save", "nope", "box-env"]));
    text.push_str(&prism.told(&["save", "box", "box-env", "--region", "mars-north-1"]));
    settings().bind(|| { insta::assert_snapshot!(text, @r#"
    $ prism save box Naïve $(name)
    error[InvalidName]: The template name "Naïve $(name)" is not valid: it must have 3 to 64 lowercase letters, digits, ".", "_" or "-", starting with a letter or digit.
    hint: Use a name that follows the rule in the message.
    [exit 2]
    $ prism save nope box-env
    error[InstanceNotFound]: You have no instance "nope" in us-east-1.
    hint: "prism list" shows the instances you can save.
    [exit 1]
    $ prism save box box-env --region mars-north-1
    error[InvalidRegion]: The Region mars-north-1 does not exist or is not enabled for the account.
    hint: Enabled Regions: ap-northeast-1, ap-south-1, ap-southeast-2, ca-central-1, eu-central-1, eu-north-1, eu-west-1, us-east-1, us-east-2, us-west-2.
    [exit 2]
    "#); });
    let long = prism.run(&["save", "box", &"x".repeat(10_000)]);
    assert!(long.stderr.len() < 500, "{}", long.stderr);
}

#[test]
fn two_instances_of_one_name_are_told_apart_by_their_ids() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "twin", "--request-id", "first"]);
    // The same request ID returns the same instance, and another one gets no second instance of this name.
    prism.ok(&["launch", "ubuntu", "twin", "--request-id", "first"]);
    let second = prism.refused(&["launch", "ubuntu", "twin", "--request-id", "second"]);
    assert_eq!(second, ("InstanceNameTaken".to_owned(), 1));
    // Somebody gives another instance the same name in the console.
    let other = prism.run(&["launch", "ubuntu", "other", "--json"]).json();
    let id = other["instance"]["id"].as_str().unwrap().parse().unwrap();
    let cloud = Embedded::open(prism.home(), Path::new("prism")).unwrap();
    let ec2 = cloud.service().env.ec2;
    let region = "us-east-1".parse().unwrap();
    futures::executor::block_on(ec2.rename_instance(&region, &id, "twin")).unwrap();
    let list = prism.run(&["list", "--json"]).json();
    let ids: Vec<&str> = list["instances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|instance| instance["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    let answer = prism.run(&["save", "twin", "twin-env"]);
    assert_eq!(answer.code, 1);
    let told = answer
        .stderr
        .trim_start_matches("embedded cloud (simulated)\n");
    assert!(told.starts_with("error[InstanceNameAmbiguous]:"), "{told}");
    assert!(
        ids.iter().all(|id| answer.stderr.contains(id)),
        "{}",
        answer.stderr
    );
    prism.ok(&["save", ids[0], "twin-env"]);
}

#[test]
fn what_cannot_be_stopped_and_started_is_not_saved() {
    let prism = Prism::new(FAST);
    for (feature, code) in [
        ("--spot", "SpotInstance"),
        ("--auto-scaling", "AutoScalingMember"),
        ("--instance-store-root", "InstanceStoreRoot"),
    ] {
        let name = feature.trim_start_matches('-');
        prism.ok(&["launch", "ubuntu", name]);
        prism.ok(&["local", "alter", name, feature]);
        assert_eq!(
            prism.refused(&["save", name, "some-env"]),
            (code.to_owned(), 1)
        );
        assert_eq!(prism.state(name), "running");
    }
    prism.ok(&["launch", "ubuntu", "product"]);
    prism.ok(&["local", "alter", "product", "--product-code"]);
    prism.ok(&["local", "settings", "--public-scope", "world"]);
    let public = ["save", "product", "some-env", "--public"];
    assert_eq!(prism.refused(&public), ("MarketplacePublic".to_owned(), 1));
    prism.ok(&["save", "product", "some-env"]);
}

#[test]
fn data_in_the_instance_store_is_lost_only_by_consent() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "python-ml", "gpu-box", "--size", "GPU-S"]);
    let save = ["save", "gpu-box", "gpu-env"];
    assert_eq!(prism.refused(&save), ("InstanceStoreData".to_owned(), 1));
    let accept = [&save[..], &["--accept-instance-store-loss", "gpu-box"]].concat();
    prism.ok(&accept);
}

#[test]
fn an_instance_between_two_states_is_not_saved() {
    let prism = with_box();
    prism.ok(&["local", "speed", "0.1"]);
    prism.ok(&["stop", "box", "--no-wait"]);
    assert_eq!(
        prism.refused(&["save", "box", "box-env"]),
        ("InstanceStateWrong".to_owned(), 1)
    );
    assert_eq!(
        prism.refused(&["start", "box"]),
        ("InstanceStateWrong".to_owned(), 1)
    );
    assert_eq!(
        prism.refused(&["exec", "box", "--", "ls"]),
        ("InstanceStateWrong".to_owned(), 1)
    );
}

#[test]
fn a_description_comes_out_as_it_went_in() {
    let prism = with_box();
    for (number, text) in [
        "$(reboot) `id` ; | & > /dev/null",
        "it's \"quoted\" \\ twice",
        "yes: no # - {x} [y] *z &a !!int @b %c",
        "ünïcödé 数据 🧬 \u{202e}turned",
        "- null",
        "~",
    ]
    .into_iter()
    .enumerate()
    {
        let description = format!("--description={text}");
        prism.ok(&["save", "box", "box-env", &description]);
        let reference = format!("box-env@{}", number + 1);
        let info = prism
            .run(&["template", "info", &reference, "--json"])
            .json();
        assert_eq!(info["version"]["description"], text);
        let yaml = prism.ok(&["template", "export", &reference]);
        let file = prism_functions::domain::template_file::TemplateFile::from_yaml(&yaml).unwrap();
        assert_eq!(file.description, text);
        // The character must not reverse the line on a terminal.
        assert!(!prism.ok(&["templates"]).contains('\u{202e}'));
    }
}

#[test]
fn an_export_replaces_no_file_unless_told_to() {
    let prism = with_box();
    prism.ok(&["save", "box", "box-env"]);
    let file = prism.home().join("box-env.yaml");
    let export = [
        "template",
        "export",
        "box-env",
        "--output",
        file.to_str().unwrap(),
    ];
    prism.ok(&export);
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, prism.ok(&["template", "export", "box-env"]));
    std::fs::write(&file, "mine").unwrap();
    assert_eq!(prism.refused(&export), ("LocalIo".to_owned(), 1));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    prism.ok(&[&export[..], &["--force"]].concat());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    let folder = [
        "template",
        "export",
        "box-env",
        "--output",
        prism.home().to_str().unwrap(),
    ];
    assert_eq!(prism.refused(&folder), ("LocalIo".to_owned(), 1));
}
