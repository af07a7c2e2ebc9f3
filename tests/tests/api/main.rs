//! The HTTP API of a whole deployment: its router, the real service, and the simulated cloud.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod audit_export;
mod conditions;
mod copies;
mod document;
mod everywhere;
mod fields;
mod history;
mod launches;
mod me;
mod next_runs;
mod nonsense;
mod nonsense_courses;
mod nonsense_pages;
mod nonsense_team;
mod odd_templates;
mod odds;
mod older;
mod overview;
mod portal;
mod project_lists;
mod repeats;
mod roles;
mod routes;
mod saves;
mod schedules;
mod sentences;
mod templates;
mod users;
mod waiting;

use portal::{Ask, Portal, operations};
use prism_tests::ask;
use prism_tests::world::Setup;
use serde_json::{Value, json};

const HERE: &str = "region=us-east-1";

fn save() -> Value {
    json!({"instance": "work", "template": "kept", "region": "us-east-1"})
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[test]
fn an_instance_is_stopped_started_and_ended() {
    let portal = Portal::new();
    let path = |what: &str| format!("/v1/instances/work{what}?{HERE}");
    let change = |method: &str, what: &str, state: &str, settled: &str| {
        let path = path(what);
        let begun = portal.ask(Ask::new("ada", method, &path)).ok(202);
        assert_eq!(begun["state"], state);
        portal.world.pass(300);
        let id = begun["id"].as_str().unwrap();
        let then = portal.get("ada", &format!("/v1/instances/{id}?{HERE}"));
        assert_eq!(then.ok(200)["state"], settled);
    };
    change("POST", "/stop", "stopping", "stopped");
    change("POST", "/stop", "stopped", "stopped");
    change("POST", "/start", "pending", "running");
    let begun = portal.post("ada", "/v1/saves", &save()).ok(202);
    portal.world.pass(5);
    for (method, what) in [("POST", "/stop"), ("POST", "/start"), ("DELETE", "")] {
        let busy = portal.ask(Ask::new("ada", method, &path(what)));
        busy.problem(409, "InstanceBusy");
    }
    let save = format!("/v1/saves/{}", begun["save_id"].as_str().unwrap());
    let cancel = format!("{save}/cancel");
    let cancelled = portal.ask(Ask::new("ada", "POST", &cancel)).ok(202);
    assert_eq!(cancelled["cancelled_by"], "ada");
    portal.world.clock.run_until_idle().unwrap();
    assert_eq!(portal.get("ada", &save).ok(200)["state"], "cancelled");
    portal
        .ask(Ask::new("ada", "POST", &cancel))
        .problem(409, "SaveEnded");
    change("DELETE", "", "shutting-down", "terminated");
}

#[test]
fn a_schedule_saves_again_and_again_until_it_is_deleted() {
    let portal = Portal::new();
    let nightly = json!({"cadence": "rate(12 hours)", "request": save()});
    let made = portal.post("ada", "/v1/schedules", &nightly);
    assert_eq!(made.header("location"), "/v1/schedules/kept");
    let made = made.ok(201);
    assert_eq!(
        (&made["name"], &made["state"]),
        (&json!("kept"), &json!("active"))
    );
    assert_eq!(portal.post("ada", "/v1/schedules", &nightly).ok(201), made);
    let other = json!({"cadence": "rate(1 day)", "request": save()});
    let other = portal.post("ada", "/v1/schedules", &other);
    other.problem(409, "ScheduleNameTaken");
    for method in ["GET", "DELETE"] {
        let bob = portal.ask(Ask::new("bob", method, "/v1/schedules/kept"));
        bob.problem(404, "ScheduleNotFound");
    }
    assert_eq!(
        portal.get("bob", "/v1/schedules").ok(200)["items"],
        json!([])
    );
    portal.world.pass(13 * 3600);
    let fired = ask!(portal.world, fire_due_schedules());
    assert_eq!(fired.unwrap().len(), 1);
    portal.world.clock.run_until_idle().unwrap();
    let saves = portal.get("ada", "/v1/saves").ok(200);
    assert_eq!(saves["items"][0]["state"], "succeeded");
    let list = portal.get("ada", "/v1/schedules").ok(200);
    let shown = portal.get("ada", "/v1/schedules/kept").ok(200);
    assert_eq!(list["items"], json!([shown]));
    assert!(!shown["last_fired_at"].is_null());
    let gone = portal.ask(Ask::new("ada", "DELETE", "/v1/schedules/kept"));
    assert_eq!(gone.status, 204);
    let gone = portal.ask(Ask::new("ada", "DELETE", "/v1/schedules/kept"));
    gone.problem(404, "ScheduleNotFound");
}

#[test]
fn regions_are_listed_with_what_the_deployment_allows() {
    let mut setup = Setup::seeded(7);
    setup.settings.allowed_regions = "us-east-1,eu-west-1".parse().unwrap();
    let portal = Portal::over(setup);
    let listed = portal.get("ada", "/v1/regions?limit=2").ok(200);
    let first = json!([
        {"name": "ap-northeast-1", "allowed": false},
        {"name": "ap-south-1", "allowed": false},
    ]);
    assert_eq!(listed["items"], first);
    let all = portal.get("ada", "/v1/regions").ok(200);
    let allowed = all["items"].as_array().unwrap().iter();
    let allowed: Vec<&Value> = allowed.filter(|it| it["allowed"] == true).collect();
    let names: Vec<&Value> = allowed.iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["eu-west-1", "us-east-1"]);
}

#[test]
fn pages_follow_each_other() {
    let portal = Portal::new();
    for name in ["alpha", "beta", "gamma"] {
        portal.world.launch("ada", "ubuntu", name);
    }
    for _ in 0..3 {
        portal
            .world
            .save("ada", serde_json::from_value(save()).unwrap())
            .unwrap();
    }
    for name in ["sch-a", "sch-b", "sch-c"] {
        let asked = json!({"name": name, "cadence": "1d", "request": save()});
        portal.post("ada", "/v1/schedules", &asked).ok(201);
    }
    let lists = [
        ("/v1/schedules?", "name"),
        ("/v1/saves?", "save_id"),
        ("/v1/templates?", "name"),
        ("/v1/templates/kept/versions?", "number"),
        ("/v1/instances?region=us-east-1&", "id"),
    ];
    let mut cursors = Vec::new();
    for (path, key) in lists {
        let whole = portal.get("ada", &format!("{path}limit=100")).ok(200);
        assert_eq!(whole["cursor"], Value::Null);
        let whole = whole["items"].as_array().unwrap().clone();
        assert!(whole.len() >= 3, "{path}");
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = portal.get("ada", &format!("{path}limit=2{cursor}")).ok(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2 && !items.is_empty());
            found.extend(items.iter().cloned());
            let Some(next) = page["cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
            cursors.push((path, next.to_owned()));
        }
        let keys = |items: &[Value]| {
            items
                .iter()
                .map(|item| item[key].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&found), keys(&whole), "{path}");
    }
    for (path, _) in lists {
        for (of, cursor) in &cursors {
            if *of != path {
                let foreign = portal.get("ada", &format!("{path}cursor={cursor}"));
                foreign.problem(400, "InvalidInput");
            }
        }
    }
    // A cursor of one user's saves is not valid for another user.
    let (_, saves) = cursors
        .iter()
        .find(|(of, _)| of.starts_with("/v1/saves"))
        .unwrap();
    portal
        .get("bob", &format!("/v1/saves?cursor={saves}"))
        .problem(400, "InvalidInput");
}

#[test]
fn what_a_project_costs_comes_in_pages_with_the_sums_of_all() {
    let portal = Portal::new();
    let project = json!({"name": "brain"});
    portal.post("ada", "/v1/projects", &project).ok(201);
    for template in ["alpha", "beta", "gamma"] {
        let request = json!({
            "instance": "work", "template": template, "region": "us-east-1", "project": "brain"
        });
        portal
            .world
            .save("ada", serde_json::from_value(request).unwrap())
            .unwrap();
    }
    let path = "/v1/projects/brain/costs?limit=2";
    let first = portal.get("ada", path).ok(200);
    let cursor = first["cursor"].as_str().unwrap();
    let second = portal.get("ada", &format!("{path}&cursor={cursor}"));
    let second = second.ok(200);
    assert_eq!(second["cursor"], Value::Null);
    assert_eq!(second["usd_per_month"], first["usd_per_month"]);
    let templates = [&first, &second].map(|page| page["templates"].as_array().unwrap());
    portal
        .get("ada", "/v1/projects/brain/costs?cursor=7b7d")
        .problem(400, "InvalidInput");
    let names = templates.into_iter().flatten().map(|it| &it["template"]);
    assert_eq!(names.collect::<Vec<_>>(), ["alpha", "beta", "gamma"]);
    let sum = templates.into_iter().flatten();
    let sum: f64 = sum.map(|it| it["usd_per_month"].as_f64().unwrap()).sum();
    let whole = first["usd_per_month"].as_f64().unwrap();
    assert!(sum > 0.0 && (sum - whole).abs() < 1e-9, "{sum} {whole}");
}

#[test]
fn requests_without_an_identity_are_refused() {
    let portal = Portal::new();
    let before = portal.sight();
    for (method, path, _) in operations() {
        let path = path.replace(['{', '}'], "x");
        let body = save();
        let ask = Ask::new("", method.as_str(), &path).json(&body);
        let answer = portal.ask(Ask { user: None, ..ask });
        answer.problem(401, "NotAuthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    assert_eq!(portal.sight(), before);
}

#[test]
fn a_request_cannot_choose_its_identity() {
    let portal = Portal::new();
    for field in ["caller", "user", "owner", "saved_by", "request_id"] {
        for (path, mut body) in [
            ("/v1/saves", save()),
            (
                "/v1/instances",
                json!({"template": "ubuntu", "name": "n", "region": "us-east-1"}),
            ),
        ] {
            body[field] = json!("ada");
            let refused = portal.post("bob", path, &body).problem(400, "InvalidInput");
            assert!(
                refused["detail"].as_str().unwrap().contains(field),
                "{refused}"
            );
        }
    }
    let headers: &[_] = &[
        ("x-user", "ada"),
        ("authorization", "Bearer ada"),
        ("from", "ada"),
    ];
    let bob = portal.ask(Ask::new("bob", "GET", "/v1/me").with(headers));
    assert_eq!(bob.ok(200)["user"], "bob");
}
