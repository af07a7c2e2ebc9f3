//! Commands on simulated instances say so, so that nobody takes them for instances on AWS.

mod common;

use common::{FAST, Prism};

const NOTE: &str = "embedded cloud (simulated)\n";

#[test]
fn every_command_on_simulated_instances_says_so_first() {
    let prism = Prism::new(FAST);
    for words in [
        "launch python-ml box",
        "list",
        "save box box-env --dry-run",
        "templates",
        "template info python-ml",
        "schedule create box box-env --cron 0\u{a0}2\u{a0}*\u{a0}*\u{a0}?\u{a0}*",
        "saves list",
        "project list",
        "keys list",
        "audit list",
        "exec box -- hostname",
        "terminate box --yes",
    ] {
        let words: Vec<String> = words
            .split(' ')
            .map(|it| it.replace('\u{a0}', " "))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let answer = prism.run(&words);
        assert_eq!(answer.code, 0, "{words:?}: {}", answer.stderr);
        assert!(
            answer.stderr.starts_with(NOTE),
            "{words:?}: {}",
            answer.stderr
        );
        assert!(!answer.stdout.contains("simulated"), "stdout is data alone");
    }
    // Whoever reads what a program wrote must not mistake it either. Its data and its errors stay as they are.
    for form in ["json", "yaml", "ids"] {
        let answer = prism.run(&["list", "--format", form]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, NOTE), "{form}");
    }
    let lost = prism.run(&["--json", "stop", "nothing"]);
    assert!(lost.stderr.starts_with(NOTE), "{}", lost.stderr);
    assert_eq!(lost.error()["code"], "InstanceNotFound");
    // Errors can be mistaken too; what is about the cloud itself, or quiet, cannot.
    let lost = prism.run(&["stop", "nothing"]);
    assert!(
        lost.code == 1 && lost.stderr.starts_with(NOTE),
        "{}",
        lost.stderr
    );
    for words in [&["local", "info"][..], &["-q", "list"]] {
        assert!(!prism.run(words).stderr.contains(NOTE.trim()));
    }
}
