//! Schedules that are paused, resumed and run by hand.

use serde_json::{Value, json};

use crate::portal::{Ask, Portal};
use crate::save;

const PATH: &str = "/v1/schedules/kept";

fn patch(portal: &Portal, user: &str, body: &Value) -> crate::portal::Answer {
    portal.ask(Ask {
        body: body.to_string(),
        headers: &[("content-type", "application/json")],
        ..Ask::new(user, "PATCH", PATH)
    })
}

fn scheduled() -> Portal {
    let portal = Portal::new();
    let nightly = json!({"cadence": "1d", "jitter_minutes": 15, "request": save()});
    let made = portal.post("ada", "/v1/schedules", &nightly).ok(201);
    assert_eq!(made["jitter_minutes"], 15);
    portal
}

#[test]
fn a_schedule_is_paused_and_resumed() {
    let portal = scheduled();
    let paused = patch(&portal, "ada", &json!({"paused": true})).ok(200);
    assert_eq!(paused["paused"], true);
    let shown = portal.get("ada", PATH).ok(200);
    assert_eq!(
        (&shown["paused"], &shown["next_run"]),
        (&json!(true), &Value::Null)
    );
    patch(&portal, "ada", &json!({"paused": false})).ok(200);
    assert!(portal.get("ada", PATH).ok(200)["next_run"].is_string());
    patch(&portal, "bob", &json!({"paused": true})).problem(404, "ScheduleNotFound");
    let before = portal.get("ada", PATH).ok(200);
    patch(&portal, "ada", &json!({})).ok(200);
    assert_eq!(portal.get("ada", PATH).ok(200), before);
    patch(&portal, "ada", &json!({"paused": false, "owner": "bob"})).problem(400, "InvalidInput");
}

#[test]
fn a_schedule_is_given_other_times_and_keeps_other_versions() {
    let portal = scheduled();
    let edit = json!({
        "keep": 3, "cadence": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin", "jitter_minutes": 0,
    });
    let changed = patch(&portal, "ada", &edit).ok(200);
    let shown = portal.get("ada", PATH).ok(200);
    for (field, value) in edit.as_object().unwrap() {
        assert_eq!((&changed[field], &shown[field]), (value, value), "{field}");
    }
    assert_eq!(shown["next_run"], "2026-01-06T02:00:00Z");
    assert_eq!(shown["request"]["template"], "kept");
    // Omitted fields do not change, and null keeps all versions.
    let changed = patch(&portal, "ada", &json!({"keep": null})).ok(200);
    assert_eq!(changed["keep"], Value::Null);
    assert_eq!(changed["cadence"], "cron(0 3 * * ? *)");
    let both = json!({"cadence": "rate(1 hour)", "jitter_minutes": 60});
    patch(&portal, "ada", &both).problem(400, "InvalidCadence");
    patch(&portal, "bob", &edit).problem(404, "ScheduleNotFound");
    let events = portal
        .get("ada", "/v1/audit?resource=schedule:kept")
        .ok(200);
    let edits: Vec<&Value> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["action"] == "schedule.edit")
        .collect();
    assert_eq!(edits.len(), 2, "{events}");
    let mut kept: Vec<&Value> = edits
        .iter()
        .map(|it| &it["details"]["changes"]["keep"])
        .collect();
    kept.sort_by_key(|keep| keep.is_null());
    assert_eq!(kept, [&json!(3), &Value::Null], "{events}");
}

#[test]
fn a_schedule_is_run_by_hand_once_for_a_key() {
    let portal = scheduled();
    let run = |user| {
        portal.ask(Ask {
            headers: &[("idempotency-key", "once")],
            ..Ask::new(user, "POST", "/v1/schedules/kept/run")
        })
    };
    run("bob").problem(404, "ScheduleNotFound");
    let started = run("ada");
    let path = started.header("location").to_owned();
    let id = started.ok(202)["save_id"].clone();
    portal.world.pass(5);
    assert_eq!(run("ada").ok(202), json!({"save_id": id, "repeated": true}));
    portal.world.clock.run_until_idle().unwrap();
    let save = portal.get("ada", &path).ok(200);
    assert_eq!(
        (&save["state"], &save["schedule"]),
        (&json!("succeeded"), &json!("kept"))
    );
    let shown = portal.get("ada", PATH).ok(200);
    assert_eq!(shown["runs"][0]["save_id"], id);
    assert_eq!(shown["runs"][0]["version"], 1);
}
