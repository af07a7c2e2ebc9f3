//! AWS's own error messages name roles, accounts and keys, so they only appear in the log. Whichever call AWS refuses,
//! no response, record or notification contains its message.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use prism_functions::ports::Ec2Error;
use prism_local::ec2::Capacity;
use prism_tests::ask;
use prism_tests::world::{Setup, region};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::portal::{Answer, Ask, Portal};

/// A text in each of AWS's messages here.
const SECRET: &str = "arn:aws:iam::123456789012:role/secret";

const ACTIONS: &[&str] = &[
    "DescribeRegions",
    "DescribeInstances",
    "DescribeInstanceAttribute",
    "DescribeInstanceStatus",
    "GetConsoleOutput",
    "DescribeVolumes",
    "DescribeInstanceTypes",
    "GetEbsEncryptionByDefault",
    "DryRun",
    "StopInstances",
    "StartInstances",
    "CreateTags",
    "ModifyInstanceAttribute",
    "TerminateInstances",
    "RunInstances",
    "CreateImage",
    "DescribeImages",
    "DescribeImageReferences",
    "DescribeSnapshots",
    "DescribeSnapshotKeys",
    "CopyImage",
    "DeregisterImage",
    "DeleteSnapshot",
    "AddLaunchPermissions",
    "RemoveLaunchPermissions",
    "DescribeImageAttribute",
];

const CODES: &[&str] = &[
    "UnauthorizedOperation",
    "UnsupportedOperation",
    "InsufficientInstanceCapacity",
    "ResourceLimitExceeded",
    "OperationNotPermitted",
    "InternalError",
    "AuthFailure",
    "SomethingNew",
    "InvalidSnapshot.InUse",
    "InvalidParameterValue",
];

/// The action to refuse, the error code, how many calls of it pass before, and how many were refused.
#[derive(Clone, Copy)]
struct Refusing {
    action: &'static str,
    code: &'static str,
    passing: u32,
    refused: u32,
}

thread_local! {
    static REFUSING: Cell<Option<Refusing>> = const { Cell::new(None) };
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn refuses(action: &'static str) -> Option<Ec2Error> {
    let mut now = REFUSING.get().filter(|it| it.action == action)?;
    let passes = now.passing > 0;
    if passes {
        now.passing -= 1;
    } else {
        now.refused += 1;
    }
    REFUSING.set(Some(now));
    let sentence = format!("{SECRET} is not allowed to do this in 123456789012");
    (!passes).then(|| Ec2Error::new(action, now.code, sentence))
}

#[derive(Clone, Copy)]
struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

fn logged<T>(act: impl FnOnce() -> T) -> (T, String) {
    LOG.with_borrow_mut(Vec::clear);
    let log = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(|| Log)
        .finish();
    let done = tracing::subscriber::with_default(log, act);
    (
        done,
        LOG.with_borrow(|log| String::from_utf8_lossy(log).into_owned()),
    )
}

fn portal() -> Portal {
    let portal = Portal::over(Setup::seeded(7).bent(|ec2| {
        ec2.refuses = refuses;
        ec2.instances = |mut instance| {
            if let Some(reason) = &mut instance.state_reason {
                SECRET.clone_into(&mut reason.message);
            }
            instance
        };
        ec2.images = |mut image| {
            if let Some(reason) = &mut image.state_reason {
                SECRET.clone_into(&mut reason.message);
            }
            image
        };
    }));
    portal.world.launch("ada", "ubuntu", "work");
    portal.world.launch("ada", "ubuntu", "spare");
    for _ in 0..2 {
        portal.post("ada", "/v1/saves", &save("work", &[])).ok(202);
        portal.world.clock.run_until_idle().unwrap();
    }
    portal
}

fn save(instance: &str, regions: &[&str]) -> Value {
    json!({
        "instance": instance, "template": "kept", "region": "us-east-1", "copy_to": regions,
        "publish_sensitive": true,
    })
}

/// Every request to a deployment that calls EC2, some of them twice.
fn everything(portal: &Portal) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut ask = |method: &str, path: &str, body: Option<Value>| {
        let ask = Ask::new("ada", method, path);
        answers.push(match &body {
            Some(body) => portal.ask(ask.json(body)),
            None => portal.ask(ask),
        });
    };
    let far = json!({"regions": ["eu-west-1"]});
    let account = json!({"to": "account:999988887777", "publish_sensitive": true});
    ask(
        "POST",
        "/v1/saves?dry_run=true",
        Some(save("work", &["eu-west-1"])),
    );
    ask("POST", "/v1/saves", Some(save("work", &["eu-west-1"])));
    portal.world.clock.run_until_idle().unwrap();
    let copies = "/v1/templates/kept/versions/1/copies";
    ask("POST", &format!("{copies}?dry_run=true"), Some(far.clone()));
    ask("POST", copies, Some(far));
    portal.world.clock.run_until_idle().unwrap();
    ask(
        "POST",
        "/v1/templates/kept/shares?dry_run=true",
        Some(account.clone()),
    );
    ask("POST", "/v1/templates/kept/shares", Some(account));
    ask("POST", "/v1/saves", Some(save("work", &[])));
    portal.world.clock.run_until_idle().unwrap();
    ask("GET", "/v1/templates/kept/shares", None);
    ask(
        "DELETE",
        "/v1/templates/kept/shares?to=account:999988887777",
        None,
    );
    let launch = json!({"template": "kept", "name": "third", "region": "us-east-1"});
    ask("POST", "/v1/instances?dry_run=true", Some(launch.clone()));
    ask("POST", "/v1/instances", Some(launch));
    let changes = [
        ("PATCH", "", Some(json!({"name": "spare-2"}))),
        ("POST", "/stop", None),
        ("POST", "/resize", Some(json!({"size": "L"}))),
        ("POST", "/start", None),
        ("DELETE", "", None),
    ];
    let mut name = "spare";
    for (method, what, body) in changes {
        portal.world.pass(300);
        let path = format!("/v1/instances/{name}{what}?region=us-east-1");
        ask(method, &path, body);
        name = "spare-2";
    }
    let nightly = json!({"cadence": "rate(12 hours)", "request": save("work", &[])});
    ask("POST", "/v1/schedules", Some(nightly));
    ask(
        "POST",
        "/v1/templates/kept/rollback?to=1&publish_sensitive=true",
        None,
    );
    ask("DELETE", "/v1/templates/kept/versions/2?force=true", None);
    portal.world.clock.run_until_idle().unwrap();
    for _ in 0..3 {
        // A failure only goes to the log and its alarm.
        let _ = ask!(portal.world, sweep());
        portal.world.pass(300);
    }
    answers.extend(looks(portal));
    answers
}

fn looks(portal: &Portal) -> Vec<Answer> {
    [
        "/v1/saves",
        "/v1/instances?region=us-east-1",
        "/v1/templates",
        "/v1/templates/kept",
        "/v1/templates/kept/versions",
        "/v1/templates/kept/versions/1",
        "/v1/templates/kept/versions/1/export",
        "/v1/schedules",
        "/v1/schedules/kept",
        "/v1/audit?template=kept",
        "/v1/templates/kept/lineage",
    ]
    .map(|path| portal.get("ada", path))
    .into()
}

#[track_caller]
fn tells_nothing(portal: &Portal, answers: &[Answer], what: &str) {
    for Answer { status, text, .. } in answers {
        assert_ne!(*status, StatusCode::INTERNAL_SERVER_ERROR, "{what}: {text}");
        for word in [SECRET, "123456789012"] {
            assert!(!text.contains(word), "{what}: {text}");
        }
    }
    let notices = portal.world.notices.0.lock();
    for notice in notices.unwrap_or_else(PoisonError::into_inner).iter() {
        assert!(!notice.text.contains(SECRET), "{what}: {}", notice.text);
    }
}

fn refused(action: &'static str, code: &'static str, passing: u32) -> u32 {
    let portal = portal();
    let refusing = Refusing {
        action,
        code,
        passing,
        refused: 0,
    };
    REFUSING.set(Some(refusing));
    let (mut answers, log) = logged(|| everything(&portal));
    let refused = REFUSING.take().map_or(0, |it| it.refused);
    answers.extend(looks(&portal));
    let what = format!("{action} {code} after {passing}");
    tells_nothing(&portal, &answers, &what);
    assert!(
        refused == 0 || log.contains(SECRET),
        "{what}: the log has nothing"
    );
    let saves = portal.get("ada", "/v1/saves").ok(200);
    for save in saves["items"].as_array().unwrap() {
        let id = save["save_id"].as_str().unwrap();
        let met = [&save["failure"], &save["trouble"]].map(ToString::to_string);
        if met.iter().any(|met| met.contains(code)) {
            let found = log
                .lines()
                .any(|line| line.contains(id) && line.contains(SECRET));
            assert!(found, "{what}: the log does not say of {id} why: {save}");
        }
    }
    refused
}

fn in_parallel(cases: Vec<(&'static str, &'static str, u32)>) -> BTreeSet<&'static str> {
    let cases = Mutex::new(cases.into_iter());
    let next = || cases.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        let worker = || {
            let mut all = Vec::new();
            while let Some((action, code, passing)) = next() {
                if refused(action, code, passing) > 0 {
                    all.push(action);
                }
            }
            all
        };
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        workers
            .into_iter()
            .flat_map(|it| it.join().unwrap())
            .collect()
    })
}

/// An error code for each action and each of its calls, in turn.
fn code(action: usize, call: u32) -> &'static str {
    CODES[(action + call as usize) % CODES.len()]
}

#[test]
fn awss_message_is_only_in_the_log() {
    let first = ACTIONS
        .iter()
        .enumerate()
        .flat_map(|(number, action)| [0, 3, 7].map(|turn| (*action, code(number, turn), 0)));
    let called = in_parallel(first.collect());
    let all: BTreeSet<_> = ACTIONS.iter().copied().collect();
    assert_eq!(called, all, "each action is called");
}

#[test]
fn at_whichever_call_it_is_refused() {
    let later = ACTIONS.iter().enumerate().flat_map(|(number, action)| {
        [1, 2, 5, 13, 34].map(|passing| (*action, code(number, passing), passing))
    });
    in_parallel(later.collect());
}

/// EC2 has its own reasons for failures of accepted requests.
#[test]
fn ec2s_reason_is_shown_by_its_code() {
    let portal = portal();
    let admin = &portal.world.admin;
    let begin = |regions: &[&str]| {
        let begun = portal
            .post("ada", "/v1/saves", &save("work", regions))
            .ok(202);
        format!("/v1/saves/{}", begun["save_id"].as_str().unwrap())
    };
    let shown = |place: &str| portal.get("ada", place).ok(200);
    let ((), log) = logged(|| {
        admin.fail_next_image(SECRET).unwrap();
        let place = begin(&[]);
        portal.world.clock.run_until_idle().unwrap();
        let failed = shown(&place)["failure"]["message"].to_string();
        assert!(failed.contains("could not create the AMI ami-"), "{failed}");

        admin.fail_next_copy(SECRET).unwrap();
        let place = begin(&["eu-west-1"]);
        portal.world.clock.run_until_idle().unwrap();
        let copy = shown(&place)["copies"]["eu-west-1"].to_string();
        assert!(copy.contains("The copy to eu-west-1 failed"), "{copy}");

        admin
            .set_capacity(&region(), "t3.large", Capacity::FailsLate)
            .unwrap();
        let place = begin(&[]);
        portal.world.pass(600);
        let trouble = &shown(&place)["trouble"];
        let why = "EC2 has no capacity for the instance at the moment (Server.InsufficientInstanceCapacity).";
        assert_eq!(trouble["message"], why);
        portal.world.clock.run_until_idle().unwrap();
        assert_eq!(shown(&place)["state"], "stranded");
        let instance = shown("/v1/instances/work?region=us-east-1");
        assert_eq!(
            instance["state_reason"],
            "Server.InsufficientInstanceCapacity"
        );
        tells_nothing(&portal, &looks(&portal), "reasons");
    });
    for words in ["ImageFailed", "CopyFailed", "returned to the state stopped"] {
        let found = log
            .lines()
            .any(|line| line.contains(words) && line.contains(SECRET));
        assert!(found, "{words}: {log}");
    }
}
