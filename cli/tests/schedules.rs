//! Schedules and packages on the command line.

mod common;

use common::{FAST, Prism, SERVED};

fn launched() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "work"]);
    prism
}

#[test]
fn a_schedule_is_made_shown_listed_and_deleted() {
    let prism = launched();
    let made = prism.run(&[
        "schedule",
        "create",
        "work",
        "nightly-env",
        "--cron",
        "cron(0 3 ? * MON-FRI *)",
        "--timezone",
        "Europe/Berlin",
        "--name",
        "nightly",
    ]);
    assert!(
        made.stdout
            .contains("nightly: work as nightly-env, cron(0 3 ? * MON-FRI *)")
    );
    made.prints("03:00 in Europe/Berlin");
    // Clients of a server do not need the hint to start one.
    assert_eq!(made.stderr.contains("prism local serve"), !SERVED);
    prism.ok(&["schedule", "create", "work", "daily-env", "--rate", "1d"]);
    let listed = prism.ok(&["schedule", "list"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(
        lines[1].starts_with("daily-env") && lines[1].contains("rate(1 day)"),
        "{listed}"
    );
    assert!(
        lines[2].starts_with("nightly") && lines[2].contains("active"),
        "{listed}"
    );
    let shown = prism.run(&["schedule", "show", "nightly", "--json"]).json();
    assert_eq!(shown["cadence"], "cron(0 3 ? * MON-FRI *)");
    assert_eq!(shown["next_runs"].as_array().unwrap().len(), 10);
    let id = shown["instance_id"].as_str().unwrap();
    assert!(lines[2].contains(&format!("work ({id})")), "{listed}");
    assert!(prism.ok(&["schedule", "show", "nightly"]).contains(id));
    let deleted = prism.ok(&["schedule", "delete", "nightly"]);
    assert_eq!(deleted, "nightly is deleted.\n");
    let again = ["schedule", "delete", "nightly"];
    assert_eq!(prism.refused(&again), ("ScheduleNotFound".to_owned(), 1));
}

#[test]
fn a_schedule_keeps_as_many_versions_as_it_is_told() {
    let prism = launched();
    let create = [
        "schedule", "create", "work", "kept", "--rate", "1d", "--keep",
    ];
    for odd in ["0", "101", "4294967295"] {
        let refused = prism.refused(&[&create[..], &[odd]].concat());
        assert_eq!(refused, ("InvalidInput".to_owned(), 2), "{odd}");
    }
    let made = prism.ok(&[&create[..], &["2"]].concat());
    assert!(
        made.contains("the last 2 versions that it creates"),
        "{made}"
    );
    let listed = prism.ok(&["schedule", "list"]);
    let head = listed.lines().next().unwrap();
    let column = head.find("KEEP").unwrap();
    let row = listed.lines().nth(1).unwrap();
    assert_eq!(
        row[column..].split_whitespace().next(),
        Some("2"),
        "{listed}"
    );
    prism.ok(&["save", "work", "kept", "-y"]);
    for _ in 0..3 {
        prism.ok(&["schedule", "run", "kept"]);
    }
    // The first version was saved by hand.
    let versions = prism
        .run(&["template", "versions", "kept", "--json"])
        .json();
    let there = versions["versions"].as_array().unwrap().iter();
    let there = there.filter(|it| it["state"] != "deleted");
    let there: Vec<u64> = there.map(|it| it["number"].as_u64().unwrap()).collect();
    assert_eq!(there, [4, 3, 1]);
    let audit = prism.ok(&["audit", "list", "--resource", "template:kept"]);
    assert!(audit.contains("template.delete"), "{audit}");
}

#[test]
fn a_schedule_is_changed_after_it_was_made() {
    let prism = launched();
    prism.ok(&["schedule", "create", "work", "kept", "--rate", "1d"]);
    let edited = prism.ok(&["schedule", "edit", "kept", "--keep", "2"]);
    assert!(edited.contains("the last 2 versions"), "{edited}");
    let times = ["--cron", "0 3 * * ? *", "--timezone", "Europe/Berlin"];
    // The next runs must be the same in both answers.
    prism.ok(&["local", "speed", "0.1"]);
    let edit = ["schedule", "edit", "kept", "--json", "--jitter", "15m"];
    let edited = prism.run(&[&edit[..], &times].concat()).json();
    assert_eq!(edited["cadence"], "cron(0 3 * * ? *)");
    assert_eq!(
        (
            &edited["timezone"],
            &edited["jitter_minutes"],
            &edited["keep"]
        ),
        (&"Europe/Berlin".into(), &15.into(), &2.into())
    );
    let shown = prism.run(&["schedule", "show", "kept", "--json"]).json();
    assert_eq!(shown["next_runs"], edited["next_runs"]);
    prism.ok(&["local", "speed", FAST]);
    // The new number applies from the next run on.
    for _ in 0..3 {
        prism.ok(&["schedule", "run", "kept"]);
    }
    let versions = prism
        .run(&["template", "versions", "kept", "--json"])
        .json();
    let versions = versions["versions"].as_array().unwrap();
    let deleted = versions.iter().filter(|it| it["state"] == "deleted");
    assert_eq!(deleted.count(), 1, "{versions:?}");
    let all = [
        "schedule", "edit", "kept", "--keep", "all", "--jitter", "0m",
    ];
    let edited = prism.ok(&all);
    assert!(
        edited.contains("all versions") && !edited.contains("delayed"),
        "{edited}"
    );
    let audit = prism.ok(&["audit", "list", "--resource", "schedule:kept"]);
    assert_eq!(audit.matches("schedule.edit").count(), 3, "{audit}");
    for (options, code) in [
        (&["--keep", "0"][..], "InvalidInput"),
        (&["--keep", "some"], "InvalidInput"),
        (&["--rate", "1m"], "InvalidCadence"),
        (&["--rate", "0 3 * * ? *"], "InvalidCadence"),
        (&["--timezone", "Mars"], "InvalidTimeZone"),
        (&["--jitter", "x"], "InvalidCadence"),
        (&["--jitter", "2d"], "InvalidCadence"),
    ] {
        let args = [&["schedule", "edit", "kept"], options].concat();
        assert_eq!(prism.refused(&args), (code.to_owned(), 2), "{options:?}");
    }
    assert_eq!(prism.run(&["schedule", "edit", "kept"]).code, 2);
    let both = [
        "schedule",
        "edit",
        "kept",
        "--rate",
        "1d",
        "--cron",
        "0 3 * * ? *",
    ];
    assert_eq!(prism.run(&both).code, 2);
    let nobody = ["schedule", "edit", "nothing", "--keep", "1"];
    assert_eq!(prism.refused(&nobody), ("ScheduleNotFound".to_owned(), 1));
}

#[test]
fn a_schedule_holds_still_goes_on_and_is_run_by_hand() {
    let prism = launched();
    prism.ok(&[
        "schedule",
        "create",
        "work",
        "kept",
        "--rate",
        "1d",
        "--jitter",
        "15m",
        "--tag",
        "course=x",
        "--public",
        "--description",
        "for the course",
    ]);
    assert_eq!(
        prism.ok(&["schedule", "pause", "kept"]),
        "kept is paused.\n"
    );
    let shown = prism.ok(&["schedule", "show", "kept"]);
    assert!(
        shown.contains("paused") && shown.contains("15 min"),
        "{shown}"
    );
    let ran = prism
        .run(&["schedule", "run", "kept", "--request-id", "once", "--json"])
        .json();
    assert_eq!(ran["state"], "succeeded", "{ran}");
    let again = prism.run(&["schedule", "run", "kept", "--request-id", "once"]);
    again.says("already requested");
    let shown = prism.ok(&["schedule", "show", "kept"]);
    assert!(shown.contains("succeeded as version 1"), "{shown}");
    let resumed = prism.ok(&["schedule", "resume", "kept"]);
    assert!(
        resumed.starts_with("kept is active again, next run at"),
        "{resumed}"
    );
    let listed = prism.ok(&["schedule", "list"]);
    assert!(
        listed.contains("LAST RUN") && listed.contains("succeeded"),
        "{listed}"
    );
    let json = prism.run(&["schedule", "list", "--json"]).json();
    let listed = &json["schedules"][0];
    assert_eq!(listed["request"]["tags"]["course"], "x");
    assert_eq!(
        (listed["missed"].as_u64(), &listed["runs"][0]["version"]),
        (Some(0), &1.into())
    );
    let template = prism.run(&["template", "info", "kept", "--json"]).json();
    assert_eq!(template["template"]["visibility"], "public", "{template}");
    let nobody = ["schedule", "run", "nothing"];
    assert_eq!(prism.refused(&nobody), ("ScheduleNotFound".to_owned(), 1));
}

#[test]
fn what_cannot_be_scheduled_is_refused_with_its_reason() {
    let prism = launched();
    let refused = |options: &[&str], code: &str, exit: i32| {
        let args = [&["schedule", "create", "work", "kept"], options].concat();
        assert_eq!(prism.refused(&args), (code.to_owned(), exit), "{options:?}");
    };
    refused(&["--rate", "10 minutes"], "InvalidCadence", 2);
    refused(&["--rate", "0 3 * * ? *"], "InvalidCadence", 2);
    refused(&["--cron", "1d"], "InvalidCadence", 2);
    refused(
        &["--cron", "0 3 * * ? *", "--timezone", "Mars"],
        "InvalidTimeZone",
        2,
    );
    refused(&["--rate", "1d", "--name", "No"], "InvalidName", 2);
    refused(&["--rate", "1d", "--jitter", "long"], "InvalidCadence", 2);
    refused(&["--rate", "1d", "--jitter", "1d"], "InvalidCadence", 2);
    refused(&["--rate", "1d", "--tag", "none"], "InvalidTag", 2);
    assert_eq!(prism.run(&["schedule", "create", "work", "kept"]).code, 2);
    let nobody = ["schedule", "create", "nobody", "kept", "--rate", "1d"];
    assert_eq!(prism.refused(&nobody), ("InstanceNotFound".to_owned(), 1));
}

#[test]
fn a_template_tells_its_packages() {
    let prism = launched();
    prism.ok(&["exec", "work", "--", "pip", "install", "obspy==1.4.1"]);
    prism.ok(&["save", "work", "kept", "--yes"]);
    let short = prism.ok(&["template", "info", "kept"]);
    assert!(
        short.contains("with --packages") && !short.contains("obspy"),
        "{short}"
    );
    let long = prism.ok(&["template", "info", "kept", "--packages"]);
    assert!(long.contains("  obspy 1.4.1  (pip)\n"), "{long}");
    let json = prism.run(&["template", "info", "kept@1", "--json"]).json();
    let packages = json["packages"]["packages"].as_array().unwrap();
    assert!(packages.iter().any(|package| package["name"] == "obspy"));
}
