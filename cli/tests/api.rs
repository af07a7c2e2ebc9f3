//! Tests the API backend against a fake server with scripted responses.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod fake;

use std::fs;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use common::{Answer, answer, program};
use fake::{Asked, Fake, Reply};
use prism_functions::domain::save::{SaveRecord, SaveState};
use serde_json::{Value, json};
use tempfile::TempDir;

const TOKEN: &str = "header.payload.signature";
const SAVE: &str = "save-0123456789abcdef0123";

/// The program, with the profile of an API.
struct Member {
    home: TempDir,
}

impl Member {
    fn of(url: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("token"), format!("{TOKEN}\n")).unwrap();
        let text = format!(
            "schema = 1\ndefault = \"ours\"\n[profile.ours]\nbackend = \"api\"\n\
             region = \"us-west-2\"\nurl = \"{url}\"\ntoken_file = \"{}\"\n",
            home.path().join("token").display()
        );
        fs::write(home.path().join("config.toml"), text).unwrap();
        Self { home }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = program();
        command.env("PRISM_CONFIG", self.home.path().join("config.toml"));
        command.args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Answer {
        answer(&self.command(args).output().unwrap())
    }

    fn refused(&self, args: &[&str]) -> (String, i32) {
        let answer = self.run(&[&["--json"], args].concat());
        let code = answer.error()["code"].as_str().unwrap().to_owned();
        (code, answer.code)
    }
}

/// An error response of the API.
fn problem(status: u16, code: &str, detail: &str) -> Reply {
    let body = json!({
        "type": "about:blank", "title": code, "status": status,
        "detail": detail, "code": code, "hint": "Do this.",
    });
    Reply::text(status, "application/problem+json", &body.to_string())
}

fn instance(state: &str) -> Value {
    json!({
        "name": "box", "id": "i-0123456789abcdef0", "state": state, "state_reason": null,
        "region": "us-west-2", "instance_type": "t3.large", "template": "ubuntu",
        "public_ip": "192.0.2.7", "launched_at": "2026-11-24T12:00:00Z", "save_id": null,
    })
}

#[test]
fn a_list_is_asked_for_with_the_token() {
    let fake = Fake::new(|_, _| {
        Reply::json(
            200,
            json!({ "items": [instance("running")], "cursor": null }),
        )
    });
    let listed = Member::of(&fake.url()).run(&["list"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert!(listed.stdout.contains("box") && listed.stdout.contains("192.0.2.7"));
    let asked = &fake.asked()[0];
    assert_eq!(asked.line(), "GET /v1/instances?region=us-west-2&limit=100");
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(asked.header("authorization"), Some(bearer.as_str()));
}

#[test]
fn a_problem_of_the_api_is_the_same_problem_here() {
    for (code, exit) in [
        ("InstanceNotFound", 1),
        ("InvalidName", 2),
        ("StopProtected", 1),
    ] {
        let fake = Fake::new(move |_, _| problem(409, code, "It is so."));
        let told = Member::of(&fake.url()).run(&["--json", "stop", "box"]);
        assert_eq!(told.code, exit, "{code}");
        let expected = json!({ "code": code, "message": "It is so.", "hint": "Do this." });
        assert_eq!(told.error(), expected);
    }
    // The deployment is newer than the program.
    let fake = Fake::new(|_, _| problem(409, "SomethingNew", "It is so."));
    let told = Member::of(&fake.url()).run(&["stop", "box"]);
    told.says("SomethingNew: It is so.");
}

/// Only the API of the profile sees the token: not the target of a redirect, and no proxy for requests to this machine.
#[test]
fn a_redirect_is_not_followed_and_this_machine_needs_no_proxy() {
    let elsewhere = Fake::new(|_, _| Reply::json(200, json!({ "items": [], "cursor": null })));
    let target = format!("{}/v1/instances", elsewhere.url());
    let fake = Fake::new(move |_, _| Reply::json(307, Value::Null).header("Location", &target));
    let member = Member::of(&fake.url());
    let mut command = program();
    command.env("PRISM_CONFIG", member.home.path().join("config.toml"));
    for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        command.env(proxy, elsewhere.url());
    }
    let told = answer(&command.args(["--json", "list"]).output().unwrap());
    assert_eq!(told.error()["code"], "ApiUnavailable", "{}", told.stderr);
    assert!(!told.stderr.contains(TOKEN), "{}", told.stderr);
    assert_eq!((fake.lines().len(), elsewhere.lines().len()), (1, 0));
    let odd = member.refused(&["stop", ".."]);
    assert_eq!(odd, ("InvalidInput".to_owned(), 2));
}

#[test]
fn what_stands_before_the_api_is_understood_too() {
    let gateway = |status: u16, body: &str| Reply::text(status, "application/json", body);
    let expired = "Bearer error=\"invalid_token\" error_description=\"the token has expired\"";
    let unauthorized = gateway(401, r#"{"message":"Unauthorized"}"#);
    for (reply, code) in [
        (unauthorized.clone(), "CredentialsRefused"),
        (
            unauthorized.header("WWW-Authenticate", expired),
            "CredentialsExpired",
        ),
        (
            gateway(403, r#"{"message":"Forbidden"}"#),
            "PermissionMissing",
        ),
        (
            gateway(
                403,
                r#"{"message":"Signature expired: 20261124T1 is now earlier"}"#,
            ),
            "ClockWrong",
        ),
        (
            gateway(404, r#"{"message":"Not Found"}"#),
            "DeploymentNotFound",
        ),
        (gateway(502, "<html>"), "ApiUnavailable"),
        (gateway(200, "<html>"), "ApiUnavailable"),
    ] {
        let shown = format!("{reply:?}");
        let fake = Fake::new(move |_, _| reply.clone());
        assert_eq!(
            Member::of(&fake.url()).refused(&["list"]),
            (code.to_owned(), 1),
            "{shown}"
        );
    }
}

#[test]
fn an_api_that_is_not_there_is_told_at_once() {
    let gone = {
        let fake = Fake::new(|_, _| Reply::json(500, Value::Null));
        fake.url()
    };
    let member = Member::of(&gone);
    assert_eq!(
        member.refused(&["stop", "box"]),
        ("ApiUnavailable".to_owned(), 1)
    );
    let doctor = member.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    doctor.prints("fail  api");
}

/// What became of the instance is not known if nobody can look at it, whether it was to stop or to start.
#[test]
fn a_resize_that_cannot_be_watched_says_that_the_instance_may_be_stopped() {
    for last in ["stop", "start"] {
        let started = AtomicBool::new(false);
        let busy = AtomicBool::new(true);
        let fake = Fake::new(move |ask, _| {
            let done = ask.path.split(['/', '?']).nth(4).unwrap_or_default();
            match (ask.method.as_str(), done) {
                ("POST", "resize") if ask.path.contains("dry_run=true") => {
                    let plan = json!({
                        "instance": instance("running"), "instance_type": "t3.xlarge",
                        "usd_per_hour": 0.1664, "must_stop": true, "address_changes": false,
                    });
                    Reply::json(200, json!({ "dry_run": true, "plan": plan }))
                }
                ("POST", _) => {
                    started.store(done == "start", SeqCst);
                    Reply::json(202, instance("pending"))
                }
                // One transient failure is nothing.
                _ if busy.swap(false, SeqCst) => problem(503, "Unavailable", "Not now."),
                _ if last == "start" && !started.load(SeqCst) => {
                    Reply::json(200, instance("stopped"))
                }
                _ => problem(403, "NotAllowed", "Nobody may look."),
            }
        });
        let told = Member::of(&fake.url()).run(&["resize", "box", "--size", "L", "--yes"]);
        assert_eq!(told.code, 1, "{:?}", fake.lines());
        told.says("error[NotAllowed]: Nobody may look.");
        told.says("box may be stopped: see \"prism list\", and start it with \"prism start box\".");
    }
}

#[test]
fn a_request_whose_answer_is_lost_is_in_doubt() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // The server closes each connection at once.
    let server = std::thread::spawn(move || drop(listener.accept().unwrap()));
    assert_eq!(
        Member::of(&url).refused(&["stop", "box"]),
        ("RequestInDoubt".to_owned(), 1)
    );
    server.join().unwrap();
}

#[test]
fn only_what_does_no_harm_twice_is_asked_again() {
    let busy = |ask: &Asked, before: usize| {
        let ready = before >= 2;
        match ask.path.as_str() {
            _ if !ready => Reply::json(503, Value::Null).header("Retry-After", "0"),
            path if path.starts_with("/v1/templates") => {
                Reply::json(200, json!({ "items": [], "cursor": null }))
            }
            _ => Reply::json(200, instance("stopping")),
        }
    };
    let fake = Fake::new(busy);
    assert_eq!(
        Member::of(&fake.url()).run(&["templates", "--mine"]).code,
        0
    );
    assert_eq!(
        fake.lines()[..3],
        ["GET /v1/templates?mine=true&limit=100"; 3]
    );
    let fake = Fake::new(busy);
    assert_eq!(Member::of(&fake.url()).run(&["stop", "box"]).code, 1);
    assert_eq!(
        fake.lines(),
        ["POST /v1/instances/box/stop?region=us-west-2"]
    );
}

#[test]
fn pages_are_read_up_to_the_limit_and_no_further() {
    let fake = Fake::new(|ask, _| {
        let size: usize = ask
            .path
            .split("limit=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let records: Vec<SaveRecord> = (0..size).map(|_| record(SaveState::Succeeded)).collect();
        Reply::json(200, json!({ "items": records, "cursor": "a b" }))
    });
    let listed = Member::of(&fake.url())
        .run(&["saves", "list", "--limit", "150", "--json"])
        .json();
    assert_eq!(listed["saves"].as_array().unwrap().len(), 150);
    assert_eq!(listed["more"], true);
    let pages = [
        "GET /v1/saves?limit=100",
        "GET /v1/saves?limit=50&cursor=a+b",
    ];
    assert_eq!(fake.lines(), pages);
}

fn record(state: SaveState) -> SaveRecord {
    let request = json!({ "instance": "box", "template": "box-env", "region": "us-west-2" });
    let mut record = SaveRecord::new(
        SAVE.parse().unwrap(),
        serde_json::from_value(request).unwrap(),
        "ann".parse().unwrap(),
        SAVE.to_owned(),
        "2026-11-24T12:00:00Z".parse().unwrap(),
    );
    record.state = state;
    record.version = (state == SaveState::Succeeded).then_some(3);
    record
}

fn plan() -> Value {
    json!({
        "save_id": SAVE, "request": record(SaveState::Running).request, "saved_by": "ann",
        "instance": {
            "id": "i-0123456789abcdef0", "name": "box", "original_state": "running",
            "instance_type": "t3.large", "architecture": "x86_64", "root_device": "/dev/sda1",
            "volumes": { "vol-0123456789abcdef0": 20 }, "root_size_gib": 20,
            "launched_from": null, "login": null, "ports": [],
        },
        "next_version": 3, "steps": ["Stop it."], "expected_downtime_s": 60,
        "usd_per_month_at_most": 1.0, "warnings": [],
    })
}

#[test]
fn a_save_is_begun_once_and_watched_to_its_end() {
    let fake = Fake::new(|ask, before| match (ask.line().as_str(), before) {
        ("POST /v1/saves?dry_run=true", _) => {
            Reply::json(200, json!({ "dry_run": true, "plan": plan() }))
        }
        // The first attempt gets the response that the API is busy.
        ("POST /v1/saves", 1) => Reply::json(503, Value::Null).header("Retry-After", "0"),
        ("POST /v1/saves", _) => Reply::json(202, json!({ "save_id": SAVE, "repeated": false })),
        // The record does not exist yet.
        (_, 3) => problem(404, "SaveNotFound", "There is no such save."),
        (_, 4) => Reply::json(200, json!(record(SaveState::Running))),
        _ => Reply::json(200, json!(record(SaveState::Succeeded))),
    });
    let saved = Member::of(&fake.url()).run(&["save", "box", "box-env", "--yes"]);
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    saved.prints("box is saved as box-env@3");
    let asked = fake.asked();
    let keys: Vec<_> = asked
        .iter()
        .map(|ask| ask.header("idempotency-key"))
        .collect();
    assert_eq!(keys[0], None);
    assert_eq!(keys[1], keys[2]);
    assert!(keys[1].is_some_and(|key| key.len() == 32), "{keys:?}");
    let body: Value = serde_json::from_str(&asked[2].body).unwrap();
    assert_eq!(body["template"], "box-env");
    // The program does not wait for a save that it did not request.
    let fake = Fake::new(|_, _| problem(404, "SaveNotFound", "There is no such save."));
    let refused = Member::of(&fake.url()).refused(&["saves", "watch", SAVE]);
    assert_eq!(refused, ("SaveNotFound".to_owned(), 1));
}

#[test]
fn a_watch_that_fails_says_that_the_save_goes_on_and_how_to_see_it() {
    let expired = "Bearer error=\"invalid_token\" error_description=\"the token has expired\"";
    for (args, seen) in [
        (&["save", "box", "box-env", "--yes"][..], 1),
        (&["save", "box", "box-env", "--no-wait"][..], 0),
        (&["saves", "watch", SAVE][..], 1),
    ] {
        let looks = std::sync::atomic::AtomicUsize::new(0);
        let fake = Fake::new(move |ask, _| match ask.line().as_str() {
            "POST /v1/saves?dry_run=true" => {
                Reply::json(200, json!({ "dry_run": true, "plan": plan() }))
            }
            "POST /v1/saves" => Reply::json(202, json!({ "save_id": SAVE, "repeated": false })),
            _ if looks.fetch_add(1, SeqCst) < seen => {
                Reply::json(200, json!(record(SaveState::Running)))
            }
            _ => Reply::json(401, json!({ "message": "Unauthorized" }))
                .header("WWW-Authenticate", expired),
        });
        let told = Member::of(&fake.url()).run(&[&["--json"], args].concat());
        assert_eq!(told.code, 1, "{args:?}: {}", told.stderr);
        let error = told.error();
        assert_eq!(error["code"], "CredentialsExpired", "{error}");
        let goes_on = format!("{SAVE} continues");
        assert!(
            error["message"].as_str().unwrap().contains(&goes_on),
            "{error}"
        );
        let watch = format!("prism saves watch {SAVE}");
        let hint = error["hint"].as_str().unwrap();
        assert!(
            hint.contains("Log in again") && hint.contains(&watch),
            "{error}"
        );
    }
}

#[test]
fn the_same_request_id_is_the_same_save() {
    let fake = Fake::new(|ask, _| match ask.path.as_str() {
        "/v1/saves?dry_run=true" => {
            assert_eq!(ask.header("idempotency-key"), Some("nightly"));
            Reply::json(202, json!({ "save_id": SAVE, "repeated": true }))
        }
        _ => Reply::json(200, json!(record(SaveState::Succeeded))),
    });
    let saved = Member::of(&fake.url());
    let saved = saved.run(&["save", "box", "box-env", "--request-id", "nightly"]);
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    saved.says("already requested");
    let asked = fake.asked();
    assert!(asked[1..].iter().all(|ask| ask.method == "GET"));
}

#[test]
fn consent_to_show_sensitive_files_is_sent_with_a_copy() {
    let fake = Fake::new(|_, _| problem(409, "CopyExists", "It is there."));
    let args = ["template", "copy", "box-env@1", "--region", "eu-west-1"];
    for (more, sent) in [(&[][..], false), (&["--publish-sensitive"][..], true)] {
        let before = fake.asked().len();
        let refused = Member::of(&fake.url()).refused(&[&args[..], more].concat());
        assert_eq!(refused, ("CopyExists".to_owned(), 1));
        let asked = &fake.asked()[before];
        assert_eq!(asked.line(), "POST /v1/templates/box-env/versions/1/copies");
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        assert_eq!(body["regions"], json!(["eu-west-1"]));
        let consents = body["publish_sensitive"].as_bool();
        assert_eq!(consents.unwrap_or_default(), sent);
    }
}

#[test]
fn the_doctor_compares_clocks_and_asks_who_you_are() {
    let at = |date: &'static str, reply: Reply| {
        let reply = reply.header("Date", date);
        let fake = Fake::new(move |_, _| reply.clone());
        Member::of(&fake.url()).run(&["doctor", "--json"])
    };
    let me = || Reply::json(200, json!({ "user": "ann" }));
    let told = at("Tue, 24 Nov 2020 12:00:00 GMT", me());
    assert_eq!(told.code, 1);
    let checks: Value = serde_json::from_str(&told.stdout).unwrap();
    let found = |name: &str| {
        let checks = checks["checks"].as_array().unwrap();
        checks
            .iter()
            .find(|check| check["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(found("clock")["code"], "ClockWrong");
    assert_eq!(found("clock")["verdict"], "fail");
    assert_eq!(found("user")["detail"], "ann");
    let now = httpdate();
    let now: &'static str = Box::leak(now.into_boxed_str());
    assert_eq!(at(now, me()).code, 0);
    let refused = at(now, Reply::json(401, json!({ "message": "Unauthorized" })));
    assert_eq!(refused.code, 1);
    refused.prints("CredentialsRefused");
}

/// The current time in HTTP's date format.
fn httpdate() -> String {
    let now = prism_functions::domain::Timestamp::from(std::time::UNIX_EPOCH)
        + chrono::TimeDelta::from_std(since_epoch()).unwrap();
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program's clock is the real one"
)]
fn since_epoch() -> std::time::Duration {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap()
}

/// A plan of launches for three members, long after each other.
#[cfg(unix)]
fn class_plan() -> Value {
    let members = ["ada", "ben", "chen"].map(|user| {
        json!({
            "user": user, "name": format!("ubuntu-{user}"), "launch": "launch", "instance": null,
            "reason": null,
        })
    });
    json!({
        "template": "ubuntu", "region": "us-west-2", "instance_type": "t3.large",
        "architecture": "x86_64", "root_size_gib": 10, "members": members, "count": 3,
        "usd_per_hour": 0.2496, "interval_ms": 600_000, "wait_s": 1200, "end": null, "warnings": [],
    })
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status();
    assert!(killed.unwrap().success());
}

/// A second interrupt does not wait for the launches that were requested, but tells them from the others.
#[test]
#[cfg(unix)]
fn a_second_interrupt_says_which_launches_were_requested() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    // The first launch is not answered until the test ends, which drops `release` before the server.
    let (sender, held) = std::sync::mpsc::channel::<()>();
    let fake = Fake::new(move |ask, _| {
        if ask.path.ends_with("/launch-plan") {
            return Reply::json(200, class_plan());
        }
        let _ = held.recv();
        Reply::json(503, Value::Null)
    });
    let release = sender;
    let launch = ["--json", "project", "launch", "statistics", "ubuntu"];
    let launch = [&launch[..], &["--for-each-member", "--yes"]].concat();
    let member = Member::of(&fake.url());
    let mut command = member.command(&launch);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    while fake.lines().len() < 2 {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::yield_now();
    }
    interrupt(&child);
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let mut lines = stderr.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("Interrupted: the launches")));
    interrupt(&child);
    let last = lines.last().unwrap();
    let told = answer(&child.wait_with_output().unwrap());
    drop(release);
    assert_eq!(told.code, 130, "{last}");
    let result: Value = serde_json::from_str(&told.stdout).unwrap();
    let results: Vec<&Value> = (0..3).map(|at| &result["members"][at]["result"]).collect();
    assert_eq!(results, ["requested", "not requested", "not requested"]);
    let schema: Value =
        serde_json::from_str(include_str!("../../docs/json/project-launch.json")).unwrap();
    let known = "/oneOf/0/properties/members/items/properties/result/enum";
    let known = schema.pointer(known).unwrap().as_array().unwrap();
    assert!(results.iter().all(|it| known.contains(it)), "{known:?}");
    let error: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(
        error["message"],
        "Interrupted: 2 instances were not requested, and it is not known what became of 1 that was."
    );
}
