//! What the managers of a project see of the work for it.

use prism_functions::domain::Region;
use prism_tests::world::Setup;
use serde_json::{Value, json};

use crate::portal::Portal;
use crate::save;

/// A project of Olga with Ada as a member and Adam as an admin. Ada saves for it, and for herself.
fn portal(setup: Setup) -> Portal {
    let portal = Portal::over(setup);
    portal.world.launch("ada", "ubuntu", "work");
    portal
        .post("olga", "/v1/projects", &json!({"name": "brain"}))
        .ok(201);
    for (user, role) in [("ada", "member"), ("adam", "admin")] {
        let member = json!({"user": user, "role": role});
        portal
            .post("olga", "/v1/projects/brain/members", &member)
            .ok(200);
    }
    portal
}

fn of(template: &str, project: Option<&str>) -> Value {
    let mut request = save();
    request["template"] = json!(template);
    request["project"] = json!(project);
    request
}

fn saved(portal: &Portal, template: &str, project: Option<&str>) {
    portal
        .post("ada", "/v1/saves", &of(template, project))
        .ok(202);
    portal.world.clock.run_until_idle().unwrap();
}

fn list(portal: &Portal, user: &str, what: &str) -> Value {
    portal
        .get(user, &format!("/v1/projects/brain/{what}"))
        .ok(200)
}

fn names<'a>(list: &'a Value, pointer: &str) -> Vec<&'a str> {
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|it| it.pointer(pointer).unwrap().as_str().unwrap())
        .collect()
}

#[test]
fn managers_see_the_saves_for_their_project_and_no_others() {
    let portal = portal(Setup::seeded(7));
    saved(&portal, "first", Some("brain"));
    saved(&portal, "private", None);
    saved(&portal, "second", Some("brain"));
    for manager in ["olga", "adam"] {
        let list = list(&portal, manager, "saves");
        assert_eq!(names(&list, "/request/template"), ["second", "first"]);
        assert_eq!(names(&list, "/saved_by"), ["ada", "ada"]);
        // Each of them can be opened by whoever sees it here.
        let id = names(&list, "/save_id")[0].to_owned();
        portal.get(manager, &format!("/v1/saves/{id}")).ok(200);
    }
    let refused = portal.get("ada", "/v1/projects/brain/saves");
    refused.problem(403, "NotAllowed");
    portal
        .get("sue", "/v1/projects/brain/saves")
        .problem(404, "ProjectNotFound");
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..20 {
        let page = list(&portal, "olga", &format!("saves?limit=1{cursor}"));
        assert!(page["items"].as_array().unwrap().len() <= 1);
        found.extend(
            names(&page, "/request/template")
                .into_iter()
                .map(str::to_owned),
        );
        let Some(next) = page["cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, ["second", "first"]);
}

#[test]
fn a_save_in_progress_is_listed_as_soon_as_it_begins() {
    let portal = portal(Setup::seeded(7));
    portal
        .post("ada", "/v1/saves", &of("first", Some("brain")))
        .ok(202);
    portal.world.pass(2);
    let list = list(&portal, "olga", "saves");
    assert_eq!(names(&list, "/state"), ["running"]);
}

#[test]
fn managers_see_the_schedules_of_their_projects_templates() {
    let portal = portal(Setup::seeded(7));
    saved(&portal, "first", Some("brain"));
    saved(&portal, "private", None);
    for (name, template) in [("nightly", "first"), ("mine", "private")] {
        let asked = json!({"name": name, "cadence": "12h", "request": of(template, None)});
        portal.post("ada", "/v1/schedules", &asked).ok(201);
    }
    let listed = list(&portal, "adam", "schedules");
    assert_eq!(names(&listed, "/name"), ["nightly"]);
    let schedule = &listed["items"][0];
    let own = portal.get("ada", "/v1/schedules/nightly").ok(200);
    for field in [
        "owner", "cadence", "timezone", "paused", "next_run", "missed",
    ] {
        assert_eq!(schedule[field], own[field], "{field}");
    }
    assert_eq!(schedule["template"], "first");
    // It is still the owner's alone.
    let other = portal.get("adam", "/v1/schedules/nightly");
    other.problem(404, "ScheduleNotFound");
    portal
        .get("ada", "/v1/projects/brain/schedules")
        .problem(403, "NotAllowed");
    let gone = crate::portal::Ask::new("ada", "DELETE", "/v1/schedules/nightly");
    assert_eq!(portal.ask(gone).status, 204);
    assert_eq!(list(&portal, "olga", "schedules")["items"], json!([]));
}

#[test]
fn managers_see_who_launched_what_for_their_project() {
    let mut setup = Setup::seeded(7);
    setup.settings.allowed_regions = "us-east-1,eu-west-1,us-west-2".parse().unwrap();
    let silent = |region: &Region| region.as_str() != "us-west-2";
    let portal = portal(setup.bent(move |bent| bent.answers_in = silent));
    for (name, region, project) in [
        ("here", "us-east-1", Some("brain")),
        ("away", "eu-west-1", Some("brain")),
        ("own", "us-east-1", None),
    ] {
        let request = json!({
            "template": "ubuntu", "name": name, "region": region, "project": project, "size": "S",
        });
        portal.post("ada", "/v1/instances", &request).ok(202);
    }
    portal.world.pass(300);
    let listed = list(&portal, "olga", "instances");
    assert_eq!(names(&listed, "/name"), ["away", "here"]);
    assert_eq!(names(&listed, "/owner"), ["ada", "ada"]);
    assert_eq!(names(&listed, "/state"), ["running", "running"]);
    let own = portal.get("ada", "/v1/instances").ok(200);
    assert_eq!(
        listed["items"][0]["usd_per_hour"],
        own["items"][0]["usd_per_hour"]
    );
    assert!(listed["items"][0]["usd_per_hour"].as_f64().unwrap() > 0.0);
    assert_eq!(listed["unavailable"][0]["region"], "us-west-2");
    // How to reach an instance is its owner's business.
    assert_eq!(listed["items"][0]["public_ip"], Value::Null);
    portal
        .get("ada", "/v1/projects/brain/instances")
        .problem(403, "NotAllowed");
}
