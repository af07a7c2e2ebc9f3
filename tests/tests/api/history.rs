//! What a project has cost, by month and by person.

use prism_functions::domain::Timestamp;
use serde_json::{Value, json};

use crate::portal::{Ask, Portal};
use crate::save;

const HISTORY: &str = "/v1/projects/brain/costs/history";
const DAY: u64 = 24 * 3600;

/// A project of Ada with Bob as a member and Vic as a viewer, on 5 January.
fn portal() -> Portal {
    let portal = Portal::new();
    portal.world.launch("bob", "ubuntu", "other");
    portal
        .post("ada", "/v1/projects", &json!({"name": "brain"}))
        .ok(201);
    for (user, role) in [("bob", "member"), ("vic", "viewer")] {
        let member = json!({"user": user, "role": role});
        portal
            .post("ada", "/v1/projects/brain/members", &member)
            .ok(200);
    }
    portal
}

fn saved(portal: &Portal, user: &str, instance: &str, template: &str) -> f64 {
    let mut request = save();
    request["project"] = json!("brain");
    request["instance"] = json!(instance);
    request["template"] = json!(template);
    let begun = portal.post(user, "/v1/saves", &request).ok(202);
    portal.world.clock.run_until_idle().unwrap();
    let path = format!("/v1/saves/{}", begun["save_id"].as_str().unwrap());
    portal.get(user, &path).ok(200)["usd_per_month"]
        .as_f64()
        .unwrap()
}

fn months(history: &Value) -> Vec<(&str, f64, u64, bool)> {
    let months = history["months"].as_array().unwrap().iter();
    let month = |it: &'_ Value| {
        let (usd, versions) = (it["usd"].as_f64(), it["versions"].as_u64());
        (
            usd.unwrap(),
            versions.unwrap(),
            it["current"].as_bool().unwrap(),
        )
    };
    months
        .map(|it| {
            let (usd, versions, current) = month(it);
            (it["month"].as_str().unwrap(), usd, versions, current)
        })
        .collect()
}

fn is_near(usd: f64, expected: f64) {
    assert!(
        (usd - expected).abs() < expected * 0.001 + 1e-9,
        "{usd} {expected}"
    );
}

#[test]
fn each_month_costs_its_share_of_what_its_versions_cost() {
    let portal = portal();
    let usd = saved(&portal, "ada", "work", "first");
    assert!(usd > 0.0);
    // To 20 February.
    portal.world.pass(46 * DAY);
    let history = portal.get("bob", HISTORY).ok(200);
    let two = months(&history);
    let names: Vec<&str> = two.iter().map(|month| month.0).collect();
    // There are no months before the project.
    assert_eq!(names, ["2026-01", "2026-02"]);
    let now = portal.world.now();
    let begin: f64 = 26.0 + 15.0 / 24.0;
    is_near(two[0].1, usd * begin / 31.0);
    let february: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
    let passed = (now - february).as_seconds_f64();
    is_near(two[1].1, usd * passed / (28.0 * 86_400.0));
    assert_eq!((two[0].2, two[0].3, two[1].3), (1, false, true));
    let one = portal.get("bob", &format!("{HISTORY}?months=1")).ok(200);
    assert_eq!(months(&one), two[1..]);
    for field in ["complete", "templates_not_counted"] {
        let expected = if field == "complete" {
            json!(true)
        } else {
            json!(0)
        };
        assert_eq!(history[field], expected);
    }
    portal.get("vic", HISTORY).problem(403, "NotAllowed");
    portal.get("sue", HISTORY).problem(404, "ProjectNotFound");
}

#[test]
fn what_was_deleted_counts_until_then_and_what_left_is_reported() {
    let portal = portal();
    let (first, second) = (
        saved(&portal, "ada", "work", "first"),
        saved(&portal, "ada", "work", "second"),
    );
    saved(&portal, "ada", "work", "moves");
    // To 25 January.
    portal.world.pass(20 * DAY);
    let deleted = Ask::new("ada", "DELETE", "/v1/templates/first?force=true");
    portal.ask(deleted).ok(200);
    portal
        .post("ada", "/v1/projects", &json!({"name": "other"}))
        .ok(201);
    let mut request = save();
    request["project"] = json!("other");
    request["template"] = json!("moves");
    request["move_template"] = json!(true);
    portal.post("ada", "/v1/saves", &request).ok(202);
    portal.world.clock.run_until_idle().unwrap();
    // To 4 February.
    portal.world.pass(10 * DAY);
    let history = portal.get("ada", HISTORY).ok(200);
    let two = months(&history);
    assert_eq!(history["templates_not_counted"], 1);
    assert_eq!((two[0].2, two[1].2), (2, 1));
    let january = first * 20.0 / 31.0 + second * (26.0 + 15.0 / 24.0) / 31.0;
    is_near(two[0].1, january);
    assert_eq!(history["complete"], true);
    assert!(!history["counted"].as_str().unwrap().is_empty());
}

#[test]
fn costs_are_divided_among_those_who_saved_the_versions() {
    let portal = portal();
    saved(&portal, "ada", "work", "first");
    saved(&portal, "ada", "work", "first");
    saved(&portal, "bob", "other", "second");
    let costs = portal
        .get("ada", "/v1/projects/brain/costs?limit=1")
        .ok(200);
    let people = costs["people"].as_array().unwrap();
    let each: Vec<(&str, u64)> = people
        .iter()
        .map(|it| {
            (
                it["user"].as_str().unwrap(),
                it["versions"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(each, [("ada", 2), ("bob", 1)]);
    let sum: f64 = people
        .iter()
        .map(|it| it["usd_per_month"].as_f64().unwrap())
        .sum();
    is_near(sum, costs["usd_per_month"].as_f64().unwrap());
    // Another page has the same sums.
    let cursor = costs["cursor"].as_str().unwrap();
    let path = format!("/v1/projects/brain/costs?limit=1&cursor={cursor}");
    assert_eq!(portal.get("ada", &path).ok(200)["people"], costs["people"]);
}
