//! Invalid values in every field of every route. Each is refused with a problem that names the field, and nothing is
//! changed.

mod bodies;

use prism_functions::api::BODY_BYTES;
use serde_json::json;

use self::bodies::{bodies, launch, save, schedule};
use crate::nonsense_pages as pages;
use crate::nonsense_team as team;
use crate::odd_templates::questions;
use crate::odds::{Odd, Odds};
use crate::portal::{Ask, Portal, operations};

fn is_of(path: &str, route: &str) -> bool {
    let named = |part: &str| part.starts_with('{');
    let (path, route) = (path.split('/'), route.split('/'));
    path.clone().count() == route.clone().count()
        && path.zip(route).all(|(part, of)| part == of || named(of))
}

fn strays() -> Vec<Odd> {
    let mut all = Odds::default();
    for missing in ["instance", "template", "region"] {
        let mut body = save("region", json!("us-east-1"));
        body.as_object_mut().unwrap().remove(missing);
        all.send("POST", "/v1/saves", body, missing);
    }
    for (path, body) in [
        ("/v1/saves", save("x", json!(1))),
        ("/v1/instances", launch("x", json!(1))),
        ("/v1/schedules", schedule("x", json!(1))),
    ] {
        all.send("POST", path, body, "`x`");
    }
    all.all()
}

const TEMPLATE_PATHS: [&str; 7] = [
    "",
    "/lineage",
    "/versions/1/diff?with=kept",
    "/versions",
    "/versions/1",
    "/versions/1/export",
    "/versions/1/packages",
];

fn addresses() -> Vec<Odd> {
    let mut all = Odds::default();
    for id in [
        "x",
        "save-",
        "save-XYZ",
        "i-0123456789abcdef0",
        "save-0%00",
        "%FF",
    ] {
        let names = if id == "%FF" { "id" } else { "save ID" };
        all.ask("GET", format!("/v1/saves/{id}"), names);
        all.ask("POST", format!("/v1/saves/{id}/cancel"), names);
        all.ask("POST", format!("/v1/saves/{id}/recover"), names);
    }
    for name in ["UP", "a", "-ab", "a%2Fb%2Fc", "x%0Ay"] {
        for rest in TEMPLATE_PATHS {
            let path = format!("/v1/templates/{name}{rest}");
            all.ask("GET", path, "template name");
        }
    }
    for name in ["UP", "a", "%00"] {
        for method in ["GET", "DELETE"] {
            all.ask(method, format!("/v1/schedules/{name}"), "schedule name");
        }
    }
    for version in ["0", "-1", "1.5", "x", "99999999999", "%2B1"] {
        for rest in ["", "/export", "/packages", "/diff?with=kept"] {
            all.ask(
                "GET",
                format!("/v1/templates/kept/versions/{version}{rest}"),
                "version",
            );
        }
    }
    let instances = [
        ("GET", "/v1/instances/work"),
        ("DELETE", "/v1/instances/work"),
        ("POST", "/v1/instances/work/start"),
        ("POST", "/v1/instances/work/stop"),
        ("GET", "/v1/instances/work/end"),
        ("DELETE", "/v1/instances/work/end"),
        ("GET", "/v1/instances"),
    ];
    for (method, path) in instances {
        // Without a Region, the instances of all Regions are listed.
        if path != "/v1/instances" {
            all.ask(method, path.to_owned(), "region");
        }
        for query in [
            "region=",
            "region=x",
            "region=%FF",
            "region=US-EAST-1",
            "region=mars-north-1",
        ] {
            all.ask(method, format!("{path}?{query}"), "region");
        }
        all.ask(
            method,
            format!("{path}?region=us-east-1&region=us-east-1"),
            "region",
        );
        all.ask(method, format!("{path}?region=us-east-1&limt=1"), "limt");
    }
    for (method, rest) in [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/start"),
        ("POST", "/stop"),
        ("GET", "/end"),
        ("DELETE", "/end"),
    ] {
        let name = format!("/v1/instances/%20x{rest}?region=us-east-1");
        all.ask(method, name, "instance name");
    }
    for path in [
        "/v1/schedules?",
        "/v1/saves?",
        "/v1/templates?",
        "/v1/templates/kept/versions?",
        "/v1/instances?region=us-east-1&",
        "/v1/instances?",
    ] {
        for limit in ["0", "101", "-1", "x", "1e2", "", "99999999999999999999"] {
            all.ask("GET", format!("{path}limit={limit}"), "limit");
        }
        all.ask("GET", format!("{path}curser=x"), "curser");
        for cursor in ["", "x", "%00", "7b7d", "zz"] {
            // A missing template has no pages.
            if !path.contains("kept") {
                all.ask("GET", format!("{path}cursor={cursor}"), "cursor");
            }
        }
    }
    all.all()
}

const PATCH: [(&str, &str); 2] = [("content-type", "application/json"), ("if-match", "*")];

#[test]
fn nonsense_is_named_and_changes_nothing() {
    let portal = Portal::new();
    let before = portal.sight();
    let all = bodies().into_iter().chain(addresses()).chain(questions());
    for odd in all.chain(team::addresses()).chain(pages::addresses()) {
        let ask = Ask::new("ada", odd.method, &odd.path);
        let answer = match &odd.body {
            Some(body) if odd.method == "PATCH" => portal.ask(ask.json(body).with(&PATCH)),
            Some(body) => portal.ask(ask.json(body)),
            None => portal.ask(ask),
        };
        let what = format!(
            "{} {} {:?}: {}",
            odd.method, odd.path, odd.body, answer.text
        );
        assert_eq!(answer.status, 400, "{what}");
        let problem = answer.problem(400, answer.json()["code"].as_str().unwrap());
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.to_lowercase().contains(&odd.names.to_lowercase()),
            "{} in {what}",
            odd.names
        );
        assert!(
            detail.chars().count() < 700 && !detail.contains(char::is_control),
            "{what}"
        );
    }
    assert_eq!(portal.sight(), before);
}

#[test]
fn flags_keys_and_bodies_keep_to_their_rules() {
    let portal = Portal::new();
    let before = portal.sight();
    let (good, json_type) = (
        save("public", json!(false)),
        ("content-type", "application/json"),
    );
    for path in ["/v1/saves", "/v1/instances"] {
        for flag in ["", "yes", "1", "TRUE"] {
            let path = format!("{path}?dry_run={flag}");
            let refused = portal
                .post("ada", &path, &good)
                .problem(400, "InvalidInput");
            assert!(refused["detail"].as_str().unwrap().contains("dry_run"));
        }
        let body = if path == "/v1/saves" {
            good.clone()
        } else {
            launch("name", json!("new"))
        };
        let long = "k".repeat(65);
        for key in ["", "a b", "a/b", "kéy", &long] {
            let headers = [json_type, ("idempotency-key", key)];
            let ask = Ask::new("ada", "POST", path).json(&body).with(&headers);
            let refused = portal.ask(ask).problem(400, "InvalidRequestId");
            let detail = refused["detail"].as_str().unwrap();
            assert!(
                detail.contains("request ID") || detail.contains("Idempotency-Key"),
                "{detail}"
            );
        }
        let twice = [
            json_type,
            ("idempotency-key", "a"),
            ("idempotency-key", "b"),
        ];
        let ask = Ask::new("ada", "POST", path).json(&body).with(&twice);
        portal.ask(ask).problem(400, "InvalidRequestId");
        for headers in [
            &[][..],
            &[("content-type", "text/plain")],
            &[("content-type", "application/x-www-form-urlencoded")],
        ] {
            let ask = Ask::new("ada", "POST", path).json(&body).with(headers);
            portal.ask(ask).problem(415, "WrongContentType");
        }
        for text in [
            "",
            "{",
            "[]",
            "null",
            "\"x\"",
            "{\"instance\":1,}",
            "{\"region\":\"a\",\"region\":\"b\"}",
            &"[".repeat(500),
        ] {
            let ask = Ask::new("ada", "POST", path).json(&body);
            let refused = portal.ask(Ask {
                body: text.to_owned(),
                ..ask
            });
            let refused = refused.problem(400, "InvalidInput");
            assert!(
                refused["detail"].as_str().unwrap().starts_with("The body"),
                "{refused}"
            );
        }
        let ask = Ask::new("ada", "POST", path).json(&body);
        let large = portal.ask(Ask {
            body: " ".repeat(BODY_BYTES + 1),
            ..ask
        });
        large.problem(413, "BodyTooLarge");
    }
    assert_eq!(portal.sight(), before);
}

#[test]
fn every_field_of_every_body_gets_its_nonsense() {
    let bodies = bodies();
    let document = crate::portal::document();
    for (_, path, operation) in operations() {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(schema) = schema.as_str() else {
            continue;
        };
        let schema = document.pointer(schema.trim_start_matches('#')).unwrap();
        for field in schema["properties"].as_object().unwrap().keys() {
            let tried = bodies.iter().any(|odd| {
                is_of(odd.path.split('?').next().unwrap(), &path)
                    && odd
                        .body
                        .as_ref()
                        .is_some_and(|body| body.get(field).is_some())
            });
            assert!(tried, "{path} {field}");
        }
    }
}
