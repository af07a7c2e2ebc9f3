//! Conditional changes, which require that a resource has not changed since it was read.

use prism_tests::world::Setup;
use serde_json::{Value, json};

use crate::portal::{Answer, Ask, Portal, fits, operations};
use crate::save;

const NOTIFY: &str = "/v1/notify";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A deployment with a template of two versions, a project and a schedule.
fn filled() -> Portal {
    let portal = Portal::over(Setup::seeded(7));
    portal.world.launch("ada", "ubuntu", "work");
    for version in [1, 2] {
        portal.post("ada", "/v1/saves", &save()).ok(202);
        portal.world.clock.run_until_idle().unwrap();
        let shown = portal.get("ada", "/v1/templates/kept").ok(200);
        assert_eq!(shown["template"]["latest"], version);
    }
    let project = json!({"name": "brain", "description": ""});
    portal.post("ada", "/v1/projects", &project).ok(201);
    let nightly = json!({"cadence": "1d", "request": save()});
    portal.post("ada", "/v1/schedules", &nightly).ok(201);
    let on = json!({"on": ["save.failed"]});
    let ask = Ask::new("ada", "PATCH", NOTIFY).json(&on);
    portal.ask(ask.with(&[JSON])).ok(200);
    portal
}

struct Change {
    method: &'static str,
    path: String,
    body: Option<Value>,
    read: &'static str,
}

impl Change {
    /// The same as a dry run, if its route has one.
    fn trial(&self) -> Option<Self> {
        let (route, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let has_one = operations().into_iter().any(|(method, path, operation)| {
            let parameters = operation["parameters"].as_array().cloned();
            let mut parameters = parameters.unwrap_or_default().into_iter();
            let dry_run = parameters.any(|it| it["name"] == "dry_run");
            method == self.method && fits(&path, route) && dry_run
        });
        has_one.then(|| Self {
            path: format!("{route}?{query}&dry_run=true").replace("?&", "?"),
            body: self.body.clone(),
            ..*self
        })
    }

    fn ask(&self, portal: &Portal, tag: &str) -> Answer {
        let headers = [JSON, ("if-match", tag)];
        let ask = Ask::new("ada", self.method, &self.path);
        match &self.body {
            Some(body) => portal.ask(ask.json(body).with(&headers)),
            None => portal.ask(ask.with(&headers[1..])),
        }
    }
}

/// Every change that takes a condition; deletions come last.
fn changes(file: &str) -> Vec<Change> {
    const KEPT: &str = "/v1/templates/kept";
    const FIRST: &str = "/v1/templates/kept/versions/1";
    let (mut all, brain) = (Vec::new(), "/v1/projects/brain");
    let mut add = |method, path: &str, body, read| {
        all.push(Change {
            method,
            path: path.to_owned(),
            body,
            read,
        });
    };
    let notes = || Some(json!({"notes": "needs 32 GiB"}));
    add("PATCH", KEPT, notes(), KEPT);
    add("PATCH", FIRST, notes(), FIRST);
    add("POST", "/v1/templates/kept/deprecate", None, KEPT);
    add("POST", "/v1/templates/kept/restore", None, KEPT);
    let (deprecate, restore) = (
        "/v1/templates/kept/versions/1/deprecate",
        "/v1/templates/kept/versions/1/restore",
    );
    add("POST", deprecate, None, FIRST);
    add("POST", restore, None, FIRST);
    let import = Some(json!({ "file": file.replace("kept", "other") }));
    add("POST", "/v1/templates/kept/import", import, KEPT);
    add("POST", "/v1/templates/kept/rollback?to=1", None, KEPT);
    let bob = Some(json!({"to": "user:bob"}));
    add("POST", "/v1/templates/kept/shares", bob, KEPT);
    add(
        "DELETE",
        "/v1/templates/kept/shares?to=user:bob",
        None,
        KEPT,
    );
    let everybody = Some(json!({"to": "public"}));
    add("POST", "/v1/templates/kept/shares", everybody, KEPT);
    let mia = Some(json!({"user": "mia", "role": "member"}));
    add("POST", "/v1/projects/brain/members", mia, brain);
    let leaves = "/v1/projects/brain/members?user=mia";
    add("DELETE", leaves, None, brain);
    let approval = "/v1/projects/brain/approvals/kept";
    add("PUT", approval, None, brain);
    add("DELETE", approval, None, brain);
    let only = Some(json!({"approved_only": true}));
    add("PATCH", brain, only, brain);
    let limit = Some(json!({"limit_usd": 10.0}));
    add("PUT", "/v1/projects/brain/budget", limit, brain);
    add("DELETE", "/v1/projects/brain/budget", None, brain);
    let end = Some(json!({"at": "2026-07-01T00:00:00Z"}));
    add("PUT", "/v1/projects/brain/end", end, brain);
    add("DELETE", "/v1/projects/brain/end", None, brain);
    let desktop = Some(json!({"desktop": true}));
    add("PATCH", NOTIFY, desktop, NOTIFY);
    let nightly = "/v1/schedules/kept";
    add("PATCH", nightly, Some(json!({"paused": true})), nightly);
    add("DELETE", nightly, None, nightly);
    add("DELETE", brain, None, brain);
    let forced = "/v1/templates/kept/versions/1?force=true";
    add("DELETE", forced, None, FIRST);
    add("DELETE", "/v1/templates/kept?force=true", None, KEPT);
    all
}

#[test]
fn every_change_of_a_record_keeps_to_its_condition() {
    let portal = filled();
    let file = portal.get("ada", "/v1/templates/kept/versions/1/export");
    let changes = changes(&file.text);
    for change in &changes {
        let what = format!("{} {}", change.method, change.path);
        let tag = portal.get("ada", change.read).header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{what} {tag}");
        let before = portal.sight();
        for other in ["\"0\"", "\"x y\"", "W/\"1\""] {
            let answer = change.ask(&portal, other);
            let is_tag = !other.contains(' ');
            let (status, code) = if is_tag {
                (412, "PreconditionFailed")
            } else {
                (400, "InvalidInput")
            };
            assert_eq!(answer.status, status, "{what}: {}", answer.text);
            answer.problem(status, code);
        }
        // A dry run checks the condition too.
        if let Some(trial) = change.trial() {
            let refused = trial.ask(&portal, "\"0\"");
            assert_eq!(refused.status, 412, "{what}: {}", refused.text);
            refused.problem(412, "PreconditionFailed");
            let planned = trial.ask(&portal, &tag);
            assert_eq!(planned.status, 200, "{what}: {}", planned.text);
        }
        assert_eq!(portal.sight(), before, "{what}");
        let several = format!("\"0\", {tag}");
        let done = change.ask(&portal, &several);
        assert!(done.status.is_success(), "{what}: {}", done.text);
        // The resource has changed by now, or is deleted.
        let again = change.ask(&portal, &tag);
        let status = again.status.as_u16();
        assert!(matches!(status, 412 | 404), "{what}: {}", again.text);
    }
    // No conditional operation of the document may be missing here.
    for (method, route, operation) in operations() {
        let takes = operation["responses"].get("412").is_some();
        let tried = changes
            .iter()
            .any(|change| change.method == method && fits(&route, &change.path));
        assert_eq!(takes, tried, "{method} {route}");
    }
}

#[test]
fn a_schedule_that_is_created_again_is_another() {
    let portal = filled();
    let path = "/v1/schedules/kept";
    let tag = portal.get("ada", path).header("etag").to_owned();
    let gone = portal.ask(Ask::new("ada", "DELETE", path));
    assert_eq!(gone.status, 204, "{}", gone.text);
    portal.world.pass(5);
    let nightly = json!({"cadence": "1d", "request": save()});
    portal.post("ada", "/v1/schedules", &nightly).ok(201);
    assert_ne!(portal.get("ada", path).header("etag"), tag);
    let ask = Ask::new("ada", "DELETE", path);
    let headers = [("if-match", tag.as_str())];
    portal
        .ask(ask.with(&headers))
        .problem(412, "PreconditionFailed");
}

/// What became of notices changes the record, and not what its user has read.
#[test]
fn a_delivery_is_no_change_of_how_one_is_notified() {
    let portal = filled();
    let tag = || portal.get("ada", NOTIFY).header("etag").to_owned();
    let set = |body: Value| {
        let ask = Ask::new("ada", "PATCH", NOTIFY).json(&body);
        portal.ask(ask.with(&[JSON])).ok(200);
    };
    set(json!({"webhook": "https://hooks.example.org/a"}));
    let before = tag();
    portal.post("ada", "/v1/notify/test", &json!({})).ok(200);
    portal.world.must(portal.world.service.deliver_due());
    let delivered = portal.get("ada", NOTIFY).ok(200);
    assert!(delivered["webhook"]["deliveries"]["delivered_at"].is_string());
    assert_eq!(tag(), before);
    set(json!({"rotate_secret": true}));
    assert_ne!(tag(), before);
}
