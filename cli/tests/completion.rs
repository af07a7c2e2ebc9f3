//! Completion by the shell: of commands, options and names.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{FAST, Prism, answer};

/// What the shell is offered after these words.
fn offered(prism: &Prism, words: &[&str]) -> Vec<String> {
    let index = words.len().to_string();
    let line = [&["--", "prism"], words].concat();
    let mut command = prism.command(&line);
    command
        .env("PRISM_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", index)
        .env("_CLAP_IFS", "\n");
    let answer = answer(&command.output().unwrap());
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    answer.stdout.lines().map(str::to_owned).collect()
}

fn furnished() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "my-research"]);
    prism.ok(&["launch", "ubuntu", "my-other", "--region", "us-west-2"]);
    prism.ok(&["save", "my-research", "my-env", "--yes"]);
    prism.ok(&["project", "create", "brain-imaging"]);
    let nightly = [
        "schedule",
        "create",
        "my-research",
        "my-env",
        "--rate",
        "1d",
    ];
    prism.ok(&[&nightly[..], &["--name", "nightly"]].concat());
    prism
}

#[test]
fn names_of_every_kind_are_completed() {
    let prism = furnished();
    let saves = prism.ok(&["saves", "list", "--format", "ids"]);
    for (words, expected) in [
        (&["sto"][..], "stop"),
        (&["template", "sh"], "show"),
        (&["stop", "my"], "my-research"),
        (&["stop", "--region", "us-west-2", "my"], "my-other"),
        (&["save", "my"], "my-research"),
        (&["save", "my-research", ""], "my-env"),
        (&["launch", ""], "python-ml"),
        (&["template", "show", "my"], "my-env"),
        (&["template", "info", "my"], "my-env"),
        (&["template", "show", "my-env@"], "my-env@1"),
        (&["template", "diff", "my-env", "my-env@1"], "my-env@1"),
        (&["launch", "my-env@"], "my-env@1"),
        (&["list", "--template", "my-env@"], "my-env@1"),
        (&["project", "show", ""], "brain-imaging"),
        (&["launch", "my-env", "x", "--project", ""], "brain-imaging"),
        (&["schedule", "show", ""], "nightly"),
        (&["saves", "show", ""], saves.trim()),
        (&["launch", "my-env", "x", "--region", "eu-w"], "eu-west-1"),
        (
            &["save", "my-research", "my-env", "--copy-to", "eu-w"],
            "eu-west-1",
        ),
        (&["launch", "my-env", "x", "--no-w"], "--no-wait"),
    ] {
        let offered = offered(&prism, words);
        assert!(
            offered.iter().any(|it| it == expected),
            "{words:?}: {offered:?}"
        );
    }
    for other in ["my-env@2", "ubuntu@", "@", "none@"] {
        let offered = offered(&prism, &["template", "show", other]);
        assert_eq!(offered, [""; 0], "{other}");
    }
    // Another user has other instances.
    let bobs = offered(&prism, &["--as", "bob", "stop", ""]);
    assert!(!bobs.contains(&"my-research".to_owned()), "{bobs:?}");
}

/// A folder that does not exist is not created by a key that is pressed.
#[test]
fn completion_changes_nothing() {
    let prism = Prism::empty();
    let home = prism.home().join("none");
    let folder = home.to_str().unwrap();
    offered(&prism, &["--home", folder, "stop", ""]);
    assert!(!home.exists());
}
