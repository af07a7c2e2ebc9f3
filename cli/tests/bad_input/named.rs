//! Invalid names, numbers and times, and how the error names them.

/// The error code, what the error names, and the arguments of each case (templates, schedules, projects and the audit).
pub(crate) const NAMED: &[(&str, &str, &[&[&str]])] = &[
    (
        "InvalidName",
        "template name",
        &[
            &["template", "info", "UP"],
            &["template", "versions", "UP"],
            &["template", "lineage", "a"],
            &["template", "diff", "UP", "box"],
            &["template", "rollback", "a b"],
            &["template", "edit", "UP", "--notes", "x"],
            &["template", "deprecate", "UP"],
            &["template", "delete", "UP", "-y"],
            &["template", "export", "UP"],
            &["template", "copy", "UP", "--region", "eu-west-1"],
            &["template", "share", "UP", "--user", "bob"],
            &["template", "shares", "UP"],
            &["schedule", "create", "box", "UP", "--rate", "1d"],
            &["project", "approve", "brain", "UP"],
        ],
    ),
    (
        "InvalidName",
        "version",
        &[
            &["template", "info", "box@x"],
            &["template", "diff", "box", "box@0"],
            &["template", "restore", "box@-1"],
        ],
    ),
    (
        "InvalidDescription",
        "notes",
        &[&["template", "edit", "box-env", "--notes", "a\u{7}"]],
    ),
    (
        "InvalidDescription",
        "description",
        &[
            &["template", "edit", "box-env", "--description", "a\nb"],
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
            &["project", "create", "brain", "--description", "a\nb"],
        ],
    ),
    (
        "InvalidTemplateFile",
        "line 1",
        &[&["template", "import", "-", "--name", "UP"]],
    ),
    (
        "LocalIo",
        "/nowhere/x.yaml",
        &[&["template", "import", "/nowhere/x.yaml"]],
    ),
    (
        "InvalidRegion",
        "mars",
        &[
            &["template", "copy", "box-env", "--region", "mars"],
            &[
                "schedule", "create", "box", "kept", "--rate", "1d", "--region", "mars",
            ],
        ],
    ),
    (
        "InvalidName",
        "user",
        &[
            &["template", "share", "box-env", "--user", "a b"],
            &["template", "unshare", "box-env", "--user", ""],
            &["project", "member", "add", "brain", "a b"],
            &["project", "member", "remove", "brain", ""],
            &["audit", "list", "--user", "a b"],
        ],
    ),
    (
        "InvalidName",
        "project name",
        &[
            &["template", "share", "box-env", "--project", "UP"],
            &["templates", "--project", "UP"],
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
            &["project", "create", "UP"],
            &["project", "show", "UP"],
            &["project", "edit", "UP", "--description", "x"],
            &["project", "delete", "UP", "-y"],
            &["project", "templates", "UP"],
            &["project", "costs", "UP"],
            &["project", "share-template", "UP", "box-env"],
            &["project", "budget", "UP", "--limit", "5"],
            &["project", "member", "add", "UP", "bob"],
            &["project", "member", "list", "UP"],
            &["audit", "list", "--project", "UP"],
        ],
    ),
    (
        "InvalidName",
        "account ID",
        &[&["template", "share", "box-env", "--account", "12"]],
    ),
    (
        "InvalidInput",
        "organization",
        &[&["template", "share", "box-env", "--organization", "x"]],
    ),
    ("InvalidInput", "search", &[&["templates", "--search", "x"]]),
    (
        "InvalidInput",
        "cursor",
        &[&["templates", "--cursor", "zz"]],
    ),
    (
        "InvalidName",
        "instance",
        &[&["schedule", "create", "", "kept", "--rate", "1d"]],
    ),
    (
        "InvalidCadence",
        "1m",
        &[&["schedule", "create", "box", "kept", "--rate", "1m"]],
    ),
    (
        "InvalidCadence",
        "--rate",
        &[&["schedule", "create", "box", "kept", "--rate", "0 3 * * ? *"]],
    ),
    (
        "InvalidCadence",
        "25",
        &[&[
            "schedule",
            "create",
            "box",
            "kept",
            "--cron",
            "0 25 * * ? *",
        ]],
    ),
    (
        "InvalidCadence",
        "--cron",
        &[&["schedule", "create", "box", "kept", "--cron", "1d"]],
    ),
    (
        "InvalidTimeZone",
        "Mars/X",
        &[&[
            "schedule",
            "create",
            "box",
            "kept",
            "--rate",
            "1d",
            "--timezone",
            "Mars/X",
        ]],
    ),
    (
        "InvalidCadence",
        "jitter",
        &[
            &[
                "schedule", "create", "box", "kept", "--rate", "1h", "--jitter", "1h",
            ],
            &[
                "schedule", "create", "box", "kept", "--rate", "1d", "--jitter", "x",
            ],
        ],
    ),
    (
        "InvalidInput",
        "keep",
        &[&[
            "schedule", "create", "box", "kept", "--rate", "1d", "--keep", "0",
        ]],
    ),
    (
        "InvalidName",
        "schedule name",
        &[
            &[
                "schedule", "create", "box", "kept", "--rate", "1d", "--name", "UP",
            ],
            &["schedule", "show", "UP"],
            &["schedule", "pause", "UP"],
            &["schedule", "resume", "UP"],
            &["schedule", "run", "UP"],
            &["schedule", "delete", "UP"],
        ],
    ),
    (
        "InvalidTag",
        "tag",
        &[&[
            "schedule", "create", "box", "kept", "--rate", "1d", "--tag", "x",
        ]],
    ),
    (
        "InvalidBudget",
        "limit",
        &[
            &["project", "budget", "brain", "--limit", "0"],
            &["project", "budget", "brain", "--limit", "NaN"],
        ],
    ),
    (
        "InvalidBudget",
        "alert",
        &[&["project", "budget", "brain", "--limit", "5", "--alert", "0"]],
    ),
    (
        "InvalidInput",
        "resource",
        &[&["audit", "list", "--resource", "box"]],
    ),
];
