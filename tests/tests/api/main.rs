//! The HTTP API over a whole deployment: its router, the real service, the simulated cloud.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod conditions;
mod copies;
mod document;
mod fields;
mod nonsense;
mod nonsense_team;
mod odd_templates;
mod odds;
mod portal;
mod roles;
mod routes;
mod schedules;
mod templates;

use insta::assert_snapshot;
use portal::{Ask, Portal, operations};
use prism_tests::bent::Bent;
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
fn a_save_from_the_launch_to_the_next_launch() {
    let portal = Portal::over(Setup::seeded(7));
    let launch = json!({"template": "ubuntu", "name": "work", "region": "us-east-1", "size": "s"});
    let planned = portal.post("ada", "/v1/instances?dry_run=true", &launch);
    let planned = planned.ok(200);
    assert_eq!(planned["plan"]["instance_type"], "t3.medium");
    let launched = portal.post("ada", "/v1/instances", &launch);
    let place = launched.header("location").to_owned();
    assert_eq!(launched.ok(202)["plan"], planned["plan"]);
    portal.world.pass(300);
    assert_eq!(portal.get("ada", &place).ok(200)["state"], "running");

    let before = portal.sight();
    let plan = portal
        .post("ada", "/v1/saves?dry_run=true", &save())
        .ok(200);
    assert_eq!(plan["dry_run"], true);
    assert_eq!(plan["plan"]["next_version"], 1);
    assert_eq!(portal.sight(), before);

    let begun = portal.post("ada", "/v1/saves", &save());
    let place = begun.header("location").to_owned();
    let begun = begun.ok(202);
    assert_eq!(begun["repeated"], false);
    assert_eq!(
        place,
        format!("/v1/saves/{}", begun["save_id"].as_str().unwrap())
    );
    portal.world.pass(30);
    assert_eq!(portal.get("ada", &place).ok(200)["state"], "running");
    portal.world.clock.run_until_idle().unwrap();
    let record = portal.get("ada", &place).ok(200);
    assert_eq!(
        (&record["state"], &record["version"]),
        (&json!("succeeded"), &json!(1))
    );
    assert_eq!(
        portal.get("ada", "/v1/saves").ok(200)["items"],
        json!([record])
    );

    let kept = portal.get("ada", "/v1/templates/kept").ok(200);
    assert_eq!(kept["kind"], "saved");
    let first = portal.get("ada", "/v1/templates/kept/versions/1").ok(200);
    assert_eq!(first, kept);
    assert_eq!(
        portal
            .get("ada", "/v1/templates/kept/versions/latest")
            .ok(200),
        kept
    );
    let versions = portal.get("ada", "/v1/templates/kept/versions").ok(200);
    assert_eq!(versions["items"], json!([kept["version"]]));
    let packages = portal
        .get("ada", "/v1/templates/kept/versions/1/packages")
        .ok(200);
    let bare = json!({"captured_at": "2026-01-05T09:05:00Z", "packages": [], "truncated": false});
    assert_eq!(packages, bare);
    let file = portal.get("ada", "/v1/templates/kept/versions/1/export");
    assert_eq!(
        (file.status.as_u16(), file.header("content-type")),
        (200, "application/yaml")
    );
    assert!(
        file.text.contains("name: kept") && file.text.contains("ami-"),
        "{}",
        file.text
    );

    templates::edits(&portal);

    let again = json!({"template": "kept@1", "name": "again", "region": "us-east-1"});
    let again = portal.post("ada", "/v1/instances", &again).ok(202);
    assert_eq!(again["instance"]["template"], "kept@1");
}

#[test]
fn answers_as_a_portal_reads_them() {
    let portal = Portal::new();
    assert_snapshot!(pretty(&portal.get("ada", "/v1/me").ok(200)), @r#"
    {
      "user": "ada"
    }
    "#);
    let list = portal.get("ada", &format!("/v1/instances?{HERE}")).ok(200);
    assert_snapshot!(pretty(&list), @r#"
    {
      "items": [
        {
          "name": "work",
          "id": "i-063cbe1e459320dd7",
          "state": "running",
          "state_reason": null,
          "region": "us-east-1",
          "instance_type": "t3.large",
          "template": "ubuntu",
          "public_ip": "198.18.0.2",
          "launched_at": "2026-01-05T09:00:00Z",
          "save_id": null
        }
      ],
      "cursor": null
    }
    "#);
    let taken = json!({"template": "ubuntu", "name": "work", "region": "us-east-1"});
    let taken = portal.post("ada", "/v1/instances", &taken);
    assert_snapshot!(pretty(&taken.problem(409, "InstanceNameTaken")), @r#"
    {
      "type": "urn:prism:problem:InstanceNameTaken",
      "title": "An instance of that name exists already.",
      "status": 409,
      "detail": "The instance i-063cbe1e459320dd7 in us-east-1 is named work already.",
      "code": "InstanceNameTaken",
      "hint": "Choose another name, or terminate the other instance first."
    }
    "#);
    let odd = json!({"template": "ubuntu", "name": "w", "region": "us-east-1", "size": "XXL"});
    let odd = portal.post("ada", "/v1/instances", &odd);
    assert_snapshot!(pretty(&odd.problem(400, "InvalidInput")), @r#"
    {
      "type": "urn:prism:problem:InvalidInput",
      "title": "A request or a payload does not have the form that it should have.",
      "status": 400,
      "detail": "The body is not as it should be: size: There is no size \"XXL\". Use XS, S, M, L, XL, GPU-S, GPU-M, GPU-L or GPU-XL at line 1 column 66.",
      "code": "InvalidInput",
      "hint": "GET /v1/openapi.json describes it."
    }
    "#);
}

#[test]
fn what_is_not_yours_is_not_there() {
    let portal = Portal::new();
    let begun = portal.post("ada", "/v1/saves", &save()).ok(202);
    let id = begun["save_id"].as_str().unwrap();
    portal.world.clock.run_until_idle().unwrap();
    let list = portal.get("ada", &format!("/v1/instances?{HERE}")).ok(200);
    let instance = list["items"][0]["id"].as_str().unwrap();
    let before = portal.sight();
    for (method, path, code) in [
        ("GET", format!("/v1/saves/{id}"), "SaveNotFound"),
        ("POST", format!("/v1/saves/{id}/cancel"), "SaveNotFound"),
        ("POST", format!("/v1/saves/{id}/recover"), "SaveNotFound"),
        ("GET", "/v1/templates/kept".to_owned(), "TemplateNotFound"),
        (
            "GET",
            "/v1/templates/kept/versions".to_owned(),
            "TemplateNotFound",
        ),
        (
            "GET",
            "/v1/templates/kept/versions/1".to_owned(),
            "TemplateNotFound",
        ),
        (
            "GET",
            "/v1/templates/kept/versions/1/export".to_owned(),
            "TemplateNotFound",
        ),
        (
            "GET",
            "/v1/templates/kept/versions/1/packages".to_owned(),
            "TemplateNotFound",
        ),
        (
            "GET",
            format!("/v1/instances/work?{HERE}"),
            "InstanceNotFound",
        ),
        (
            "GET",
            format!("/v1/instances/{instance}?{HERE}"),
            "InstanceNotFound",
        ),
        (
            "POST",
            format!("/v1/instances/{instance}/stop?{HERE}"),
            "InstanceNotFound",
        ),
        (
            "POST",
            format!("/v1/instances/{instance}/start?{HERE}"),
            "InstanceNotFound",
        ),
        (
            "DELETE",
            format!("/v1/instances/{instance}?{HERE}"),
            "InstanceNotFound",
        ),
    ] {
        let told = portal
            .ask(Ask::new("bob", method, &path))
            .problem(404, code);
        // In the very words in which it answers for a thing that has never been.
        let never = |text: &str| {
            text.replace(id, "save-00000000")
                .replace(instance, "i-00000000")
                .replace("kept", "nope")
                .replace("work", "nope")
        };
        let path = never(&path);
        let nothing = portal
            .ask(Ask::new("bob", method, &path))
            .problem(404, code);
        let told = never(told["detail"].as_str().unwrap());
        assert_eq!(told, nothing["detail"].as_str().unwrap());
    }
    let stolen = json!({"instance": "work", "template": "stolen", "region": "us-east-1"});
    for (path, body, code) in [
        ("/v1/saves", stolen.clone(), "InstanceNotFound"),
        ("/v1/saves?dry_run=true", stolen, "InstanceNotFound"),
        (
            "/v1/instances",
            json!({"template": "kept", "name": "mine", "region": "us-east-1"}),
            "TemplateNotFound",
        ),
    ] {
        portal.post("bob", path, &body).problem(404, code);
    }
    for path in ["/v1/saves".to_owned(), format!("/v1/instances?{HERE}")] {
        assert_eq!(portal.get("bob", &path).ok(200)["items"], json!([]));
    }
    let seen = portal.get("bob", "/v1/templates").ok(200);
    assert!(
        seen["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["name"] != "kept")
    );
    assert_eq!(portal.sight(), before);
}

#[test]
fn the_same_key_is_the_same_request() {
    let portal = Portal::new();
    let key: &[_] = &[
        ("content-type", "application/json"),
        ("idempotency-key", "tonight"),
    ];
    let ask = |user, path: &'static str, body: &Value| {
        portal.ask(Ask::new(user, "POST", path).json(body).with(key))
    };
    let first = ask("ada", "/v1/saves", &save()).ok(202);
    portal.world.pass(20);
    let second = ask("ada", "/v1/saves", &save()).ok(202);
    assert_eq!(
        second,
        json!({"save_id": first["save_id"], "repeated": true})
    );
    let other = json!({"instance": "work", "template": "other", "region": "us-east-1"});
    ask("ada", "/v1/saves", &other).problem(400, "RequestIdReused");
    portal
        .post("ada", "/v1/saves", &other)
        .problem(409, "SaveInProgress");
    // Another user's key is another key.
    ask("bob", "/v1/saves", &save()).problem(404, "InstanceNotFound");
    portal.world.clock.run_until_idle().unwrap();
    assert_eq!(
        portal.get("ada", "/v1/saves").ok(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(ask("ada", "/v1/saves", &save()).ok(202)["repeated"], true);

    let launch = json!({"template": "ubuntu", "name": "new", "region": "us-east-1"});
    let first = ask("ada", "/v1/instances", &launch).ok(202);
    let second = ask("ada", "/v1/instances", &launch).ok(202);
    assert_eq!(first["instance"]["id"], second["instance"]["id"]);
    let other = json!({"template": "ubuntu", "name": "newer", "region": "us-east-1"});
    ask("ada", "/v1/instances", &other).problem(400, "RequestIdReused");
}

#[test]
fn an_answer_that_was_lost_is_worth_asking_again() {
    let portal = Portal::over(Setup {
        bend: |ec2| {
            std::sync::Arc::new(Bent {
                forgetful: true,
                ..Bent::straight(ec2)
            })
        },
        ..Setup::seeded(7)
    });
    portal.world.launch("ada", "ubuntu", "work");
    let path = format!("/v1/instances/work/stop?{HERE}");
    let lost = portal.ask(Ask::new("ada", "POST", &path));
    lost.problem(503, "AwsUnavailable");
    assert_eq!(lost.header("retry-after"), "5");
    portal.ask(Ask::new("ada", "POST", &path)).ok(202);
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
    let fired = portal
        .world
        .clock
        .run(portal.world.service.fire_due_schedules());
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
    // A page of somebody's saves goes on for nobody else.
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
fn nobody_is_answered_without_an_identity() {
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
fn nobody_is_who_the_request_says() {
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
