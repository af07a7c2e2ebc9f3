//! Schedules that are paused, go on, and are run by hand.

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
fn a_schedule_holds_still_and_goes_on() {
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
    patch(&portal, "ada", &json!({})).problem(400, "InvalidInput");
    patch(&portal, "ada", &json!({"paused": false, "owner": "bob"})).problem(400, "InvalidInput");
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
