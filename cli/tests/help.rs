//! The help and version texts and the manual, which must not open anything.

mod common;

use common::{answer, program};

fn help(args: &[&str]) -> String {
    let answer = answer(&program().args(args).output().expect("the program runs"));
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
        "connect",
        "open",
        "cp",
        "exec",
        "costs",
        "key",
        "notify",
        "region",
        "show",
        "help",
        "save",
        "saves",
        "schedule",
        "template",
        "project",
        "audit",
        "local",
        "configure",
        "doctor",
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
    insta::assert_snapshot!(sizes, @r#"
    , with on-demand prices in us-east-1:
      x86_64  XS      t3.small       2 CPU    2 GiB          $0.0208 per hour
      x86_64  S       t3.medium      2 CPU    4 GiB          $0.0416 per hour
      x86_64  M       t3.large       2 CPU    8 GiB          $0.0832 per hour
      x86_64  L       t3.xlarge      4 CPU   16 GiB          $0.1664 per hour
      x86_64  XL      t3.2xlarge     8 CPU   32 GiB          $0.3328 per hour
      x86_64  GPU-S   g4dn.xlarge    4 CPU   16 GiB  1 T4    $0.5260 per hour
      x86_64  GPU-M   g5.xlarge      4 CPU   16 GiB  1 A10G  $1.0060 per hour
      x86_64  GPU-L   g5.2xlarge     8 CPU   32 GiB  1 A10G  $1.2120 per hour
      x86_64  GPU-XL  g5.12xlarge   48 CPU  192 GiB  4 A10G  $5.6720 per hour
      arm64   XS      t4g.small      2 CPU    2 GiB          $0.0168 per hour
      arm64   S       t4g.medium     2 CPU    4 GiB          $0.0336 per hour
      arm64   M       t4g.large      2 CPU    8 GiB          $0.0672 per hour
      arm64   L       t4g.xlarge     4 CPU   16 GiB          $0.1344 per hour
      arm64   XL      t4g.2xlarge    8 CPU   32 GiB          $0.2688 per hour
      arm64   GPU-S   g5g.xlarge     4 CPU    8 GiB  1 T4G   $0.4200 per hour
      arm64   GPU-M   g5g.2xlarge    8 CPU   16 GiB  1 T4G   $0.5560 per hour
      arm64   GPU-L   g5g.4xlarge   16 CPU   32 GiB  1 T4G   $0.8280 per hour
      arm64   GPU-XL  g5g.16xlarge  64 CPU  128 GiB  2 T4G   $2.7440 per hour
    "#);
}

#[test]
fn the_help_of_projects_says_who_is_left_out_and_who_stays() {
    let words = |args: &[&str]| {
        let text = help(&[args, &["--help"]].concat());
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for (args, sentence) in [
        (
            &["project", "launch"][..],
            "Members who have one already are left out, so repeat an interrupted command to continue it.",
        ),
        (
            &["project", "member", "add"],
            "Adding somebody who is already a member is no error; they keep their role, unless you name another.",
        ),
        (
            &["project", "link", "revoke"],
            "Revoke a join link; those who have joined with it stay members",
        ),
    ] {
        let text = words(args);
        assert!(text.contains(sentence), "{text}");
    }
}

#[test]
fn the_worker_is_hidden() {
    assert!(!help(&["local", "--help"]).contains("run "));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = help(&["completions", shell]);
        assert!(script.contains("PRISM_COMPLETE"), "{shell}: {script}");
        let whole = script.starts_with("COMP_WORDBREAKS=${COMP_WORDBREAKS//@}\n");
        assert_eq!(whole, shell == "bash", "{script}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    assert_eq!(help(&["man", pages.to_str().unwrap()]), "");
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("prism.1").contains("prism launch python\\-ml my\\-research"));
    assert!(page("prism-template-show.1").contains("\\-\\-packages"));
    // It is of use for a release only.
    assert!(!pages.join("prism-man.1").exists());
    assert!(!help(&["-h"]).contains("  man "));
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
