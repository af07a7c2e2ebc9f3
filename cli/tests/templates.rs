//! Templates on the command line: versions, lineage, differences, lists, edits, files, deletions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{FAST, Prism};
use serde_json::{Value, json};

/// A cloud in which Alice has saved `kept` twice, the second time with one more package.
fn saved() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "work"]);
    prism.ok(&["save", "work", "kept", "-y", "--description", "for fMRI"]);
    prism.ok(&["exec", "work", "--", "pip", "install", "obspy"]);
    prism.ok(&["save", "work", "kept", "-y"]);
    prism
}

fn info(prism: &Prism, template: &str) -> Value {
    prism.run(&["template", "info", template, "--json"]).json()
}

fn names(prism: &Prism, filter: &[&str]) -> Vec<String> {
    let listed = prism.run(&[&["templates", "--json"], filter].concat());
    let listed = listed.json();
    let templates = listed["templates"].as_array().unwrap();
    let saved = templates.iter().filter(|it| it["kind"] == "saved");
    saved
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn versions_are_listed_compared_and_gone_back_to() {
    let prism = saved();
    let listed = prism.ok(&["template", "versions", "kept"]);
    let lines: Vec<&str> = listed.lines().skip(1).collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(lines[0].contains('2') && lines[1].contains('1'), "{listed}");
    let diff = prism.ok(&["template", "diff", "kept@1", "kept@2"]);
    assert!(diff.contains("+ obspy"), "{diff}");
    assert!(!diff.contains("how "), "{diff}");
    prism.ok(&["launch", "kept@1", "again"]);
    prism.ok(&["save", "again", "child", "-y"]);
    let tree = prism.ok(&["template", "lineage", "child"]);
    let places = ["ubuntu", "kept@1", "child@1"].map(|name| tree.find(name));
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{tree}"
    );
    prism.ok(&["template", "share", "kept", "--user", "bob"]);
    let dry = prism.ok(&["template", "rollback", "kept", "--dry-run"]);
    assert!(
        dry.starts_with(
            "Launches of kept would use kept@1 instead of kept@2:\n  visible to  the user bob\n"
        ),
        "{dry}"
    );
    assert_eq!(info(&prism, "kept")["version"]["number"], 2);
    let back = prism.ok(&["template", "rollback", "kept"]);
    assert!(back.contains("kept@1"), "{back}");
    assert_eq!(info(&prism, "kept")["version"]["number"], 1);
    let none = ["template", "rollback", "kept"];
    assert_eq!(prism.refused(&none), ("VersionNotFound".to_owned(), 1));
    prism.ok(&["template", "rollback", "kept", "2"]);
    assert_eq!(info(&prism, "kept")["version"]["number"], 2);
}

#[test]
fn versions_that_were_captured_differently_differ_in_how() {
    let prism = saved();
    prism.ok(&["save", "work", "kept", "--how", "reboot", "-y"]);
    let diff = ["template", "diff", "kept@2", "kept@3"];
    let told = prism.ok(&diff);
    let how = told.lines().find(|line| line.starts_with("  how "));
    assert!(
        how.is_some_and(|line| line.ends_with(" stop → reboot")),
        "{told}"
    );
    let json = prism.run(&[&diff[..], &["--json"]].concat()).json();
    let fields = json["fields"].as_array().unwrap();
    let how = fields.iter().find(|field| field["field"] == "how").unwrap();
    assert_eq!(
        (&how["from"], &how["to"]),
        (&json!("stop"), &json!("reboot"))
    );
}

#[test]
fn what_a_template_says_is_changed_as_long_as_nobody_was_quicker() {
    let prism = saved();
    let revision = info(&prism, "kept")["revision"].to_string();
    let edit = ["template", "edit", "kept", "--notes"];
    let told = prism.ok(&[&edit[..], &["needs 32 GiB", "--revision", &revision]].concat());
    assert_eq!(told, "kept is changed.\n");
    let late = [&edit[..], &["nothing", "--revision", &revision]].concat();
    assert_eq!(prism.refused(&late), ("PreconditionFailed".to_owned(), 1));
    prism.ok(&["template", "edit", "kept@1", "--description", "the first"]);
    let first = info(&prism, "kept@1");
    assert_eq!(first["template"]["notes"], "needs 32 GiB");
    assert_eq!(first["version"]["description"], "the first");
    let told = prism.ok(&["template", "deprecate", "kept@1"]);
    assert!(told.starts_with("kept@1 is deprecated"), "{told}");
    assert_eq!(info(&prism, "kept@1")["version"]["state"], "deprecated");
    let told = prism.ok(&["template", "restore", "kept@1"]);
    assert_eq!(told, "kept@1 is active.\n");
    prism.ok(&["template", "deprecate", "kept"]);
    let listed = prism.ok(&["templates", "--mine"]);
    assert!(listed.contains("2 (deprecated)"), "{listed}");
    let by = ["--as", "bob", "template", "edit", "kept", "--notes", "x"];
    assert_eq!(prism.refused(&by), ("TemplateNotFound".to_owned(), 1));
}

#[test]
fn lists_keep_to_their_filters_and_go_on_where_they_ended() {
    let prism = saved();
    prism.ok(&["save", "work", "open-env", "-y", "--public"]);
    assert_eq!(names(&prism, &["--mine"]), ["kept", "open-env"]);
    assert_eq!(names(&prism, &["--public"]), ["open-env"]);
    assert_eq!(names(&prism, &["--search", "fmri"]), ["kept"]);
    assert_eq!(names(&prism, &["--mine", "--arch", "arm64"]), [""; 0]);
    let nothing = prism.run(&["templates", "--search", "zebra"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (0, ""));
    let page = prism.run(&["templates", "--mine", "--limit", "1", "--json"]);
    let cursor = page.json()["cursor"].as_str().unwrap().to_owned();
    assert_eq!(
        names(&prism, &["--mine", "--cursor", &cursor]),
        ["open-env"]
    );
    let foreign = ["templates", "--public", "--cursor", &cursor];
    assert_eq!(prism.refused(&foreign), ("InvalidInput".to_owned(), 2));
    let others = prism.run(&["--as", "bob", "templates", "--json"]).json();
    let others = others["templates"].as_array().unwrap();
    let saved = others.iter().filter(|it| it["kind"] == "saved");
    let saved: Vec<&Value> = saved.map(|it| &it["name"]).collect();
    assert_eq!(saved, ["open-env"]);
}

#[test]
fn a_list_by_use_begins_with_what_is_launched_most_whatever_its_name() {
    let prism = saved();
    for name in ["a-new-env", "z-old-env"] {
        prism.ok(&["save", "work", name, "-y"]);
    }
    for (template, name) in [
        ("z-old-env", "one"),
        ("z-old-env", "two"),
        ("kept", "three"),
    ] {
        prism.ok(&["launch", template, name]);
    }
    assert_eq!(names(&prism, &[]), ["a-new-env", "kept", "z-old-env"]);
    let by_use = names(&prism, &["--sort", "use"]);
    assert_eq!(by_use, ["z-old-env", "kept", "a-new-env"]);
    // The first of all, and not the first of a page by name.
    let first = prism.run(&["templates", "--sort", "use", "--limit", "1"]);
    assert!(first.stdout.contains("z-old-env"), "{}", first.stdout);
    assert!(!first.stdout.contains("kept"), "{}", first.stdout);
    assert!(
        first.stderr.contains("more: show all with --all"),
        "{}",
        first.stderr
    );
    let from = ["templates", "--sort", "use", "--cursor", "x"];
    assert_eq!(prism.run(&from).code, 2);
}

#[test]
fn a_file_goes_round_and_a_damaged_one_is_refused_with_its_place() {
    let prism = saved();
    let yaml = prism.ok(&["template", "export", "kept"]);
    let import = ["template", "import", "-", "--name", "other"];
    let dry = prism.piped(&yaml, &[&import[..], &["--dry-run"]].concat());
    assert!(dry.stdout.starts_with("other@1 would be imported."));
    assert_eq!(names(&prism, &["--mine"]), ["kept"]);
    let done = prism.piped(&yaml, &import);
    assert!(
        done.stdout.starts_with("other@1 is imported."),
        "{}",
        done.stderr
    );
    let again = prism.piped(&yaml, &import);
    assert!(
        again
            .stdout
            .starts_with("other@1 already corresponds to the file; nothing was imported.")
    );
    let other = prism.ok(&["template", "export", "other"]);
    assert_eq!(other.replace("other", "kept"), yaml);
    for (part, by, code) in [
        (
            "x86_64: ",
            "x86_64: ami-0123456789abcdef0 #",
            "ImageNotUsable",
        ),
        ("x86_64", "z80", "InvalidTemplateFile"),
        ("name: ", "name: [", "InvalidTemplateFile"),
        ("saved_by: ", "owner: x\nsaved_by: ", "InvalidTemplateFile"),
    ] {
        assert!(yaml.contains(part), "{yaml}");
        let odd = yaml.replacen(part, by, 1);
        let refused = prism.piped(&odd, &["--json", "template", "import", "-"]);
        let error = refused.error();
        assert_eq!(error["code"], code, "{error}");
        let told = error["message"].as_str().unwrap();
        assert_eq!(
            told.contains("line "),
            code == "InvalidTemplateFile",
            "{told}"
        );
    }
    assert_eq!(names(&prism, &["--mine"]), ["kept", "other"]);
}

#[test]
fn a_deletion_is_shown_asked_for_and_done() {
    let prism = saved();
    prism.ok(&["launch", "kept@1", "user"]);
    let dry = prism.ok(&["template", "delete", "kept@1", "--dry-run"]);
    assert!(
        dry.starts_with("Deleting kept@1:\n") && dry.contains("in use by"),
        "{dry}"
    );
    let asked = ["template", "delete", "kept@1"];
    assert_eq!(prism.refused(&asked), ("ConfirmationNeeded".to_owned(), 2));
    let delete = ["template", "delete", "kept@1", "-y"];
    assert_eq!(prism.refused(&delete), ("TemplateInUse".to_owned(), 1));
    prism.ok(&["terminate", "user", "-y"]);
    prism.until_gone("user");
    let told = prism.ok(&delete);
    assert!(told.starts_with("kept@1 is deleted.\n"), "{told}");
    assert_eq!(prism.refused(&delete), ("VersionNotFound".to_owned(), 1));
    let launch = ["launch", "kept@1", "other"];
    assert_eq!(prism.refused(&launch), ("VersionNotFound".to_owned(), 1));
    prism.ok(&["template", "delete", "kept", "-y"]);
    assert_eq!(names(&prism, &["--mine"]), [""; 0]);
}
