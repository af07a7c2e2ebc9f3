//! Copies of versions over the API.

use prism_tests::world::Setup;
use serde_json::json;

use crate::portal::{Ask, Portal};

const COPIES: &str = "/v1/templates/kept/versions/1/copies";

#[test]
fn a_version_is_copied_and_watched_as_a_save() {
    let portal = Portal::over(Setup::seeded(7));
    let launch = json!({"template": "ubuntu", "name": "work", "region": "us-east-1"});
    portal.post("ada", "/v1/instances", &launch).ok(202);
    portal.world.pass(300);
    let save = json!({"instance": "work", "template": "kept", "region": "us-east-1"});
    portal.post("ada", "/v1/saves", &save).ok(202);
    portal.world.clock.run_until_idle().unwrap();

    let far = json!({"regions": ["eu-west-1"]});
    let before = portal.sight();
    let dry = format!("{COPIES}?dry_run=true");
    let planned = portal.post("ada", &dry, &far).ok(200);
    assert_eq!(planned["plan"]["source"]["region"], "us-east-1");
    assert!(planned["plan"]["usd_per_month_at_most"].as_f64().unwrap() > 0.0);
    assert_eq!(portal.sight(), before);

    let key = [
        ("idempotency-key", "once"),
        ("content-type", "application/json"),
    ];
    let ask = || Ask::new("ada", "POST", COPIES).json(&far).with(&key);
    let begun = portal.ask(ask());
    let place = begun.header("location").to_owned();
    let begun = begun.ok(202);
    assert_eq!(
        place,
        format!("/v1/saves/{}", begun["save_id"].as_str().unwrap())
    );
    portal.world.pass(5);
    assert_eq!(portal.ask(ask()).ok(202)["repeated"], true);
    portal
        .post("ada", COPIES, &far)
        .problem(409, "CopyInProgress");
    portal.world.clock.run_until_idle().unwrap();
    let record = portal.get("ada", &place).ok(200);
    assert_eq!(
        (&record["state"], &record["copy_of"]["version"]),
        (&json!("succeeded"), &json!(1))
    );
    let version = portal.get("ada", "/v1/templates/kept").ok(200)["version"].clone();
    assert_eq!(
        version["amis"]["eu-west-1"]["x86_64"],
        record["copies"]["eu-west-1"]["image"]
    );
    portal.post("ada", COPIES, &far).problem(409, "CopyExists");
}

#[test]
fn a_copy_of_what_is_not_yours_is_refused() {
    let portal = Portal::new();
    let save = json!({"instance": "work", "template": "kept", "region": "us-east-1"});
    portal.post("ada", "/v1/saves", &save).ok(202);
    portal.world.clock.run_until_idle().unwrap();
    let before = portal.sight();
    let far = json!({"regions": ["eu-west-1"]});
    portal
        .post("bob", COPIES, &far)
        .problem(404, "TemplateNotFound");
    let missing = "/v1/templates/kept/versions/7/copies";
    portal
        .post("ada", missing, &far)
        .problem(404, "VersionNotFound");
    let latest = "/v1/templates/kept/versions/latest/copies";
    portal.post("ada", latest, &far).problem(400, "InvalidName");
    let none = json!({"regions": []});
    portal
        .post("ada", COPIES, &none)
        .problem(400, "InvalidRegion");
    assert_eq!(portal.sight(), before);
}
