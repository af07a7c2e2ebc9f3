//! Each bad request, its code and its exit code.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{FAST, Prism};

/// What is asked, the code of the refusal, the exit code.
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

/// What is asked of templates, schedules, projects and the audit, the code, and what the refusal names.
const NAMED: &[(&[&str], &str, &str)] = &[
    (&["template", "info", "UP"], "InvalidName", "template name"),
    (&["template", "info", "box@x"], "InvalidName", "version"),
    (
        &["template", "versions", "UP"],
        "InvalidName",
        "template name",
    ),
    (
        &["template", "lineage", "a"],
        "InvalidName",
        "template name",
    ),
    (
        &["template", "diff", "UP", "box"],
        "InvalidName",
        "template name",
    ),
    (
        &["template", "diff", "box", "box@0"],
        "InvalidName",
        "version",
    ),
    (
        &["template", "rollback", "a b"],
        "InvalidName",
        "template name",
    ),
    (
        &["template", "edit", "UP", "--notes", "x"],
        "InvalidName",
        "template name",
    ),
    (
        &["template", "edit", "box-env", "--notes", "a\u{7}"],
        "InvalidDescription",
        "notes",
    ),
    (
        &["template", "edit", "box-env", "--description", "a\nb"],
        "InvalidDescription",
        "description",
    ),
    (
        &["template", "deprecate", "UP"],
        "InvalidName",
        "template name",
    ),
    (&["template", "restore", "box@-1"], "InvalidName", "version"),
    (
        &["template", "delete", "UP", "-y"],
        "InvalidName",
        "template name",
    ),
    (
        &["template", "export", "UP"],
        "InvalidName",
        "template name",
    ),
    (
        &["template", "import", "-", "--name", "UP"],
        "InvalidTemplateFile",
        "line 1",
    ),
    (
        &["template", "import", "/nowhere/x.yaml"],
        "LocalIo",
        "/nowhere/x.yaml",
    ),
    (
        &["template", "copy", "UP", "--region", "eu-west-1"],
        "InvalidName",
        "template name",
    ),
    (
        &["template", "copy", "box-env", "--region", "mars"],
        "InvalidRegion",
        "mars",
    ),
    (
        &["template", "share", "UP", "--user", "bob"],
        "InvalidName",
        "template name",
    ),
    (
        &["template", "share", "box-env", "--user", "a b"],
        "InvalidName",
        "user",
    ),
    (
        &["template", "share", "box-env", "--project", "UP"],
        "InvalidName",
        "project name",
    ),
    (
        &["template", "share", "box-env", "--account", "12"],
        "InvalidName",
        "account id",
    ),
    (
        &["template", "share", "box-env", "--organization", "x"],
        "InvalidInput",
        "organisation",
    ),
    (
        &["template", "unshare", "box-env", "--user", ""],
        "InvalidName",
        "user",
    ),
    (
        &["template", "shares", "UP"],
        "InvalidName",
        "template name",
    ),
    (&["templates", "--search", "x"], "InvalidInput", "search"),
    (
        &["templates", "--project", "UP"],
        "InvalidName",
        "project name",
    ),
    (&["templates", "--cursor", "zz"], "InvalidInput", "cursor"),
    (
        &["schedule", "create", "", "kept", "--rate", "1d"],
        "InvalidName",
        "instance",
    ),
    (
        &["schedule", "create", "box", "UP", "--rate", "1d"],
        "InvalidName",
        "template name",
    ),
    (
        &["schedule", "create", "box", "kept", "--rate", "1m"],
        "InvalidCadence",
        "1m",
    ),
    (
        &["schedule", "create", "box", "kept", "--rate", "0 3 * * ? *"],
        "InvalidCadence",
        "--rate",
    ),
    (
        &[
            "schedule",
            "create",
            "box",
            "kept",
            "--cron",
            "0 25 * * ? *",
        ],
        "InvalidCadence",
        "25",
    ),
    (
        &["schedule", "create", "box", "kept", "--cron", "1d"],
        "InvalidCadence",
        "--cron",
    ),
    (
        &[
            "schedule",
            "create",
            "box",
            "kept",
            "--rate",
            "1d",
            "--timezone",
            "Mars/X",
        ],
        "InvalidTimeZone",
        "Mars/X",
    ),
    (
        &[
            "schedule", "create", "box", "kept", "--rate", "1h", "--jitter", "1h",
        ],
        "InvalidCadence",
        "jitter",
    ),
    (
        &[
            "schedule", "create", "box", "kept", "--rate", "1d", "--jitter", "x",
        ],
        "InvalidCadence",
        "jitter",
    ),
    (
        &[
            "schedule", "create", "box", "kept", "--rate", "1d", "--keep", "0",
        ],
        "InvalidInput",
        "keep",
    ),
    (
        &[
            "schedule", "create", "box", "kept", "--rate", "1d", "--name", "UP",
        ],
        "InvalidName",
        "schedule name",
    ),
    (
        &[
            "schedule", "create", "box", "kept", "--rate", "1d", "--tag", "x",
        ],
        "InvalidTag",
        "tag",
    ),
    (
        &[
            "schedule",
            "create",
            "box",
            "kept",
            "--rate",
            "1d",
            "--project",
            "UP",
        ],
        "InvalidName",
        "project name",
    ),
    (
        &[
            "schedule", "create", "box", "kept", "--rate", "1d", "--region", "mars",
        ],
        "InvalidRegion",
        "mars",
    ),
    (
        &[
            "schedule",
            "create",
            "box",
            "kept",
            "--rate",
            "1d",
            "--description",
            "a\nb",
        ],
        "InvalidDescription",
        "description",
    ),
    (&["schedule", "show", "UP"], "InvalidName", "schedule name"),
    (&["schedule", "pause", "UP"], "InvalidName", "schedule name"),
    (
        &["schedule", "resume", "UP"],
        "InvalidName",
        "schedule name",
    ),
    (&["schedule", "run", "UP"], "InvalidName", "schedule name"),
    (
        &["schedule", "delete", "UP"],
        "InvalidName",
        "schedule name",
    ),
    (&["project", "create", "UP"], "InvalidName", "project name"),
    (
        &["project", "create", "brain", "--description", "a\nb"],
        "InvalidDescription",
        "description",
    ),
    (&["project", "show", "UP"], "InvalidName", "project name"),
    (
        &["project", "edit", "UP", "--description", "x"],
        "InvalidName",
        "project name",
    ),
    (
        &["project", "delete", "UP", "-y"],
        "InvalidName",
        "project name",
    ),
    (
        &["project", "templates", "UP"],
        "InvalidName",
        "project name",
    ),
    (&["project", "costs", "UP"], "InvalidName", "project name"),
    (
        &["project", "approve", "brain", "UP"],
        "InvalidName",
        "template name",
    ),
    (
        &["project", "share-template", "UP", "box-env"],
        "InvalidName",
        "project name",
    ),
    (
        &["project", "budget", "UP", "--limit", "5"],
        "InvalidName",
        "project name",
    ),
    (
        &["project", "budget", "brain", "--limit", "0"],
        "InvalidBudget",
        "limit",
    ),
    (
        &["project", "budget", "brain", "--limit", "NaN"],
        "InvalidBudget",
        "limit",
    ),
    (
        &["project", "budget", "brain", "--limit", "5", "--alert", "0"],
        "InvalidBudget",
        "alert",
    ),
    (
        &["project", "member", "add", "brain", "a b"],
        "InvalidName",
        "user",
    ),
    (
        &["project", "member", "add", "UP", "bob"],
        "InvalidName",
        "project name",
    ),
    (
        &["project", "member", "list", "UP"],
        "InvalidName",
        "project name",
    ),
    (
        &["project", "member", "remove", "brain", ""],
        "InvalidName",
        "user",
    ),
    (
        &["audit", "list", "--resource", "box"],
        "InvalidInput",
        "resource",
    ),
    (
        &["audit", "list", "--project", "UP"],
        "InvalidName",
        "project name",
    ),
    (&["audit", "list", "--user", "a b"], "InvalidName", "user"),
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

/// Every field of every command that has any: its refusal names it, and nothing is changed.
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
