//! Each invalid request, its error code and its exit code.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;
#[path = "bad_input/named.rs"]
mod named;

use common::{FAST, Prism};
use named::NAMED;

/// The arguments, the expected error code, and the expected exit code.
const CASES: &[(&[&str], &str, i32)] = &[
    (&["save", "nope", "box-env"], "InstanceNotFound", 1),
    (
        &["save", "i-0123456789abcdef0", "box-env"],
        "InstanceNotFound",
        1,
    ),
    (&["save", "", "box-env"], "InvalidName", 2),
    (&["save", "a\u{7}b", "box-env"], "InvalidName", 2),
    (&["save", "box", "näme"], "InvalidName", 2),
    (&["save", "box", "$(reboot)"], "InvalidName", 2),
    (&["save", "box", "../../etc"], "InvalidName", 2),
    (&["save", "box", "a b; c"], "InvalidName", 2),
    (&["save", "box", "python-ml"], "TemplateNameTaken", 1),
    (
        &["save", "box", "box-env", "--description", "a\u{1b}[2J"],
        "InvalidDescription",
        2,
    ),
    (
        &["save", "box", "box-env", "--region", "mars-north-1"],
        "InvalidRegion",
        2,
    ),
    (
        &["save", "box", "box-env", "--region", "mars"],
        "InvalidRegion",
        2,
    ),
    (
        &["save", "box", "box-env", "--region", "us-east-1"],
        "InvalidRegion",
        2,
    ),
    (
        &["save", "box", "box-env", "--from-region", "mars-north-1"],
        "InvalidRegion",
        2,
    ),
    (
        &["save", "box", "box-env", "--from-region", "us-west-2"],
        "InstanceNotFound",
        1,
    ),
    (
        &["save", "box", "box-env", "--tag", "plain"],
        "InvalidTag",
        2,
    ),
    (
        &["save", "box", "box-env", "--tag", "prism:owner=bob"],
        "InvalidTag",
        2,
    ),
    (
        &["save", "box", "box-env", "--tag", "a=1", "--tag", "a=2"],
        "InvalidTag",
        2,
    ),
    (
        &["save", "box", "box-env", "--project", "No!"],
        "InvalidName",
        2,
    ),
    (
        &["save", "box", "box-env", "--request-id", "a b"],
        "InvalidRequestId",
        2,
    ),
    (
        &["--as", "bob", "save", "box", "box-env"],
        "InstanceNotFound",
        1,
    ),
    (&["--as", "b b", "list"], "InvalidName", 2),
    (&["launch", "nope-env", "other"], "TemplateNotFound", 1),
    (&["launch", "python-ml@7", "other"], "VersionNotFound", 1),
    (&["launch", "python-ml@zero", "other"], "InvalidName", 2),
    (
        &["launch", "python-ml", "other", "--size", "XXL"],
        "InvalidSize",
        2,
    ),
    (
        &["launch", "python-ml", "other", "--region", "mars-north-1"],
        "InvalidRegion",
        2,
    ),
    (&["launch", "python-ml", "box"], "InstanceNameTaken", 1),
    (
        &["launch", "python-ml", "i-0123456789abcdef0"],
        "InvalidName",
        2,
    ),
    (&["terminate", "box"], "ConfirmationNeeded", 2),
    (&["exec", "nope", "--", "ls"], "InstanceNotFound", 1),
    (&["saves", "status", "save-0123456789"], "SaveNotFound", 1),
    (&["saves", "watch", "save-0123456789"], "SaveNotFound", 1),
    (&["saves", "cancel", "save-0123456789"], "SaveNotFound", 1),
    (&["saves", "status", "nonsense"], "InvalidName", 2),
    (&["template", "info", "nope-env"], "TemplateNotFound", 1),
    (&["template", "export", "python-ml"], "TemplateNotFound", 1),
    (&["local", "speed", "0"], "InvalidInput", 2),
    (&["local", "speed", "NaN"], "InvalidInput", 2),
];

fn with_box() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism
}

#[test]
fn each_bad_input_has_its_code_and_changes_nothing() {
    let prism = with_box();
    let before = prism.ok(&["list", "--json"]);
    for (args, code, exit) in CASES {
        assert_eq!(prism.refused(args), ((*code).to_owned(), *exit), "{args:?}");
    }
    assert_eq!(prism.ok(&["list", "--json"]), before);
}

/// For every field of every command: an invalid value is refused with an error that names it, and nothing is changed.
#[test]
fn each_odd_word_is_named_and_changes_nothing() {
    let prism = with_box();
    let sight = || {
        let lists: [&[&str]; 4] = [
            &["templates", "--json"],
            &["schedule", "list", "--json"],
            &["project", "list", "--json"],
            &["audit", "list", "--json"],
        ];
        lists.map(|args| prism.ok(args))
    };
    let before = sight();
    for (args, code, names) in NAMED {
        let answer = prism.run(&[&["--json"], *args].concat());
        let error = answer.error();
        assert_eq!(error["code"], *code, "{args:?}: {error}");
        assert_ne!(answer.code, 0, "{args:?}");
        let told = error["message"].as_str().unwrap();
        assert!(told.contains(names), "{args:?}: {told}");
        assert!(
            told.len() < 700 && !told.contains(char::is_control),
            "{told}"
        );
    }
    assert_eq!(sight(), before);
}

#[test]
fn what_is_too_much_is_told_shortly() {
    let prism = with_box();
    let long = "x".repeat(10_000);
    let text = "d".repeat(256);
    let regions: Vec<String> = (1..12).map(|number| format!("us-east-{number}")).collect();
    let regions = regions.join(",");
    let cases: &[(&[&str], &str)] = &[
        (&["save", &long, "box-env"], "InvalidName"),
        (&["save", "box", &long], "InvalidName"),
        (&["launch", &long, "other"], "InvalidName"),
        (&["launch", "ubuntu", &long], "InvalidName"),
        (
            &["launch", "ubuntu", "other", "--size", &long],
            "InvalidSize",
        ),
        (&["--as", &long, "list"], "InvalidName"),
        (&["saves", "status", &long], "InvalidName"),
        (&["save", "box", "box-env", "--tag", &long], "InvalidTag"),
        (
            &["save", "box", "box-env", "--request-id", &long],
            "InvalidRequestId",
        ),
        (
            &["save", "box", "box-env", "--description", &text],
            "InvalidDescription",
        ),
        (
            &["save", "box", "box-env", "--region", &regions],
            "InvalidRegion",
        ),
    ];
    for (args, code) in cases {
        assert_eq!(prism.refused(args), ((*code).to_owned(), 2), "{code}");
        let told = prism.run(args).stderr;
        assert!(told.len() < 700, "{told}");
    }
}
