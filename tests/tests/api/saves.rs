//! Saves, from the launch to the next launch, and what other users see of them.

use insta::assert_snapshot;
use prism_tests::world::Setup;
use serde_json::{Value, json};

use super::portal::{Ask, Portal};
use super::{HERE, pretty, save, templates};

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
      "user": "ada",
      "projects": [],
      "public_scope": "deployment",
      "allowed_regions": [],
      "allowed_instance_types": [],
      "has_sessions": false
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
          "zone": "us-east-1a",
          "template": "ubuntu",
          "public_ip": "198.18.0.2",
          "login": "ubuntu",
          "has_profile": false,
          "launched_at": "2026-01-05T09:00:00Z",
          "save_id": null,
          "usd_per_hour": 0.0832,
          "end": null,
          "setup": null,
          "spending": {
            "month": "2026-01",
            "hours": 0.08333333333333333,
            "compute_usd": 0.006933333333333334,
            "volumes_usd": 0.0,
            "usd": 0.006933333333333334,
            "usd_per_hour": 0.0832,
            "forecast_usd": 53.1648,
            "unpriced_hours": 0.0,
            "unmeasured_hours": 0.08333333333333333,
            "unpriced_now": false
          }
        }
      ],
      "cursor": null,
      "unavailable": []
    }
    "#);
    let taken = json!({"template": "ubuntu", "name": "work", "region": "us-east-1"});
    let taken = portal.post("ada", "/v1/instances", &taken);
    assert_snapshot!(pretty(&taken.problem(409, "InstanceNameTaken")), @r#"
    {
      "type": "urn:prism:problem:InstanceNameTaken",
      "title": "An instance with that name already exists.",
      "status": 409,
      "detail": "The instance i-063cbe1e459320dd7 in us-east-1 is already named work.",
      "code": "InstanceNameTaken",
      "hint": "Choose another name, or terminate the other instance first."
    }
    "#);
    let odd = json!({"template": "ubuntu", "name": "w", "region": "us-east-1", "size": "XXL"});
    let odd = portal.post("ada", "/v1/instances", &odd);
    assert_snapshot!(pretty(&odd.problem(400, "InvalidInput")), @r#"
    {
      "type": "urn:prism:problem:InvalidInput",
      "title": "A request or a payload is not valid.",
      "status": 400,
      "detail": "The body is not valid: size: There is no size \"XXL\". Use XS, S, M, L, XL, GPU-S, GPU-M, GPU-L or GPU-XL at line 1 column 66.",
      "code": "InvalidInput",
      "hint": "GET /v1/openapi.json describes it."
    }
    "#);
}

#[test]
fn resources_of_others_are_not_found() {
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
        // With exactly the same words as for a resource that never existed.
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
    // Another user's idempotency key is independent.
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
    portal.world.pass(1);
    let other = json!({"template": "ubuntu", "name": "newer", "region": "us-east-1"});
    ask("ada", "/v1/instances", &other).problem(400, "RequestIdReused");
}

#[test]
fn an_answer_that_was_lost_is_worth_asking_again() {
    let portal = Portal::over(Setup::seeded(7).bent(|ec2| ec2.forgetful = true));
    portal.world.launch("ada", "ubuntu", "work");
    let path = format!("/v1/instances/work/stop?{HERE}");
    let lost = portal.ask(Ask::new("ada", "POST", &path));
    lost.problem(503, "AwsUnavailable");
    assert_eq!(lost.header("retry-after"), "5");
    portal.ask(Ask::new("ada", "POST", &path)).ok(202);
}
