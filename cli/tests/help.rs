//! What the program says about itself, without opening anything.

mod common;

use common::{answer, program};

fn help(args: &[&str]) -> String {
    let answer = answer(&program().args(args).output().unwrap());
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(answer.stderr, "");
    answer.stdout
}

#[test]
fn help_names_the_commands_and_needs_no_home() {
    let short = help(&["-h"]);
    for command in [
        "launch",
        "list",
        "stop",
        "start",
        "terminate",
        "exec",
        "save",
        "saves",
        "templates",
        "template",
        "local",
        "completions",
    ] {
        let line = format!("  {command} ");
        assert!(short.contains(&line), "{command} in {short}");
    }
    assert!(!short.contains("Examples:"));
    assert!(help(&["--help"]).contains("prism launch python-ml my-research"));
    assert!(help(&["save", "--help"]).contains("--accept-instance-store-loss <NAME>"));
    assert!(help(&["exec", "--help"]).contains("runs no programs"));
}

#[test]
fn the_help_of_launch_says_what_each_size_is() {
    let text = help(&["launch", "--help"]);
    let sizes = text
        .split("Sizes")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    insta::assert_snapshot!(sizes, @"");
}

#[test]
fn the_worker_is_hidden() {
    assert!(!help(&["local", "--help"]).contains("run "));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = help(&["completions", shell]);
        assert!(script.contains("accept-instance-store-loss"), "{shell}");
    }
}

#[test]
fn wrong_arguments_are_2() {
    for args in [
        &["frobnicate"][..],
        &["save", "a"],
        &["launch", "a", "b", "--arch", "z80"],
        &[],
    ] {
        let answer = answer(&program().args(args).output().unwrap());
        assert_eq!(answer.code, 2, "{args:?}");
        assert_eq!(answer.stdout, "");
    }
}
