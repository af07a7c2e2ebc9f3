//! What concerns a user now, in one response.

use prism_tests::ask;
use prism_tests::recorded::ec2_calls;
use prism_tests::world::Setup;
use serde_json::{Value, json};

use crate::portal::Portal;
use crate::save;

fn names<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    let items = list.as_array().unwrap().iter();
    items.map(|it| it[key].as_str().unwrap()).collect()
}

/// A project with a budget, a version that it pays for, and a member and a viewer besides its owner.
fn portal() -> Portal {
    let portal = Portal::new();
    portal
        .post("ada", "/v1/projects", &json!({"name": "brain"}))
        .ok(201);
    for (user, role) in [("bob", "member"), ("vic", "viewer")] {
        let member = json!({"user": user, "role": role});
        portal
            .post("ada", "/v1/projects/brain/members", &member)
            .ok(200);
    }
    let ask = crate::portal::Ask::new("ada", "PUT", "/v1/projects/brain/budget");
    portal
        .ask(ask.json(&json!({"limit_usd": 50.0, "hard_stop": true})))
        .ok(200);
    let mut request = save();
    request["project"] = json!("brain");
    portal.post("ada", "/v1/saves", &request).ok(202);
    portal.world.clock.run_until_idle().unwrap();
    portal
}

#[test]
fn saves_in_progress_and_those_that_failed_in_the_last_day_are_shown() {
    let portal = portal();
    let overview = portal.get("ada", "/v1/overview").ok(200);
    assert_eq!(overview["saves_in_progress"], json!([]));
    assert_eq!(overview["failed_saves"], json!([]));
    // A schedule whose instance is gone by the time that it runs.
    let nightly = json!({"cadence": "rate(12 hours)", "request": save()});
    portal.post("ada", "/v1/schedules", &nightly).ok(201);
    let gone = crate::portal::Ask::new("ada", "DELETE", "/v1/instances/work?region=us-east-1");
    portal.ask(gone).ok(202);
    portal.world.pass(13 * 3600);
    ask!(portal.world, fire_due_schedules()).unwrap();
    portal.world.clock.run_until_idle().unwrap();
    let overview = portal.get("ada", "/v1/overview").ok(200);
    let failed = &overview["failed_saves"];
    assert_eq!(names(failed, "schedule"), ["kept"]);
    assert_eq!(failed[0]["state"], "failed");
    assert_eq!(overview["due_schedules"][0]["last_run"]["state"], "failed");
    portal.world.launch("ada", "ubuntu", "other");
    let mut request = save();
    request["instance"] = json!("other");
    request["template"] = json!("second");
    portal.post("ada", "/v1/saves", &request).ok(202);
    portal.world.pass(2);
    let overview = portal.get("ada", "/v1/overview").ok(200);
    let running = &overview["saves_in_progress"];
    assert_eq!(running[0]["request"]["template"], "second");
    assert_eq!(overview["more_saves"], false);
    // A day later, the failure is no longer news.
    portal.world.clock.run_until_idle().unwrap();
    portal.world.pass(25 * 3600);
    let overview = portal.get("ada", "/v1/overview").ok(200);
    assert_eq!(overview["failed_saves"], json!([]));
    let bob = portal.get("bob", "/v1/overview").ok(200);
    assert_eq!(bob["saves_in_progress"], json!([]));
    assert_eq!(bob["due_schedules"], json!([]));
}

#[test]
fn schedules_come_in_the_order_in_which_they_are_due() {
    let portal = Portal::new();
    for (name, cadence) in [("late", "rate(9 hours)"), ("soon", "rate(2 hours)")] {
        let asked = json!({"name": name, "cadence": cadence, "request": save()});
        portal.post("ada", "/v1/schedules", &asked).ok(201);
    }
    let asked = json!({"name": "idle", "cadence": "1d", "request": save()});
    portal.post("ada", "/v1/schedules", &asked).ok(201);
    let pause = crate::portal::Ask::new("ada", "PATCH", "/v1/schedules/idle");
    portal.ask(pause.json(&json!({"paused": true}))).ok(200);
    let overview = portal.get("ada", "/v1/overview").ok(200);
    assert_eq!(names(&overview["due_schedules"], "name"), ["soon", "late"]);
    let shown = portal.get("ada", "/v1/schedules/soon").ok(200);
    assert_eq!(overview["due_schedules"][0]["next_run"], shown["next_run"]);
    assert_eq!(overview["missed_schedules"], json!([]));
    portal.world.pass(6 * 3600);
    let overview = portal.get("ada", "/v1/overview").ok(200);
    assert_eq!(names(&overview["missed_schedules"], "name"), ["soon"]);
    assert_eq!(overview["missed_schedules"][0]["missed"], 2);
}

#[test]
fn spending_is_shown_to_those_who_may_see_the_costs() {
    let portal = portal();
    let costs = portal.get("ada", "/v1/projects/brain/costs").ok(200);
    for (user, role) in [("ada", "owner"), ("bob", "member")] {
        let overview = portal.get(user, "/v1/overview").ok(200);
        let project = &overview["projects"][0];
        assert_eq!(
            (&project["name"], &project["role"]),
            (&json!("brain"), &json!(role))
        );
        let usd = project["usd_per_month"].as_f64().unwrap();
        let counted = costs["usd_per_month"].as_f64().unwrap();
        assert!(usd > 0.0 && (usd - counted).abs() < 1e-5, "{usd} {counted}");
        assert_eq!(project["limit_usd"], 50.0);
        assert_eq!(project["hard_stop"], true);
        let percent = project["used_percent"].as_f64().unwrap();
        assert!((percent - usd * 2.0).abs() < 1e-9, "{percent}");
    }
    for user in ["vic", "sue"] {
        let overview = portal.get(user, "/v1/overview").ok(200);
        assert_eq!(overview["projects"], json!([]), "{user}");
    }
}

#[test]
fn an_overview_takes_few_reads_and_no_call_of_ec2() {
    let portal = Portal::over(Setup::seeded(7));
    portal.world.launch("ada", "ubuntu", "work");
    for number in 0..20 {
        let project = json!({"name": format!("project-{number}")});
        portal.post("ada", "/v1/projects", &project).ok(201);
        let asked = json!({"name": format!("night-{number}"), "cadence": "1d", "request": save()});
        portal.post("ada", "/v1/schedules", &asked).ok(201);
    }
    let (reads, calls) = (portal.world.table.reads(), ec2_calls());
    let overview = portal.get("ada", "/v1/overview").ok(200);
    assert_eq!(overview["due_schedules"].as_array().unwrap().len(), 10);
    assert_eq!(overview["projects"].as_array().unwrap().len(), 20);
    assert_eq!(ec2_calls(), calls);
    // The lists, the memberships, and two records of each project.
    let most = 20 + 20 + 1 + 2 * 20 + 2;
    assert!(portal.world.table.reads() - reads <= most);
}
