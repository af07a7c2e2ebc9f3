//! Instances in all Regions at once.

use prism_functions::domain::Region;
use prism_tests::recorded::ec2_calls;
use prism_tests::world::Setup;
use serde_json::{Value, json};

use crate::portal::Portal;

const REGIONS: &str = "us-east-1,eu-west-1,us-west-2";

fn setup() -> Setup {
    let mut setup = Setup::seeded(7);
    setup.settings.allowed_regions = REGIONS.parse().unwrap();
    setup
}

fn launch(portal: &Portal, user: &str, name: &str, region: &str) {
    let request = json!({"template": "ubuntu", "name": name, "region": region, "size": "S"});
    portal.post(user, "/v1/instances", &request).ok(202);
    portal.world.pass(300);
}

fn places(list: &Value) -> Vec<(&str, &str)> {
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|it| (it["name"].as_str().unwrap(), it["region"].as_str().unwrap()))
        .collect()
}

#[test]
fn the_instances_of_all_allowed_regions_are_one_list() {
    let portal = Portal::over(setup());
    launch(&portal, "ada", "beta", "eu-west-1");
    launch(&portal, "ada", "alpha", "us-west-2");
    launch(&portal, "ada", "gamma", "us-east-1");
    launch(&portal, "bob", "other", "us-east-1");
    let save = json!({"instance": "beta", "template": "kept", "region": "eu-west-1"});
    let begun = portal.post("ada", "/v1/saves", &save).ok(202);
    portal.world.pass(2);
    let calls = ec2_calls();
    let list = portal.get("ada", "/v1/instances").ok(200);
    // The save makes calls too, but not while nothing waits.
    assert_eq!(ec2_calls() - calls, 4);
    let all = [
        ("alpha", "us-west-2"),
        ("beta", "eu-west-1"),
        ("gamma", "us-east-1"),
    ];
    assert_eq!(places(&list), all);
    assert_eq!(list["unavailable"], json!([]));
    assert_eq!(list["items"][1]["save_id"], begun["save_id"]);
    assert_eq!(list["items"][0]["save_id"], Value::Null);
    let price = &list["items"][0]["usd_per_hour"];
    let config = portal.get("ada", "/v1/config").ok(200);
    assert_eq!(config["sizes"][1]["size"], "S");
    let types = config["sizes"][1]["types"].as_array().unwrap().iter();
    let mut prices = types.map(|it| &it["usd_per_hour"]);
    assert!(prices.any(|it| it == price), "{price}");
    let bob = portal.get("bob", "/v1/instances").ok(200);
    assert_eq!(places(&bob), [("other", "us-east-1")]);
}

#[test]
fn pages_over_all_regions_follow_each_other() {
    let portal = Portal::over(setup());
    for (name, region) in [
        ("one", "us-east-1"),
        ("two", "eu-west-1"),
        ("three", "us-west-2"),
    ] {
        launch(&portal, "ada", name, region);
    }
    let first = portal.get("ada", "/v1/instances?limit=2").ok(200);
    let cursor = first["cursor"].as_str().unwrap();
    let path = format!("/v1/instances?limit=2&cursor={cursor}");
    let second = portal.get("ada", &path).ok(200);
    let mut names = places(&first);
    names.extend(places(&second));
    assert_eq!(
        names,
        [
            ("one", "us-east-1"),
            ("three", "us-west-2"),
            ("two", "eu-west-1")
        ]
    );
    assert_eq!(second["cursor"], Value::Null);
    // The cursor is not valid for the list of one Region.
    let path = format!("/v1/instances?region=us-east-1&cursor={cursor}");
    portal.get("ada", &path).problem(400, "InvalidInput");
}

#[test]
fn a_region_that_does_not_answer_is_named_and_the_others_are_listed() {
    let silent = |region: &Region| region.as_str() != "eu-west-1";
    let portal = Portal::over(setup().bent(move |bent| bent.answers_in = silent));
    launch(&portal, "ada", "here", "us-east-1");
    let list = portal.get("ada", "/v1/instances").ok(200);
    assert_eq!(places(&list), [("here", "us-east-1")]);
    let unavailable = list["unavailable"].as_array().unwrap();
    assert_eq!(unavailable.len(), 1);
    assert_eq!(unavailable[0]["region"], "eu-west-1");
    assert_eq!(unavailable[0]["code"], "AwsUnavailable");
    assert!(
        !unavailable[0]["message"]
            .as_str()
            .unwrap()
            .contains("no response arrived")
    );
    // Asked for alone, its problem is the response.
    let alone = portal.get("ada", "/v1/instances?region=eu-west-1");
    alone.problem(503, "AwsUnavailable");
}
