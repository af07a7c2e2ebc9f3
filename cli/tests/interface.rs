//! The grammar of the commands, and what they tell people: suggestions, hints, notes, and next steps.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{Answer, FAST, Prism};

fn with_box() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism
}

fn with_template() -> Prism {
    let prism = with_box();
    prism.ok(&["save", "box", "box-env", "--yes"]);
    prism
}

/// The hint of an error.
fn hint(answer: &Answer) -> &str {
    let (_, hint) = answer.stderr.split_once("hint: ").unwrap_or_default();
    hint.trim_end()
}

#[test]
fn the_next_command_can_be_pasted() {
    let prism = Prism::new(FAST);
    let odd = prism.ok(&["launch", "ubuntu", "a;rm -rf b"]);
    assert!(
        odd.ends_with("Next: prism exec 'a;rm -rf b' -- pip install PACKAGE\n"),
        "{odd}"
    );
    let west = prism.ok(&["launch", "ubuntu", "west", "--region", "us-west-2"]);
    assert!(
        west.ends_with("Next: prism exec west --region us-west-2 -- pip install PACKAGE\n"),
        "{west}"
    );
}

#[test]
fn an_instance_in_another_region_is_found_again() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "west", "--region", "us-west-2"]);
    let stop = prism.run(&["stop", "west"]);
    assert!(
        hint(&stop).starts_with("You have one in us-west-2: add --region us-west-2."),
        "{}",
        stop.stderr
    );
    let save = prism.run(&["save", "west", "west-env"]);
    assert!(
        hint(&save).contains("add --from-region us-west-2."),
        "{}",
        save.stderr
    );
    prism.ok(&[
        "save",
        "west",
        "west-env",
        "--from-region",
        "us-west-2",
        "--yes",
    ]);
}

/// A schedule stays in its Region, so no option can name the one of another instance.
#[test]
fn no_option_is_suggested_that_a_command_does_not_have() {
    let prism = with_box();
    prism.ok(&["schedule", "create", "box", "box-env", "--rate", "1d"]);
    prism.ok(&["launch", "ubuntu", "west", "--region", "us-west-2"]);
    let edit = prism.run(&["schedule", "edit", "box-env", "--instance", "west"]);
    edit.says("error[InstanceNotFound]:");
    assert!(!hint(&edit).contains("add --"), "{}", edit.stderr);
    let create = prism.run(&["schedule", "create", "west", "west-env", "--rate", "1d"]);
    assert!(
        hint(&create).contains("add --from-region us-west-2."),
        "{}",
        create.stderr
    );
}

#[test]
fn a_profile_that_is_named_goes_before_the_variable() {
    let prism = Prism::empty();
    let (demo, config) = (prism.home().join("demo"), prism.home().join("config.toml"));
    let run = |args: &[&str]| {
        let output = prism.command(args).env("PRISM_CONFIG", &config).output();
        common::answer(&output.unwrap())
    };
    let demo = demo.to_str().unwrap();
    let configured = run(&["configure", "--local", "--name", "demo", "--home", demo]);
    assert_eq!(configured.code, 0, "{}", configured.stderr);
    assert_eq!(
        run(&["--profile", "demo", "local", "show", "--json"]).json()["home"],
        demo
    );
    let other = prism.home().to_str().unwrap();
    assert_eq!(run(&["local", "show", "--json"]).json()["home"], other);
    let named = run(&[
        "--profile",
        "demo",
        "--home",
        other,
        "local",
        "show",
        "--json",
    ]);
    assert_eq!(named.json()["home"], other);
}

/// Each pair of spellings does the same. The first one is in the help.
#[test]
fn every_spelling_of_a_command_works() {
    let prism = with_template();
    prism.ok(&["project", "create", "study"]);
    let nightly = [
        "schedule", "create", "box", "box-env", "--name", "nightly", "--rate", "1d",
    ];
    prism.ok(&nightly);
    let id = prism.ok(&["saves", "list", "--format", "ids"]);
    let id = id.trim();
    let pairs: &[(&[&str], &[&str])] = &[
        (&["template", "list"], &["templates"]),
        (&["template", "list"], &["template", "ls"]),
        (&["template", "list", "--mine"], &["templates", "--mine"]),
        (
            &["template", "show", "box-env"],
            &["template", "info", "box-env"],
        ),
        (&["saves", "list"], &["save", "list"]),
        (&["saves", "list"], &["saves", "ls"]),
        (&["saves", "show", id], &["saves", "status", id]),
        (&["saves", "show", id], &["save", "show", id]),
        (&["saves", "watch", id], &["save", "watch", id]),
        (&["project", "show", "study"], &["project", "info", "study"]),
        (&["project", "list"], &["projects", "ls"]),
        (
            &["schedule", "show", "nightly"],
            &["schedule", "info", "nightly"],
        ),
        (&["local", "settings"], &["local", "settings"]),
        (&["key", "list"], &["keys", "list"]),
        (&["region", "list"], &["regions"]),
        (&["list"], &["ls"]),
        (
            &["help", "template", "share"],
            &["template", "help", "share"],
        ),
        (
            &["save", "box", "e-2", "--copy-to", "eu-west-1", "--dry-run"],
            &["save", "box", "e-2", "--region", "eu-west-1", "--dry-run"],
        ),
        (
            &[
                "template",
                "copy",
                "box-env",
                "--copy-to",
                "eu-west-1",
                "--dry-run",
            ],
            &[
                "template",
                "copy",
                "box-env",
                "--region",
                "eu-west-1",
                "--dry-run",
            ],
        ),
    ];
    prism.ok(&["local", "speed", "0.1"]);
    for (usual, other) in pairs {
        // Costs grow and times come nearer between two commands: both are run again when one has changed.
        let equal = (0..3).any(|_| prism.ok(usual) == prism.ok(other));
        assert!(equal, "{usual:?} {other:?}");
    }
    prism.ok(&["local", "speed", FAST]);
    for old in ["info", "status"] {
        prism.ok(&["local", old]);
    }
    // An instance may have the name of a verb.
    prism.ok(&["launch", "ubuntu", "list"]);
    let saved = prism.ok(&["save", "list", "list-env", "--yes"]);
    assert!(saved.starts_with("list is saved as list-env@1."), "{saved}");
}

#[test]
fn help_explains_commands_and_topics() {
    let prism = Prism::empty();
    assert_eq!(prism.ok(&["help"]), prism.ok(&["--help"]));
    let share = prism.ok(&["help", "template", "share"]);
    assert!(share.contains("Usage: prism template share"), "{share}");
    let topics = prism.ok(&["help", "topics"]);
    for line in topics.lines().skip(1) {
        let topic = line.split_whitespace().next().unwrap();
        assert!(prism.ok(&["help", topic]).lines().count() > 3, "{topic}");
    }
    let odd = prism.run(&["help", "shraing"]);
    assert_eq!(odd.code, 2);
    odd.says("Did you mean sharing?");
}

#[test]
fn a_misspelt_name_gets_a_suggestion() {
    let prism = with_template();
    prism.ok(&["launch", "ubuntu", "my-research"]);
    prism.ok(&["project", "create", "study"]);
    for (args, meant) in [
        (&["stop", "my-reserch"][..], "my-research"),
        (&["launch", "python-mi", "x"], "python-ml"),
        (&["template", "show", "box-evn"], "box-env"),
        (&["project", "show", "stduy"], "study"),
        (&["list", "--region", "eu-wst-1"], "eu-west-1"),
        (&["launch", "box-evn@1", "y"], "box-env"),
    ] {
        let answer = prism.run(args);
        let expected = format!("Did you mean {meant}?");
        assert!(
            hint(&answer).starts_with(&expected),
            "{args:?}: {}",
            answer.stderr
        );
    }
    prism.run(&["template", "shwo", "box-env"]).says("'show'");
    let far = prism.run(&["stop", "zzzzzz"]);
    assert!(!far.stderr.contains("Did you mean"), "{}", far.stderr);
}

#[test]
fn what_failed_in_the_setup_of_an_instance_is_said() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "python-ml", "box"]);
    assert!(prism.ok(&["list"]).contains("running (ready)"));
    let shown = prism.run(&["show", "box", "--json"]).json();
    let file = prism.home().join("setup.json");
    let failed = serde_json::json!({
        "state": "failed", "step": "pip install jupyterlab", "output": "no route to host",
        "instance_id": shown["instance"]["id"],
    });
    std::fs::write(&file, failed.to_string()).unwrap();
    prism.ok(&[
        "cp",
        file.to_str().unwrap(),
        "box:/var/lib/prism/setup.json",
    ]);
    let listed = prism.run(&["list"]);
    assert!(
        listed.stdout.contains("running (setup failed)"),
        "{}",
        listed.stdout
    );
    let said = "The setup of box failed: pip install jupyterlab: no route to host";
    assert!(listed.stderr.contains(said), "{}", listed.stderr);
    let shown = prism.ok(&["show", "box"]);
    let said = "setup failed: pip install jupyterlab: no route to host";
    assert!(shown.contains(said), "{shown}");
}

#[test]
fn a_hint_is_about_what_was_done() {
    let prism = with_template();
    prism.ok(&["stop", "box"]);
    let exec = prism.run(&["exec", "box", "--", "ls"]);
    assert_eq!(hint(&exec), "Start it first: prism start box");
    let shell = prism.run(&["connect", "box", "--", "ls"]);
    assert_eq!(hint(&shell), "Start it first: prism start box");
    let notes = "x".repeat(2100);
    let long = prism.run(&["template", "edit", "box-env", "--notes", &notes]);
    long.says("at most 2000 are allowed");
    assert!(!hint(&long).contains("255"), "{}", long.stderr);
    let file = prism.home().join("file");
    std::fs::write(&file, "mine").unwrap();
    let home = prism.run(&["--home", file.to_str().unwrap(), "list"]);
    home.says("is a file, not a folder.");
    let project = prism.run(&["template", "list", "--project", "nope"]);
    assert_eq!(project.code, 1);
    project.says("error[ProjectNotFound]");
    let region = prism.run(&["list", "--region", "eu-west-9"]);
    region.says("does not exist");
    prism.ok(&["project", "create", "study"]);
    prism.ok(&[
        "project", "member", "add", "study", "bob", "--role", "viewer",
    ]);
    let launch = ["launch", "ubuntu", "his", "--project", "study"];
    let viewer = prism.run(&[&["--as", "bob"], &launch[..]].concat());
    assert_eq!(hint(&viewer), "Ask an owner or admin of the project.");
}

/// The README shows what it looks like before it explains how it works, in words that its readers know.
#[test]
fn the_readme_can_be_followed() {
    const README: &str = include_str!("../../README.md");
    let at = |part: &str| README.find(part).unwrap_or_else(|| panic!("no {part}"));
    assert!(at("```console\n$ prism launch") < at("## How a save works"));
    assert!(at("cargo demo") < at("## How a save works"));
    assert!(at("## How a save works") < at("PRISM_HOME"));
    // A server in the background is not ready for the next line.
    for odd in ["serve &", "mermaid", "the table", "sweep"] {
        assert!(!README.contains(odd), "{odd}");
    }
}

#[test]
fn a_share_says_whom_it_reaches() {
    let prism = with_template();
    // Nobody can be asked, so nobody but those who were named is reached.
    let share = ["template", "share", "box-env"];
    let unasked = prism.refused(&share);
    assert_eq!(unasked, ("ConfirmationNeeded".to_owned(), 2));
    let shares = prism.run(&["template", "shares", "box-env", "--json"]);
    assert_eq!(shares.json()["shares"], serde_json::json!([]));
    let everyone = prism.run(&[&share[..], &["--yes"]].concat());
    assert_eq!(everyone.code, 0, "{}", everyone.stderr);
    everyone.says("is in no project, so this shares it with everyone");
    let bob = prism.run(&["template", "share", "box-env", "--user", "bbo"]);
    bob.says("names of users are not checked");
    let quiet = prism.run(&["template", "share", "box-env", "--user", "carol", "-q"]);
    assert_eq!(quiet.stderr, "");
}

/// Where somebody can answer, a share with everybody is asked for.
#[test]
#[cfg(unix)]
fn a_share_with_everyone_is_asked_for() {
    let prism = with_template();
    let refused = prism.typed("n\n", &["template", "share", "box-env"]);
    refused.says("Share box-env with public? [y/N]");
    assert_eq!(refused.code, 1);
    assert_eq!(
        prism
            .run(&["template", "shares", "box-env", "--json"])
            .json()["shares"],
        serde_json::json!([])
    );
    let agreed = prism.typed("y\n", &["template", "share", "box-env"]);
    assert_eq!(agreed.code, 0, "{}", agreed.stderr);
}

#[test]
fn a_save_says_who_can_see_the_template() {
    let prism = with_box();
    let alone = prism.ok(&["save", "box", "course-env", "--yes"]);
    assert!(
        alone.contains("visible to  only you; share it: prism template share course-env"),
        "{alone}"
    );
    prism.ok(&["template", "share", "course-env", "--public"]);
    let public = prism.ok(&["save", "box", "course-env", "--yes"]);
    assert!(public.contains("visible to  everyone"), "{public}");
}

#[test]
fn quiet_means_the_result_alone() {
    let prism = Prism::new(FAST);
    let launched = prism.run(&["-q", "launch", "ubuntu", "box"]);
    assert_eq!(launched.stderr, "");
    assert!(!launched.stdout.contains("Next:"), "{}", launched.stdout);
    let saved = prism.run(&["-q", "save", "box", "box-env"]);
    assert_eq!(saved.stderr, "");
    assert!(!saved.stdout.contains("Next:"), "{}", saved.stdout);
    let with = prism.ok(&["-q", "template", "show", "box-env", "--packages"]);
    assert!(
        !with.contains("Next:") && !with.contains("with --packages"),
        "{with}"
    );
}

#[test]
fn a_list_is_filtered() {
    let prism = with_template();
    prism.ok(&["launch", "box-env", "other"]);
    prism.ok(&["stop", "box"]);
    let names = |args: &[&str]| prism.ok(&[&["list", "--format", "name"], args].concat());
    assert_eq!(names(&["--state", "running"]), "other\n");
    assert_eq!(names(&["--state", "stopped,running"]), "box\nother\n");
    assert_eq!(names(&["--template", "box-env"]), "other\n");
    assert_eq!(names(&["--template", "box-env@2"]), "");
    assert_eq!(names(&["--name", "ox"]), "box\n");
    assert_eq!(prism.run(&["list", "--state", "asleep"]).code, 2);
    let last = prism.ok(&["list", "--last-save"]);
    assert!(
        last.contains("LAST SAVE") && last.contains("as box-env@1"),
        "{last}"
    );
    let shown = prism.ok(&["show", "box"]);
    assert!(shown.contains("as box-env@1 (save-"), "{shown}");
}

/// A list that is watched is printed again when it changes.
#[test]
fn a_list_is_watched() {
    use std::io::{BufRead as _, BufReader};
    let prism = with_box();
    let mut child = prism.spawn(&["list", "--watch", "--format", "name,state"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "box\trunning");
    prism.ok(&["stop", "box"]);
    let stopped = lines
        .map(Result::unwrap)
        .find(|line| line == "box\tstopped");
    assert!(stopped.is_some());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_beginning_of_an_id_is_enough() {
    let prism = with_template();
    let instance = prism.ok(&["list", "--format", "ids"]);
    let save = prism.ok(&["saves", "list", "--format", "ids"]);
    let (instance, save) = (&instance.trim()[..8], &save.trim()[..10]);
    assert!(prism.ok(&["show", instance]).starts_with("box (i-"));
    assert!(
        prism
            .ok(&["saves", "show", save])
            .contains("as box-env@1 succeeded")
    );
    prism.ok(&["stop", instance]);
    assert_eq!(prism.state("box"), "stopped");
}

#[test]
fn several_names_fit_into_one_command() {
    let prism = with_template();
    prism.ok(&["launch", "ubuntu", "other"]);
    let stopped = prism.run(&["stop", "box", "other", "--json"]).json();
    assert_eq!(stopped["instances"].as_array().unwrap().len(), 2);
    prism.ok(&["start", "box", "other"]);
    prism.ok(&[
        "template",
        "share",
        "box-env",
        "--user",
        "bob,carol",
        "--user",
        "dan",
    ]);
    let shares = prism
        .run(&["template", "shares", "box-env", "--json"])
        .json();
    assert_eq!(shares["shares"].as_array().unwrap().len(), 3);
    prism.ok(&["template", "unshare", "box-env", "--user", "bob,carol"]);
    prism.ok(&["project", "create", "study"]);
    prism.ok(&[
        "project", "member", "add", "study", "bob", "carol", "--role", "viewer",
    ]);
    prism.ok(&["project", "member", "remove", "study", "bob", "carol"]);
    prism.ok(&["terminate", "box", "other", "--yes"]);
    assert_eq!(
        prism.ok(&["list", "--format", "ids", "--state", "running"]),
        ""
    );
}

/// Money has one form in texts: dollars and cents after the sign.
#[test]
fn money_has_one_form() {
    let prism = with_box();
    prism.ok(&["project", "create", "study"]);
    prism.ok(&[
        "project",
        "budget",
        "study",
        "--limit",
        "0.01",
        "--hard-stop",
    ]);
    let refused = prism.run(&["save", "box", "box-env", "--project", "study"]);
    assert_eq!(refused.code, 1);
    assert!(
        !refused.stderr.contains("USD") && refused.stderr.contains('$'),
        "{}",
        refused.stderr
    );
    let limit = prism.run(&["project", "budget", "study", "--limit", "0"]);
    assert!(!limit.stderr.contains("USD"), "{}", limit.stderr);
}

/// The differences between versions have numbers as numbers, and times as everything else has them.
#[test]
fn a_difference_has_numbers_and_times() {
    let prism = with_template();
    prism.ok(&["exec", "box", "--", "pip", "install", "torch"]);
    prism.ok(&["save", "box", "box-env", "--yes"]);
    let diff = prism
        .run(&["template", "diff", "box-env@1", "box-env@2", "--json"])
        .json();
    let field = |name: &str| {
        let fields = diff["fields"].as_array().unwrap();
        fields.iter().find(|it| it["field"] == name).unwrap()["to"].clone()
    };
    let date = field("saved_date");
    assert_eq!(
        date.as_str().unwrap().len(),
        "2026-11-29T22:01:55Z".len(),
        "{date}"
    );
    assert!(
        field("snapshot_bytes").is_u64() && field("usd_per_month").is_f64(),
        "{diff}"
    );
}

/// On a terminal, finished steps stay visible with their duration, and a second save has an estimate.
#[test]
#[cfg(unix)]
fn finished_steps_stay_and_the_end_is_estimated() {
    let prism = Prism::new("100");
    prism.ok(&["launch", "ubuntu", "box"]);
    let save = ["save", "box", "box-env", "--yes"];
    let first = prism.on_terminal(120, &save);
    for step in [
        "✓ Stopping the instance · ",
        "✓ Starting the instance again · ",
        "✓ Finishing · ",
    ] {
        assert_eq!(first.matches(step).count(), 1, "{step}: {first}");
    }
    assert!(!first.contains(" left"), "{first}");
    let second = prism.on_terminal(120, &save);
    assert!(second.contains(" left"), "{second}");
}
