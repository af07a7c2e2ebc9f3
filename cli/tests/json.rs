//! The results as JSON: every command has a schema in `docs/json`, and prints what its schema says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;
#[path = "json/schema.rs"]
mod schema;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{FAST, Prism, without_costs};
use schema::Schemas;
use serde_json::Value;

/// Commands that print something other than results: scripts and texts, or what another program prints.
const WITHOUT: [&str; 8] = [
    "audit-export",
    "completions",
    "connect",
    "cp",
    "help",
    "man",
    "open",
    "local-run",
];
/// Commands that are run elsewhere, because they do not end or need a cloud or an SMTP server of their own: their schemas are checked
/// with results that other tests print.
const ELSEWHERE: [&str; 2] = ["local-serve", "notify-confirm"];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// A workflow that runs each command at least once, in the forms whose results differ.
const WORKFLOW: &[&str] = &[
    "launch ubuntu box",
    "launch ubuntu other --dry-run",
    "launch ubuntu other",
    "list",
    "list --all-regions",
    "show box",
    "costs",
    "exec box -- pip install obspy",
    "stop other",
    "start other",
    "resize other --size L --dry-run",
    "resize other --size L --yes",
    "rename other third --dry-run",
    "rename other third",
    "rename third other",
    "stop box other",
    "start box other",
    "key add KEY",
    "key list",
    "notify show",
    "notify set --on save.failed,budget.crossed --desktop",
    "notify set --webhook http://127.0.0.1:9/hook",
    "notify set --on defaults",
    "notify test",
    "notify off",
    "region list",
    "project create study",
    "project create spare",
    "project delete spare --yes",
    "project edit study --description Faults --largest-size XL --instances-per-member 9 --hours-per-month 200",
    "project member add study bob",
    "project member add study carol dan --role viewer",
    "project member add study fay --group lab1 --dry-run",
    "project member list study",
    "project group add study lab1 bob carol",
    "project group list study",
    "project group remove study lab1 carol",
    "project member remove study bob",
    "project member remove study carol dan",
    "project list",
    "project link create study --uses 3 --until DATE --group lab1",
    "project link list study",
    "project join CODE --dry-run",
    "project join CODE",
    "project link revoke study LINK",
    "project launch study ubuntu --for-each-member --dry-run",
    "project launch study ubuntu --for-each-member --yes",
    "list --project study",
    "project budget study --limit 50",
    "extend box --for 50w --last-save env",
    "show box",
    "project end study --on END --last-save",
    "project end study --never",
    "extend box --never",
    "save box env --dry-run",
    "save box env --project study",
    "show box",
    "save box env --no-wait",
    "saves watch LAST",
    "saves list",
    "saves show LAST",
    "save other mine",
    "schedule create box env --name nightly --rate 1d",
    "schedule list",
    "schedule show nightly",
    "schedule edit nightly --keep 3",
    "schedule pause nightly",
    "schedule resume nightly",
    "schedule run nightly",
    "schedule delete nightly",
    "template list",
    "template show env",
    "template show ubuntu",
    "template versions env",
    "template lineage env",
    "template diff env@1 env@2",
    "template rollback env 1 --dry-run",
    "template rollback env 1",
    "template edit env --notes word",
    "template deprecate env",
    "template restore env",
    "template share env --user bob --dry-run",
    "template share env --user bob",
    "template share env --user carol,dan",
    "template shares env",
    "template unshare env --user bob",
    "template unshare env --user carol,dan",
    "project share-template study mine",
    "project templates study",
    "project approve study env",
    "project approve study",
    "project approve study env --withdraw",
    "project costs study",
    "project costs study --history",
    "project show study",
    "template copy mine --copy-to eu-west-1 --dry-run",
    "template copy mine --copy-to eu-west-1",
    "template export mine",
    "template export mine -o FILE",
    "template import FILE --name again",
    "template unshare mine --project study",
    "template delete mine --dry-run",
    "template delete mine@1 --yes --force",
    "audit list",
    "doctor",
    "local show",
    "local speed",
    "local settings",
    "local alter other --spot",
    "configure --local --name demo",
    "configure --use demo",
    "key remove FINGERPRINT",
    "terminate other --yes",
];

struct Run {
    prism: Prism,
    schemas: Schemas,
    seen: BTreeSet<String>,
    last: String,
    /// The ID and the code of the last join link.
    link: [String; 2],
}

impl Run {
    fn new() -> Self {
        let prism = Prism::new(FAST);
        fs::write(prism.home().join("key.pub"), common::PUBLIC_KEY).unwrap();
        Self {
            prism,
            schemas: Schemas::of(&docs()),
            seen: BTreeSet::new(),
            last: String::new(),
            link: [String::new(), String::new()],
        }
    }

    /// Runs a line of the workflow and compares its result with the schema of its command.
    fn check(&mut self, line: &str) {
        let home = self.prism.home().display().to_string();
        let words: Vec<String> = line
            .split(' ')
            .map(|word| match word {
                "KEY" => format!("{home}/key.pub"),
                "FILE" => format!("{home}/mine.yaml"),
                "LAST" => self.last.clone(),
                // When the instance ends.
                "END" => {
                    let shown = self.prism.run(&["show", "box", "--json"]).json();
                    let end = shown["instance"]["end"]["at"].as_str();
                    end.unwrap_or_default().to_owned()
                }
                "LINK" => self.link[0].clone(),
                "CODE" => self.link[1].clone(),
                "DATE" => self.later(),
                "FINGERPRINT" => self
                    .prism
                    .ok(&["key", "list", "--format", "ids"])
                    .trim()
                    .to_owned(),
                word => word.to_owned(),
            })
            .collect();
        let config = format!("{home}/config.toml");
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = [&["--json"], args.as_slice()].concat();
        let output = self
            .prism
            .command(&command)
            .env("PRISM_CONFIG", config)
            .output()
            .unwrap();
        let answer = common::answer(&output);
        assert_eq!(answer.code, 0, "{line}: {}", answer.stderr);
        let value = serde_json::from_str(&answer.stdout);
        let value: Value = value.unwrap_or_else(|error| panic!("{line}: {error}"));
        let name = self.schemas.command(&words);
        self.schemas.check(&name, &value);
        if let Some(id) = value["save_id"].as_str() {
            id.clone_into(&mut self.last);
        }
        if let (Some(id), Some(code)) = (value["link"]["id"].as_str(), value["code"].as_str()) {
            self.link = [id, code].map(str::to_owned);
        }
        self.seen.insert(name);
    }

    /// A date that is later on the cloud's clock, which runs fast.
    fn later(&self) -> String {
        let shown = self.prism.ok(&["project", "show", "study", "--json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let created = shown["project"]["created_at"].as_str().unwrap();
        let day: chrono::NaiveDate = created[..10].parse().unwrap();
        (day + chrono::Days::new(300)).to_string()
    }
}

#[test]
fn every_command_prints_what_its_schema_says() {
    let mut run = Run::new();
    for line in WORKFLOW {
        run.check(line);
    }
    run.prism.ok(&["local", "speed", "1"]);
    run.check("save box env --no-wait");
    // It is running, so that this changes nothing.
    run.check("saves recover LAST");
    run.check("saves cancel LAST");
    run.prism.ok(&["local", "speed", FAST]);
    run.prism.run(&["saves", "watch", &run.last]);
    fs::remove_file(run.prism.home().join("registry.db")).unwrap();
    run.check("local adopt --yes");
    run.check("local reset --yes");
    let known: BTreeSet<String> = run.schemas.names().collect();
    let elsewhere = ELSEWHERE.map(str::to_owned);
    let seen: BTreeSet<String> = run.seen.iter().cloned().chain(elsewhere).collect();
    assert_eq!(
        known, seen,
        "a schema without a command that was run, or the reverse"
    );
}

/// The manual has a page for each command, so that it lists all of them.
#[test]
fn every_command_has_a_schema() {
    let prism = Prism::empty();
    let pages = prism.home().join("man");
    prism.ok(&["man", pages.to_str().unwrap()]);
    let pages = fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let names = pages.map(|name| name.into_string().unwrap());
    let names: BTreeSet<String> = names
        .filter_map(|name| Some(name.strip_prefix("prism-")?.strip_suffix(".1")?.to_owned()))
        .collect();
    let group = |name: &String| {
        names
            .iter()
            .any(|other| other.starts_with(&format!("{name}-")))
    };
    let commands = names.iter().filter(|name| !group(name));
    let with = commands.filter(|name| !WITHOUT.contains(&name.as_str()));
    let expected: BTreeSet<String> = with.cloned().collect();
    let schemas: BTreeSet<String> = Schemas::of(&docs()).names().collect();
    assert_eq!(schemas, expected);
}

#[test]
fn errors_of_any_kind_are_json() {
    let prism = Prism::new(FAST);
    let schemas = Schemas::of(&docs());
    for (args, code, exit) in [
        (&["save"][..], "InvalidArguments", 2),
        (&["frobnicate"], "InvalidArguments", 2),
        (&["template", "lst"], "InvalidArguments", 2),
        (
            &["launch", "ubuntu", "a", "--arch", "z80"],
            "InvalidArguments",
            2,
        ),
        (&["help", "nonsense"], "InvalidArguments", 2),
        (&["template", "show", "nope"], "TemplateNotFound", 1),
        (
            &["launch", "ubuntu", "i-0123456789abcdef0"],
            "InvalidName",
            2,
        ),
    ] {
        let answer = prism.run(&[&["--json"], args].concat());
        assert_eq!(answer.stdout, "", "{args:?}");
        let error = answer.error();
        assert_eq!(
            (error["code"].as_str(), answer.code),
            (Some(code), exit),
            "{args:?}"
        );
        schemas.check("error", &error);
        let others = answer.stderr.replace("embedded cloud (simulated)\n", "");
        assert_eq!(others.lines().count(), 1, "{}", answer.stderr);
    }
    let lst = prism.run(&["--json", "template", "lst"]).error();
    assert!(lst["hint"].as_str().unwrap().contains("list"), "{lst}");
}

/// An interrupted save continues, and says so as JSON.
#[test]
#[cfg(unix)]
fn an_interrupt_is_json() {
    let prism = Prism::new("1");
    prism.ok(&["launch", "ubuntu", "box", "--no-wait"]);
    prism.ok(&["local", "speed", FAST]);
    prism.until("box", |it| it["state"] == "running");
    prism.ok(&["local", "speed", "1"]);
    let child = prism.spawn(&["--json", "save", "box", "env"]);
    prism.until("box", |it| it["save_id"].is_string());
    interrupt(&child);
    let output = child.wait_with_output();
    let answer = common::answer(&output.unwrap());
    assert_eq!(answer.code, 130, "{}", answer.stderr);
    let error = answer.error();
    assert_eq!(error["code"], "Interrupted");
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("prism saves watch save-"),
        "{error}"
    );
}

/// So does the interrupt of a command that waits for something else.
#[test]
#[cfg(unix)]
fn an_interrupted_wait_is_json() {
    let prism = Prism::new("0.1");
    let child = prism.spawn(&["--json", "launch", "ubuntu", "box"]);
    prism.until("box", |it| it["state"] == "pending");
    interrupt(&child);
    let answer = common::answer(&child.wait_with_output().unwrap());
    assert_eq!(answer.code, 130, "{}", answer.stderr);
    assert_eq!(answer.error()["code"], "Interrupted");
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let id = child.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(killed.unwrap().success());
}

#[test]
fn results_have_other_forms_too() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let id = prism.ok(&["list", "--format", "ids"]);
    assert!(id.starts_with("i-") && id.lines().count() == 1, "{id}");
    assert_eq!(
        prism.ok(&["list", "--format", "name,state"]),
        "box\trunning\n"
    );
    assert_eq!(
        without_costs(&prism.ok(&["list", "--format", "json"])),
        without_costs(&prism.ok(&["list", "--json"]))
    );
    assert!(
        prism
            .ok(&["list", "--format", "yaml"])
            .contains("name: box")
    );
    // The cost of the month may grow between two commands, though seldom at this speed.
    prism.ok(&["local", "speed", "0.1"]);
    let equal = (0..3).any(|_| prism.ok(&["list", "--format", "table"]) == prism.ok(&["list"]));
    assert!(equal);
    let odd = prism.run(&["list", "--format", "nam"]);
    odd.says("Its fields are: ");
    assert_eq!(odd.code, 2);
}

/// A command that has changed something succeeds, so its result is printed whatever fields are asked for.
#[test]
fn a_field_that_does_not_exist_fails_no_change() {
    let prism = Prism::new(FAST);
    let format = ["--format", "nam,instance.name"];
    let launched = prism.run(&[&["launch", "ubuntu", "box"], &format[..]].concat());
    launched.says("warning: The result has no field \"nam\". It is left empty. Its fields are: ");
    assert_eq!((launched.code, launched.stdout.as_str()), (0, "\tbox\n"));
    prism.ok(&["launch", "ubuntu", "other"]);
    let stopped = prism.run(&["stop", "box", "other", "--format", "name,nam"]);
    stopped.says("warning: The result has no field \"nam\".");
    let expected = (0, "box\t\nother\t\n");
    assert_eq!((stopped.code, stopped.stdout.as_str()), expected);
    prism.ok(&["schedule", "create", "box", "env", "--rate", "1d"]);
    let paused = prism.run(&["schedule", "edit", "env", "--keep", "3", "--format", "nam"]);
    assert_eq!((paused.code, paused.stdout.as_str()), (0, "\n"));
    for read in [&["show", "box"][..], &["schedule", "show", "env"]] {
        let refused = prism.run(&[read, &["--format", "nam"]].concat());
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{read:?}");
    }
}
