//! Invalid names, numbers and times, and how the error names them.

/// The arguments (templates, schedules, projects and the audit), the error code, and what the error names.
pub(crate) const NAMED: &[(&[&str], &str, &str)] = &[
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
        "account ID",
    ),
    (
        &["template", "share", "box-env", "--organization", "x"],
        "InvalidInput",
        "organization",
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
