//! When schedules are due next.

use serde_json::{Value, json};

use crate::portal::{Ask, Portal};
use crate::save;

fn made(name: &str, cadence: &str, zone: &str) -> Portal {
    let portal = Portal::new();
    make(&portal, name, cadence, zone);
    portal
}

fn make(portal: &Portal, name: &str, cadence: &str, zone: &str) {
    let asked = json!({"name": name, "cadence": cadence, "timezone": zone, "request": save()});
    portal.post("ada", "/v1/schedules", &asked).ok(201);
}

fn runs(value: &Value) -> Vec<&str> {
    let runs = value["next_runs"].as_array().unwrap().iter();
    runs.map(|at| at.as_str().unwrap()).collect()
}

#[test]
fn the_next_ten_runs_are_in_the_zone_of_the_schedule() {
    let portal = made("nightly", "cron(0 3 ? * MON *)", "Europe/Berlin");
    let shown = portal.get("ada", "/v1/schedules/nightly").ok(200);
    let shown_runs = runs(&shown);
    assert_eq!(shown_runs.len(), 10);
    assert_eq!(shown_runs[0], "2026-01-12T03:00:00+01:00");
    assert_eq!(shown["next_run"], "2026-01-12T02:00:00Z");
    let listed = portal.get("ada", "/v1/schedules").ok(200);
    assert_eq!(listed["items"][0]["next_runs"], shown["next_runs"]);
    // In summer, the same local time has another offset.
    let range = "from=2026-03-23T00:00:00Z&until=2026-04-07T00:00:00Z";
    let shown = portal
        .get("ada", &format!("/v1/schedules/nightly?{range}"))
        .ok(200);
    let expected = [
        "2026-03-23T03:00:00+01:00",
        "2026-03-30T03:00:00+02:00",
        "2026-04-06T03:00:00+02:00",
    ];
    assert_eq!(runs(&shown), expected);
    // The next run does not depend on the range.
    assert_eq!(shown["next_run"], "2026-01-12T02:00:00Z");
    portal
        .get("bob", "/v1/schedules/nightly")
        .problem(404, "ScheduleNotFound");
}

#[test]
fn a_calendar_has_the_runs_of_all_schedules_in_its_range() {
    let portal = made("often", "rate(1 hour)", "UTC");
    make(&portal, "weekly", "rate(7 days)", "UTC");
    let range = "from=2026-01-10T00:05:00Z&until=2026-02-10T00:05:00Z";
    let listed = portal.get("ada", &format!("/v1/schedules?{range}")).ok(200);
    // The beginning of the range belongs to it, and its end does not.
    let often = runs(&listed["items"][0]);
    assert_eq!(often.len(), 31 * 24);
    assert_eq!(often[0], "2026-01-10T00:05:00Z");
    assert_eq!(*often.last().unwrap(), "2026-02-09T23:05:00Z");
    let weekly = runs(&listed["items"][1]);
    let expected = [
        "2026-01-12",
        "2026-01-19",
        "2026-01-26",
        "2026-02-02",
        "2026-02-09",
    ];
    assert_eq!(
        weekly.iter().map(|at| &at[..10]).collect::<Vec<_>>(),
        expected
    );
    // What is past is left out.
    let range = "from=2025-12-01T00:00:00Z&until=2026-01-05T12:30:00Z";
    let listed = portal.get("ada", &format!("/v1/schedules?{range}")).ok(200);
    let expected = [
        "2026-01-05T10:05:00Z",
        "2026-01-05T11:05:00Z",
        "2026-01-05T12:05:00Z",
    ];
    assert_eq!(runs(&listed["items"][0]), expected);
}

#[test]
fn a_paused_schedule_has_no_next_runs() {
    let portal = made("idle", "rate(1 hour)", "UTC");
    let pause = Ask::new("ada", "PATCH", "/v1/schedules/idle");
    portal.ask(pause.json(&json!({"paused": true}))).ok(200);
    let shown = portal.get("ada", "/v1/schedules/idle").ok(200);
    assert_eq!(
        (&shown["next_runs"], &shown["next_run"]),
        (&json!([]), &Value::Null)
    );
}
