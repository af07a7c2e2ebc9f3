//! Sharing, projects and the audit on the command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{FAST, Prism, SERVED};
use serde_json::{Value, json};

/// A cloud in which Alice has saved `kept`.
fn saved() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "work"]);
    prism.ok(&["save", "work", "kept", "-y"]);
    prism
}

fn by<'a>(user: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    [&["--as", user], args].concat()
}

#[test]
fn where_nobody_is_named_colleagues_are_meant() {
    let prism = saved();
    let launch = by("bob", &["launch", "kept", "his", "--dry-run"]);
    let share = ["template", "share", "kept", "--yes"];
    assert_eq!(prism.ok(&share), "kept is shared with public.\n");
    prism.ok(&launch);
    prism.ok(&["template", "unshare", "kept", "--public"]);
    assert_eq!(prism.refused(&launch), ("TemplateNotFound".to_owned(), 1));
    // Within a project, "public" means its members only.
    prism.ok(&["project", "create", "brain"]);
    prism.ok(&["save", "work", "theirs", "--project", "brain", "-y"]);
    let (share, launch) = (
        ["template", "share", "theirs"],
        by("bob", &["launch", "theirs", "his", "--dry-run"]),
    );
    assert_eq!(prism.ok(&share), "theirs is shared with project:brain.\n");
    assert_eq!(prism.refused(&launch), ("TemplateNotFound".to_owned(), 1));
    prism.ok(&[
        "project", "member", "add", "brain", "bob", "--role", "member",
    ]);
    prism.ok(&launch);
    // If public means the whole world, it is never the default.
    prism.ok(&["local", "settings", "--public-scope", "world"]);
    prism.ok(&["save", "work", "other", "-y"]);
    let share = ["template", "share", "other"];
    assert_eq!(prism.refused(&share), ("InvalidInput".to_owned(), 2));
}

#[test]
fn a_template_is_shared_listed_and_taken_back() {
    let prism = saved();
    let launch = by("bob", &["launch", "kept", "his", "--dry-run"]);
    assert_eq!(prism.refused(&launch), ("TemplateNotFound".to_owned(), 1));
    let planned = prism.ok(&["template", "share", "kept", "--user", "bob", "--dry-run"]);
    assert!(
        planned.starts_with("kept would be shared with user:bob."),
        "{planned}"
    );
    let shared = prism.ok(&["template", "share", "kept", "--user", "bob"]);
    assert_eq!(shared, "kept is shared with user:bob.\n");
    prism.ok(&launch);
    let account = ["template", "share", "kept", "--account", "444455556666"];
    let shared = prism.ok(&account);
    assert!(shared.contains("open in us-east-1: ami-"), "{shared}");
    assert!(
        shared.contains("can be launched, but not copied"),
        "{shared}"
    );
    let listed = prism.ok(&["template", "shares", "kept"]);
    assert!(
        listed.contains("account:444455556666") && listed.contains("user:bob"),
        "{listed}"
    );
    let copied = [&account[..], &["--with-snapshots"]].concat();
    let shared = prism.ok(&copied);
    assert!(!shared.contains("not copied"), "{shared}");
    let listed = prism.ok(&["template", "shares", "kept"]);
    assert!(listed.contains("open, with snapshots"), "{listed}");
    let listing = by("bob", &["template", "shares", "kept"]);
    assert_eq!(prism.refused(&listing), ("NotAllowed".to_owned(), 1));
    prism.ok(&["template", "unshare", "kept", "--user", "bob"]);
    assert_eq!(prism.refused(&launch), ("TemplateNotFound".to_owned(), 1));
    let again = ["template", "unshare", "kept", "--user", "bob"];
    assert_eq!(prism.refused(&again), ("ShareNotFound".to_owned(), 1));
    let audit = prism.ok(&["audit", "list", "--resource", "template:kept"]);
    let actions: Vec<&str> = audit
        .lines()
        .skip(1)
        .filter_map(|line| {
            line.split_whitespace()
                .find(|word| word.starts_with("template."))
        })
        .collect();
    assert_eq!(
        actions,
        [
            "template.unshare",
            "template.share",
            "template.share",
            "template.share",
            "template.save_version"
        ]
    );
    // The audit shows the API as the origin of a server's requests.
    let from = if SERVED { " api " } else { " cli " };
    assert!(audit.contains(from), "{audit}");
}

#[test]
fn what_is_on_a_disk_is_confirmed_before_it_is_given_away() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "work"]);
    let write = "aws_secret_access_key = x";
    let made = ["exec", "work", "--", "mkdir", "-p", "/home/ubuntu/.aws"];
    prism.ok(&made);
    let put = prism.piped(
        write,
        &["exec", "work", "--", "tee", "/home/ubuntu/.aws/credentials"],
    );
    assert_eq!(put.code, 0, "{}", put.stderr);
    prism.ok(&["save", "work", "kept", "-y"]);
    let share = ["template", "share", "kept", "--user", "bob"];
    let with = |more: &[&'static str]| [&share[..], more].concat();
    for args in [with(&[]), with(&["--yes"])] {
        assert_eq!(prism.refused(&args), ("SensitiveFiles".to_owned(), 1));
    }
    let consents = with(&["--publish-sensitive"]);
    assert_eq!(
        prism.refused(&consents),
        ("ConfirmationNeeded".to_owned(), 2)
    );
    let shared = prism.run(&with(&["--publish-sensitive", "--yes"]));
    assert_eq!(shared.code, 0, "{}", shared.stderr);
    assert!(
        shared
            .stderr
            .contains("/home/ubuntu/.aws/credentials (AWS credentials)"),
        "{}",
        shared.stderr
    );
    let info = prism.ok(&by("bob", &["template", "info", "kept", "--json"]));
    assert!(!info.contains("credentials"), "{info}");
}

#[test]
fn a_project_from_its_making_to_its_end() {
    let prism = saved();
    prism.ok(&[
        "project",
        "create",
        "brain",
        "--description",
        "fMRI pipelines",
    ]);
    let costs = prism.ok(&["project", "costs", "brain"]);
    assert_eq!(costs, "brain costs at most $0.00 a month.\n");
    let member = ["project", "member", "add", "brain", "bob"];
    let added = prism.run(&member);
    added.says("names of users are not checked");
    assert_eq!(added.stdout, "bob now has the role member in brain.\n");
    let again = prism.run(&member);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(!again.stderr.contains("not checked"), "{}", again.stderr);
    prism.ok(&[
        "project", "member", "add", "brain", "vic", "--role", "viewer",
    ]);
    let members = prism.ok(&["project", "member", "list", "brain"]);
    assert!(
        members.contains("alice") && members.contains("viewer"),
        "{members}"
    );
    prism.ok(&["save", "work", "team-env", "--project", "brain", "-y"]);
    prism.ok(&["project", "share-template", "brain", "team-env"]);
    let templates = prism.ok(&by("bob", &["project", "templates", "brain"]));
    assert!(
        templates.contains("team-env") && !templates.contains("kept"),
        "{templates}"
    );

    prism.ok(&["project", "edit", "brain", "--approved-only", "on"]);
    let launch = by(
        "bob",
        &[
            "launch",
            "team-env",
            "his",
            "--project",
            "brain",
            "--dry-run",
        ],
    );
    assert_eq!(
        prism.refused(&launch),
        ("TemplateNotApproved".to_owned(), 1)
    );
    prism.ok(&["project", "approve", "brain", "team-env"]);
    prism.ok(&launch);

    let costs = prism.ok(&["project", "costs", "brain"]);
    assert!(
        costs.contains("team-env") && costs.contains("us-east-1"),
        "{costs}"
    );
    let budget = [
        "project",
        "budget",
        "brain",
        "--limit",
        "0.01",
        "--alert",
        "50,100",
        "--hard-stop",
    ];
    assert!(
        prism
            .ok(&budget)
            .contains("$0.01 a month, alerts at 50 %, 100 %, hard stop")
    );
    assert_eq!(prism.refused(&launch), ("BudgetExceeded".to_owned(), 1));
    let save = ["save", "work", "team-env", "-y"];
    assert_eq!(prism.refused(&save), ("BudgetExceeded".to_owned(), 1));
    let budget = by("bob", &["project", "budget", "brain", "--none"]);
    assert_eq!(prism.refused(&budget), ("NotAllowed".to_owned(), 1));
    prism.ok(&["project", "budget", "brain", "--none"]);
    prism.ok(&launch);

    let delete = ["project", "delete", "brain", "--yes"];
    assert_eq!(prism.refused(&delete), ("ProjectInUse".to_owned(), 1));
    let show = by("sue", &["project", "show", "brain"]);
    assert_eq!(prism.refused(&show), ("ProjectNotFound".to_owned(), 1));
    let leave = by("bob", &["project", "member", "remove", "brain", "bob"]);
    prism.ok(&leave);
    assert_eq!(
        prism.refused(&by("bob", &["project", "show", "brain"])),
        ("ProjectNotFound".to_owned(), 1)
    );
    let audit = prism.ok(&["audit", "list", "--project", "brain", "--user", "bob"]);
    assert!(audit.contains("project.member_removed"), "{audit}");
}

/// A page without changes by this user is not the end of the list.
#[test]
fn what_somebody_did_is_found_behind_what_others_did() {
    let prism = Prism::new(FAST);
    prism.ok(&["project", "create", "brain"]);
    prism.ok(&["project", "member", "add", "brain", "bob"]);
    prism.ok(&["--as", "bob", "project", "member", "remove", "brain", "bob"]);
    for text in ["one", "two", "three"] {
        prism.ok(&["project", "edit", "brain", "--description", text]);
    }
    let of_bob = ["audit", "list", "--project", "brain", "--user", "bob"];
    let told = prism.run(&[&of_bob[..], &["--limit", "1", "--json"]].concat());
    let told = told.json();
    let events = told["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "{told}");
    assert_eq!(events[0]["user"], "bob");
    assert_eq!(events[0]["action"], "project.member_removed");
}

#[test]
fn odd_arguments_are_named() {
    let prism = saved();
    prism.ok(&["project", "create", "brain"]);
    let cases: [(&[&str], &str); 9] = [
        (&["template", "share", "UP", "--public"], "InvalidName"),
        (
            &["template", "share", "kept", "--account", "12"],
            "InvalidName",
        ),
        (
            &["template", "share", "kept", "--organization", "o-x"],
            "InvalidInput",
        ),
        (&["project", "create", "a/b"], "InvalidName"),
        (&["project", "member", "add", "brain", "a b"], "InvalidName"),
        (
            &["project", "member", "add", "brain", "bob", "--role", "boss"],
            "InvalidInput",
        ),
        (
            &["project", "budget", "brain", "--limit", "much"],
            "InvalidBudget",
        ),
        (
            &["project", "budget", "brain", "--limit", "5", "--alert", "0"],
            "InvalidBudget",
        ),
        (&["audit", "list", "--resource", "kept"], "InvalidInput"),
    ];
    for (args, code) in cases {
        assert_eq!(prism.refused(args), (code.to_owned(), 2), "{args:?}");
    }
}

/// Moving a template to another project moves all its versions and their costs, so it needs confirmation.
#[cfg(unix)]
#[test]
fn a_save_that_moves_its_template_asks_first() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["save", "box", "box-env"]);
    for project in ["lab", "course"] {
        prism.ok(&["project", "create", project]);
    }
    let save = |project| ["save", "box", "box-env", "--project", project];
    let stands = || {
        let info = prism.run(&["template", "info", "box-env", "--json"]).json();
        let project = info["template"]["project"].as_str().map(str::to_owned);
        (project, info["version"]["number"].as_u64())
    };
    let sentence = "box-env is moved from no project to the project lab, with its versions up to 1";

    // Without a terminal the save is refused, with a hint how to confirm.
    let refused = prism.run(&save("lab"));
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    for says in ["error[MoveNotAgreed]:", "lab", "--yes"] {
        refused.says(says);
    }
    assert_eq!(stands(), (None, Some(1)));

    let declined = prism.typed("n\n", &save("lab"));
    for says in [sentence, "Move it? [y/N]", "Nothing was changed."] {
        declined.says(says);
    }
    assert_eq!(stands(), (None, Some(1)));
    assert_eq!(prism.state("box"), "running");

    // The second question is whether the instance may be down.
    let agreed = prism.typed("y\ny\n", &save("lab"));
    assert_eq!(agreed.code, 0, "{}", agreed.stderr);
    agreed.says("Continue? [y/N]");
    assert_eq!(stands(), (Some("lab".to_owned()), Some(2)));

    // With or without a terminal, --yes answers both questions.
    let yes = |project| [&save(project)[..], &["--yes"]].concat();
    let moved = prism.typed("", &yes("course"));
    assert_eq!(moved.code, 0, "{}", moved.stderr);
    assert!(!moved.stderr.contains("[y/N]"), "{}", moved.stderr);
    assert_eq!(stands(), (Some("course".to_owned()), Some(3)));
    prism.ok(&yes("lab"));
    assert_eq!(stands(), (Some("lab".to_owned()), Some(4)));
}

/// What `--json` prints of a command that fails in part, and the message of its error.
fn in_part(prism: &Prism, args: &[&str]) -> (Value, String) {
    let told = prism.run(&[&["--json"], args].concat());
    assert_eq!(told.code, 1, "{}", told.stderr);
    let message = told.error()["message"].as_str().unwrap().to_owned();
    (serde_json::from_str(&told.stdout).unwrap(), message)
}

#[test]
fn a_member_who_cannot_be_removed_keeps_no_other() {
    let prism = Prism::new(FAST);
    prism.ok(&["project", "create", "brain"]);
    prism.ok(&["project", "member", "add", "brain", "bob", "carol"]);
    let remove = ["project", "member", "remove", "brain"];
    // Nobody is removed if one of the names is not there.
    let unknown = [&remove[..], &["bob", "nobody"]].concat();
    assert_eq!(prism.refused(&unknown), ("MemberNotFound".to_owned(), 1));
    // A project keeps its last owner.
    let (removed, message) = in_part(&prism, &[&remove[..], &["alice", "bob"]].concat());
    let bob = json!({ "project": "brain", "removed": "bob" });
    assert_eq!(removed, json!({ "removed": [bob] }));
    let begins = "1 of 2 users could not be removed. alice: ";
    assert!(message.starts_with(begins), "{message}");
}

#[test]
fn a_share_that_cannot_be_made_hides_no_other() {
    let prism = saved();
    // One more than a template can have.
    let users: Vec<String> = (0..51).map(|n| format!("u{n}")).collect();
    let users = users.join(",");
    let share = ["template", "share", "kept", "--user", &users];
    let (shared, message) = in_part(&prism, &share);
    assert_eq!(shared["shared"].as_array().unwrap().len(), 50);
    let begins = "1 of 51 shares could not be made. user:u50: ";
    assert!(message.starts_with(begins), "{message}");
    // No share is ended if one of them does not exist.
    let unshare = ["template", "unshare", "kept", "--user", "u0,nobody"];
    assert_eq!(prism.refused(&unshare), ("ShareNotFound".to_owned(), 1));
    prism.ok(&["template", "unshare", "kept", "--user", "u0"]);
}
