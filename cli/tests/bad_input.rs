//! Each invalid request, its error code and its exit code.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;
#[path = "bad_input/named.rs"]
mod named;

use common::{FAST, Prism, without_costs};
use named::NAMED;

/// The expected error code and exit code, and the arguments of each case.
const CASES: &[(&str, i32, &[&[&str]])] = &[
    (
        "InstanceNotFound",
        1,
        &[
            &["save", "nope", "box-env"],
            &["save", "i-0123456789abcdef0", "box-env"],
            &["save", "box", "box-env", "--from-region", "us-west-2"],
            &["--as", "bob", "save", "box", "box-env"],
            &["exec", "nope", "--", "ls"],
        ],
    ),
    (
        "InvalidName",
        2,
        &[
            &["save", "", "box-env"],
            &["save", "a\u{7}b", "box-env"],
            &["save", "box", "näme"],
            &["save", "box", "$(reboot)"],
            &["save", "box", "../../etc"],
            &["save", "box", "a b; c"],
            &["save", "box", "box-env", "--project", "No!"],
            &["--as", "b b", "list"],
            &["launch", "python-ml@zero", "other"],
            &["launch", "python-ml", "i-0123456789abcdef0"],
            &["saves", "status", "nonsense"],
        ],
    ),
    ("TemplateNameTaken", 1, &[&["save", "box", "python-ml"]]),
    (
        "InvalidDescription",
        2,
        &[&["save", "box", "box-env", "--description", "a\u{1b}[2J"]],
    ),
    (
        "InvalidRegion",
        2,
        &[
            &["save", "box", "box-env", "--region", "mars-north-1"],
            &["save", "box", "box-env", "--region", "mars"],
            &["save", "box", "box-env", "--region", "us-east-1"],
            &["save", "box", "box-env", "--from-region", "mars-north-1"],
            &["launch", "python-ml", "other", "--region", "mars-north-1"],
        ],
    ),
    (
        "InvalidTag",
        2,
        &[
            &["save", "box", "box-env", "--tag", "plain"],
            &["save", "box", "box-env", "--tag", "prism:owner=bob"],
            &["save", "box", "box-env", "--tag", "a=1", "--tag", "a=2"],
        ],
    ),
    (
        "InvalidRequestId",
        2,
        &[&["save", "box", "box-env", "--request-id", "a b"]],
    ),
    (
        "TemplateNotFound",
        1,
        &[
            &["launch", "nope-env", "other"],
            &["template", "info", "nope-env"],
            &["template", "export", "python-ml"],
        ],
    ),
    ("VersionNotFound", 1, &[&["launch", "python-ml@7", "other"]]),
    (
        "InvalidSize",
        2,
        &[&["launch", "python-ml", "other", "--size", "XXL"]],
    ),
    ("InstanceNameTaken", 1, &[&["launch", "python-ml", "box"]]),
    ("ConfirmationNeeded", 2, &[&["terminate", "box"]]),
    (
        "SaveNotFound",
        1,
        &[
            &["saves", "status", "save-0123456789"],
            &["saves", "watch", "save-0123456789"],
            &["saves", "cancel", "save-0123456789"],
        ],
    ),
    (
        "InvalidInput",
        2,
        &[&["local", "speed", "0"], &["local", "speed", "NaN"]],
    ),
];

fn with_box() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism
}

#[test]
fn each_bad_input_has_its_code_and_changes_nothing() {
    let prism = with_box();
    let sight = || without_costs(&prism.ok(&["list", "--json"]));
    let before = sight();
    for (code, exit, cases) in CASES {
        for args in *cases {
            assert_eq!(prism.refused(args), ((*code).to_owned(), *exit), "{args:?}");
        }
    }
    assert_eq!(sight(), before);
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
    let cases = |(code, names, cases): &'static (&str, &str, &[&'static [&str]])| {
        cases.iter().map(move |args| (code, names, *args))
    };
    for (code, names, args) in NAMED.iter().flat_map(cases) {
        let answer = prism.run(&[&["--json"], args].concat());
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
