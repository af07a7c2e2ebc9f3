//! Requests that are repeated with the same `Idempotency-Key`.

use serde_json::{Value, json};

use crate::portal::{Answer, Ask, Portal, fits, operations};
use crate::save;

const HEADERS: [(&str, &str); 2] = [
    ("content-type", "application/json"),
    ("idempotency-key", "once"),
];

/// A deployment with a template and two schedules.
fn filled() -> Portal {
    let portal = Portal::new();
    portal.post("ada", "/v1/saves", &save()).ok(202);
    portal.world.clock.run_until_idle().unwrap();
    for (name, template) in [("nightly", "kept"), ("weekly", "other")] {
        let request = json!({"instance": "work", "template": template, "region": "us-east-1"});
        let schedule = json!({"name": name, "cadence": "1d", "request": request});
        portal.post("ada", "/v1/schedules", &schedule).ok(201);
    }
    portal
}

type Request = (&'static str, Option<Value>);

/// The requests that take a key: what is asked, and what is then asked with the same key.
fn keyed() -> [[Request; 2]; 4] {
    let launch = |name: &str| {
        let request = json!({"template": "ubuntu", "name": name, "region": "us-east-1"});
        ("/v1/instances", Some(request))
    };
    let save = |template: &str| {
        let request = json!({"instance": "work", "template": template, "region": "us-east-1"});
        ("/v1/saves", Some(request))
    };
    let run = |path| (path, None);
    let copy = |region: &str| {
        let path = "/v1/templates/kept/versions/1/copies";
        (path, Some(json!({"regions": [region]})))
    };
    [
        ["new", "newer"].map(launch),
        ["first-env", "second-env"].map(save),
        ["/v1/schedules/nightly/run", "/v1/schedules/weekly/run"].map(run),
        ["eu-west-1", "eu-central-1"].map(copy),
    ]
}

fn send(portal: &Portal, (path, body): &Request) -> Answer {
    let ask = Ask::new("ada", "POST", path);
    match body {
        Some(body) => portal.ask(ask.json(body).with(&HEADERS)),
        None => portal.ask(ask.with(&HEADERS[1..])),
    }
}

/// What an answer names: the place of the save or the instance, and its ID.
fn named(answer: &Answer) -> (String, Value) {
    let body = answer.ok(202);
    let id = json!([body["save_id"], body["instance"]["id"]]);
    (answer.header("location").to_owned(), id)
}

#[test]
fn a_key_stands_for_one_request() {
    let portal = filled();
    let sight = || (portal.sight(), portal.world.admin.inventory().unwrap());
    for [request, other] in keyed() {
        let first = send(&portal, &request);
        let begun = named(&first);
        assert!(!begun.0.is_empty(), "{}: {}", request.0, first.text);
        portal.world.pass(300);
        portal.world.clock.run_until_idle().unwrap();
        let (before, inventory) = sight();
        assert_eq!(named(&send(&portal, &request)), begun, "{}", request.0);
        send(&portal, &other).problem(400, "RequestIdReused");
        let (after, same) = sight();
        assert_eq!(same, inventory, "{}", request.0);
        // A launch is recorded and takes its turn before EC2 is asked, which knows the request by its token.
        if request.0 != "/v1/instances" {
            assert_eq!(after, before, "{}", request.0);
        }
    }
    // No operation of the document that takes a key may be missing here.
    for (method, route, operation) in operations() {
        let mut parameters = operation["parameters"].as_array().into_iter().flatten();
        let takes = parameters.any(|it| it["name"] == "Idempotency-Key");
        let all = keyed();
        let tried = method == "POST" && all.iter().any(|[(path, _), _]| fits(&route, path));
        assert_eq!(takes, tried, "{method} {route}");
    }
}
