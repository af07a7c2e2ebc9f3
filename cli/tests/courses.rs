//! Courses on the command line: class lists, groups, instances for each member, and join links.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::fs;

use chrono::{DateTime, Utc};
use common::{FAST, Prism};

fn by<'a>(user: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    [&["--as", user], args].concat()
}

/// A cloud in which Alice owns the project `statistics`.
fn course() -> Prism {
    let prism = Prism::new(FAST);
    prism.ok(&["project", "create", "statistics"]);
    prism
}

fn class(prism: &Prism, text: &str) -> String {
    let path = prism.home().join("class.csv");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

const MEMBER: [&str; 4] = ["project", "member", "add", "statistics"];

#[test]
fn a_class_list_is_planned_checked_and_added() {
    let prism = course();
    let file = class(
        &prism,
        "user,group,role\nada,lab1,\nben,lab2,viewer\nA B,,\nchen,,boss\n",
    );
    let add = [&MEMBER[..], &["--from", &file]].concat();
    let refused = prism.run(&add);
    refused.says("line 4: ");
    refused.says("line 5: ");
    refused.says("nobody was added");
    assert_eq!(refused.code, 2);
    let file = class(
        &prism,
        "user,group,role\nada,lab1,\nben,lab2,viewer\nchen,,\n",
    );
    let plan = prism.ok(&[&add[..], &["--dry-run"]].concat());
    assert!(plan.contains("ben   viewer  lab2    is added"), "{plan}");
    assert!(
        !prism
            .ok(&["project", "member", "list", "statistics"])
            .contains("ben")
    );
    let added = prism.ok(&add);
    assert!(
        added.contains("ada now has the role member in statistics, in lab1."),
        "{added}"
    );
    let again = prism.ok(&add);
    assert!(again.contains("ada already has the role member"), "{again}");
    let _ = file;
    // A manager whose rights do not suffice is told the lines too.
    prism.ok(&[&MEMBER[..], &["adam", "--role", "admin"]].concat());
    class(&prism, "user,role\nzoe,admin\n");
    let refused = prism.run(&by("adam", &add));
    refused.says("line 2: zoe");
    let groups = prism.ok(&["project", "group", "list", "statistics"]);
    assert!(groups.contains("lab1   1        ada"), "{groups}");
    prism.ok(&["project", "group", "add", "statistics", "lab1", "chen"]);
    let listed = prism.ok(&["project", "member", "list", "statistics", "--group", "lab1"]);
    assert!(
        listed.contains("chen") && !listed.contains("ben"),
        "{listed}"
    );
    prism.ok(&["project", "group", "remove", "statistics", "lab1"]);
    let groups = prism.ok(&["project", "group", "list", "statistics"]);
    assert!(!groups.contains("lab1"), "{groups}");
}

#[test]
fn one_of_something_is_in_the_singular() {
    let prism = course();
    let group = |change: &str, user: &str| {
        prism.ok(&["project", "group", change, "statistics", "lab1", user])
    };
    prism.ok(&[&MEMBER[..], &["ada"]].concat());
    assert_eq!(group("add", "ada"), "The group lab1 has 1 member.\n");
    assert_eq!(group("add", "alice"), "The group lab1 has 2 members.\n");
    assert_eq!(group("remove", "alice"), "The group lab1 has 1 member.\n");
    let edit = ["project", "edit", "statistics", "--hours-per-month", "1"];
    let edited = prism.ok(&edit);
    assert!(edited.contains("1 hour a month"), "{edited}");
    let launch = ["project", "launch", "statistics", "ubuntu"];
    let plan = prism.ok(&[&launch[..], &["--for-each-member", "--dry-run"]].concat());
    assert!(plan.starts_with("1 instance of ubuntu"), "{plan}");
    assert!(plan.contains(", $0.0832 per hour; it begins"), "{plan}");
}

/// The output of a command as JSON.
fn json(prism: &Prism, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&prism.ok(&[args, &["--json"]].concat())).unwrap()
}

/// Polls until the only instance of Ben is in a state.
fn until(prism: &Prism, state: &str) {
    for _ in 0..500 {
        if prism.ok(&by("ben", &["list", "--format", "state"])).trim() == state {
            return;
        }
    }
    panic!("{}", prism.ok(&by("ben", &["list"])));
}

#[test]
fn an_instance_is_launched_for_each_member_and_stopped_by_the_owner_of_the_project() {
    let prism = course();
    prism.ok(&[
        &MEMBER[..],
        &["ada@uni.edu", "ben", "chen", "--group", "lab1"],
    ]
    .concat());
    let launch = [
        "project",
        "launch",
        "statistics",
        "ubuntu",
        "--for-each-member",
    ];
    let plan = prism.ok(&[&launch[..], &["--dry-run"]].concat());
    assert!(plan.contains("3 instances of ubuntu"), "{plan}");
    assert!(plan.contains("ubuntu-ada"), "{plan}");
    let unconfirmed = prism.run(&launch);
    assert_eq!(unconfirmed.code, 2, "{}", unconfirmed.stderr);
    unconfirmed.says("confirmation");
    // A year from now, whenever this runs.
    let end = [
        "--for",
        "52w",
        "--then",
        "terminate",
        "--warn-before",
        "30m",
    ];
    let plan = prism.ok(&[&launch[..], &["--dry-run"], &end].concat());
    assert!(plan.contains("it is then terminated"), "{plan}");
    let launched = json(
        &prism,
        &[&launch[..], &["--name", "week1", "--yes"], &end].concat(),
    );
    let results: Vec<&str> = launched["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["result"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["launched"; 3]);
    // They are the members', who were not asked.
    let hers = prism.ok(&by("ada@uni.edu", &["list", "--format", "name"]));
    assert_eq!(hers, "week1-ada\n");
    assert_eq!(prism.ok(&["list", "--format", "name"]), "");
    // Their manager sees when they end.
    let list = ["list", "--project", "statistics"];
    let shown = prism.ok(&list);
    assert!(shown.contains("ENDS"), "{shown}");
    // And that they did not launch it themselves.
    assert!(shown.contains("LAUNCHED BY"), "{shown}");
    let first = &json(&prism, &list)["instances"][0];
    assert_eq!(first["launched_by"], "alice");
    let end = &first["end"];
    assert_eq!(end["then"], "terminate", "{end}");
    let all = prism.ok(&["list", "--project", "statistics", "--format", "name,owner"]);
    assert_eq!(
        all,
        "week1-ada\tada@uni.edu\nweek1-ben\tben\nweek1-chen\tchen\n"
    );
    for user in ["ada@uni.edu", "ben", "chen"] {
        let own = json(&prism, &by(user, &["list"]));
        let end = &own["instances"][0]["end"];
        assert_eq!(
            (&end["then"], &end["warn_minutes"]),
            (&"terminate".into(), &30.into()),
            "{own}"
        );
    }
    // Who has one is left out.
    prism.ok(&[&MEMBER[..], &["dan"]].concat());
    let again = json(
        &prism,
        &[&launch[..], &["--name", "week1", "--yes"]].concat(),
    );
    let launched = again["members"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["result"] == "launched");
    assert_eq!(launched.count(), 1, "{again}");
    until(&prism, "running");
    let stopped = prism.ok(&[
        "stop",
        "week1-ben",
        "--project",
        "statistics",
        "--owner",
        "ben",
    ]);
    assert!(stopped.contains("of ben, is stop"), "{stopped}");
    until(&prism, "stopped");
    let shown = prism.ok(&by("ben", &["show", "week1-ben"]));
    assert!(
        shown.contains("stopped by  alice, who manages its project"),
        "{shown}"
    );
}

/// The names are looked up before anything is stopped, and what cannot be stopped hides no result.
#[test]
fn a_manager_stops_several_instances_or_is_told_which_ones_not() {
    let prism = course();
    prism.ok(&[&MEMBER[..], &["ada", "ben"]].concat());
    let launch = ["project", "launch", "statistics", "ubuntu"];
    prism.ok(&[&launch[..], &["--for-each-member", "--yes"]].concat());
    let list = ["list", "--project", "statistics", "--format", "name,state"];
    while prism.ok(&list).matches("running").count() < 2 {}
    let of = ["--project", "statistics"];
    let stop = |names: &[&str]| prism.run(&[&["stop"], names, &of[..]].concat());
    let mistyped = stop(&["ubuntu-ada", "ubuntu-bne"]);
    mistyped.says("error[InstanceNotFound]: The project statistics has no instance \"ubuntu-bne\"");
    assert_eq!((mistyped.code, mistyped.stdout.as_str()), (1, ""));
    assert_eq!(stop(&["ubuntu-ada", "odd "]).code, 2);
    assert_eq!(prism.ok(&list).matches("running").count(), 2);
    let protect = ["local", "alter", "ubuntu-ada", "--stop-protection", "on"];
    prism.ok(&by("ada", &protect));
    let stopped = stop(&["ubuntu-ada", "ubuntu-ben"]);
    assert_eq!(stopped.code, 1, "{}", stopped.stderr);
    stopped.prints("of ben, is stop");
    stopped.says("1 of 2 instances could not be stopped. ubuntu-ada: ");
    until(&prism, "stopped");
    // A Region without instances may be one that is no longer allowed, and then it is not in the list.
    let elsewhere = stop(&["ubuntu-ada", "ubuntu-ben", "--region", "us-west-2"]);
    elsewhere.says("2 of 2 instances could not be stopped. ");
    prism.ok(&by("ben", &["terminate", "ubuntu-ben", "--yes"]));
    stop(&["ubuntu-ada", "ubuntu-ben"]).says("has no instance \"ubuntu-ben\"");
}

#[test]
fn a_join_link_is_shown_once_and_admits() {
    let prism = course();
    let created = json(&prism, &["project", "show", "statistics"])["project"]["created_at"].clone();
    let day: chrono::NaiveDate = created.as_str().unwrap()[..10].parse().unwrap();
    let until = (day + chrono::Days::new(100)).to_string();
    let create = [
        "project",
        "link",
        "create",
        "statistics",
        "--uses",
        "1",
        "--until",
        &until,
    ];
    let text = prism.ok(&create);
    assert!(text.contains("\n1 user can join statistics"), "{text}");
    let code = text.lines().next().unwrap().to_owned();
    assert!(
        code.starts_with("prism-join-") && text.contains("It is not shown again"),
        "{text}"
    );
    let listed = prism.ok(&["project", "link", "list", "statistics"]);
    assert!(
        listed.contains("0 of 1") && !listed.contains(&code),
        "{listed}"
    );
    let planned = prism.ok(&by("ben", &["project", "join", &code, "--dry-run"]));
    assert!(
        planned.starts_with("You would join statistics, with the role member.\n")
            && planned.contains("  invited by  ")
            && !planned.contains(&code),
        "{planned}"
    );
    let joined = prism.ok(&by("ben", &["project", "join", &code]));
    assert_eq!(joined, "You are in statistics, with the role member.\n");
    let refused = prism.refused(&by("chen", &["project", "join", &code]));
    assert_eq!(refused, ("JoinCodeInvalid".to_owned(), 1));
}

#[test]
fn a_template_is_shared_with_a_class_and_approved() {
    let prism = course();
    prism.ok(&["launch", "ubuntu", "work"]);
    prism.ok(&["save", "work", "stats-env", "-y"]);
    let share = [
        "template",
        "share",
        "stats-env",
        "--with-class",
        "statistics",
    ];
    let plan = prism.ok(&[&share[..], &["--dry-run"]].concat());
    assert!(
        plan.contains("It would be approved for the project too."),
        "{plan}"
    );
    let shared = prism.ok(&share);
    assert!(
        shared.contains("stats-env is shared with project:statistics."),
        "{shared}"
    );
    assert!(
        shared.contains("It is approved for the project too."),
        "{shared}"
    );
    let approved = prism.ok(&["project", "approve", "statistics"]);
    assert!(approved.contains("stats-env"), "{approved}");
}

/// An interrupt ends the launches that were requested, and the command continues when it is repeated.
#[test]
#[cfg(unix)]
fn an_interrupted_launch_of_all_is_continued() {
    let prism = Prism::new("1");
    prism.ok(&["project", "create", "statistics"]);
    let students: Vec<String> = (0..40)
        .map(|number| format!("student-{number:02}"))
        .collect();
    let students: Vec<&str> = students.iter().map(String::as_str).collect();
    prism.ok(&[&MEMBER[..], &students].concat());
    let launch = [
        "project",
        "launch",
        "statistics",
        "ubuntu",
        "--for-each-member",
        "--yes",
    ];
    let child = prism.spawn(&launch);
    let list = ["list", "--project", "statistics", "--format", "ids"];
    while prism.ok(&list).lines().count() < 2 {}
    let id = child.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(killed.unwrap().success());
    let answer = common::answer(&child.wait_with_output().unwrap());
    assert_eq!(answer.code, 130, "{}", answer.stderr);
    answer.says("Repeat the command");
    let launched = answer.stdout.matches(" launched").count();
    assert!((2..40).contains(&launched), "{}", answer.stdout);
    prism.ok(&["local", "speed", FAST]);
    let rest = json(&prism, &launch);
    let count = |result: &str| {
        let rows = rest["members"].as_array().unwrap().iter();
        rows.filter(|row| row["result"] == result).count()
    };
    assert_eq!(
        (count("launched"), count("present")),
        (40 - launched, launched)
    );
    assert_eq!(prism.ok(&list).lines().count(), 40);
}

/// The command's own loop, at the pace that its plan announces. EC2's throttles hold in the embedded cloud, too.
#[test]
fn sixty_members_get_their_instances_and_not_before_the_announced_time() {
    let prism = Prism::new("50");
    prism.ok(&["project", "create", "statistics"]);
    let students: Vec<String> = (0..60)
        .map(|number| format!("student-{number:02}"))
        .collect();
    let students: Vec<&str> = students.iter().map(String::as_str).collect();
    prism.ok(&[&MEMBER[..], &students].concat());
    let launch = ["project", "launch", "statistics", "ubuntu"];
    let launch = [&launch[..], &["--for-each-member"]].concat();
    let plan = json(&prism, &[&launch[..], &["--dry-run"]].concat());
    let announced_s = plan["plan"]["wait_s"].as_i64().unwrap();
    let time = |text: &str| text.trim().parse::<DateTime<Utc>>().unwrap();
    let begin = time(&prism.ok(&["local", "show", "--format", "now"]));
    let launched = json(&prism, &[&launch[..], &["--yes"]].concat());
    let rows = launched["members"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["result"] == "launched"));
    let list = json(&prism, &["list", "--project", "statistics"]);
    let instances = list["instances"].as_array().unwrap();
    assert_eq!(instances.len(), 60);
    let times = instances.iter().map(|it| it["launched_at"].as_str());
    let newest = times.map(|it| time(it.unwrap())).max().unwrap();
    // A slow machine is late; only in the simulator, the time is exact.
    let took_s = (newest - begin).num_seconds();
    assert!(took_s * 10 >= announced_s * 9, "{took_s} of {announced_s}");
}
