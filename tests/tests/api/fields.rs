//! For every field of every route in the description: a value of the wrong type is refused with a problem that names
//! the field, and nothing is changed. Values that violate a field's own rules are in `nonsense`.

use serde_json::{Value, json};

use crate::portal::{Ask, Portal, document, operations};

const PARTS: [(&str, &str); 8] = [
    ("{group}", "lab1"),
    ("{instance}", "work"),
    ("{link}", "link-0123456789abcdef"),
    ("{name}", "kept"),
    ("{version}", "1"),
    ("{id}", "save-0123456789"),
    ("{template}", "ubuntu"),
    (
        "{fingerprint}",
        "SHA256:-DiY3wvvV6TuJJhbpZisF_zLDA0zPMSvHdkr4UvCOqU",
    ),
];

const HEADERS: [(&str, &str); 2] = [("content-type", "application/json"), ("if-match", "*")];

/// The path of a route, optionally with one parameter replaced.
fn path_of(route: &str, but: Option<(&str, &str)>) -> String {
    let odd = but.map(|(part, by)| (format!("{{{part}}}"), by));
    let mut path = route.to_owned();
    if let Some((part, by)) = &odd {
        path = path.replace(part, by);
    }
    for (part, by) in PARTS {
        path = path.replace(part, by);
    }
    path
}

fn parameters<'a>(operation: &'a Value, place: &'a str) -> impl Iterator<Item = &'a str> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let here = all.filter(move |parameter| parameter["in"] == place);
    here.map(|parameter| parameter["name"].as_str().unwrap())
}

fn fields(operation: &Value) -> Vec<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let Some(name) = schema["$ref"].as_str() else {
        assert!(schema.is_null(), "{schema}");
        return Vec::new();
    };
    let name = name.strip_prefix("#/components/schemas/").unwrap();
    let document = document();
    let properties = &document["components"]["schemas"][name]["properties"];
    let properties = properties.as_object().unwrap();
    properties.keys().cloned().collect()
}

fn refused(portal: &Portal, ask: Ask<'_>, names: &str) {
    let what = format!("{} {} {}", ask.method, ask.path, ask.body);
    let answer = portal.ask(ask);
    assert_eq!(answer.status, 400, "{what}: {}", answer.text);
    let detail = answer.json()["detail"].as_str().unwrap().to_lowercase();
    assert!(
        detail.contains(&names.to_lowercase()),
        "{names} in {what}: {detail}"
    );
    assert!(!detail.contains(char::is_control), "{what}: {detail}");
}

#[test]
fn every_field_of_a_body_has_its_type() {
    let portal = Portal::new();
    let before = portal.sight();
    let mut seen = 0;
    for (method, route, operation) in operations() {
        let mut path = path_of(&route, None);
        if parameters(operation, "query").any(|it| it == "region") {
            path.push_str("?region=us-east-1");
        }
        let ask = |body: &Value| {
            let ask = Ask::new("ada", method.as_str(), &path).json(body);
            Ask {
                headers: &HEADERS,
                ..ask
            }
        };
        let fields = fields(operation);
        if fields.is_empty() {
            continue;
        }
        for field in &fields {
            // A negative amount violates another rule, whose error also names the field.
            let names = field.split('_').next().unwrap();
            for odd in [json!(-7.5), json!([["x"]]), json!({"x": 1})] {
                refused(&portal, ask(&json!({ field: odd })), names);
                seen += 1;
            }
        }
        for odd in [
            json!([]),
            json!([null, null]),
            json!("x"),
            json!(1),
            json!(null),
        ] {
            refused(&portal, ask(&odd), "object");
        }
        refused(&portal, ask(&json!({"no_such": 1})), "no_such");
        let ask = ask(&Value::Null);
        let cut = Ask {
            body: "{\"".to_owned(),
            ..ask
        };
        refused(&portal, cut, "body");
    }
    assert!(seen > 100, "{seen}");
    assert_eq!(portal.sight(), before);
}

#[test]
fn every_value_of_a_query_is_given_once_and_known() {
    let portal = Portal::new();
    let before = portal.sight();
    let mut seen = 0;
    for (method, route, operation) in operations() {
        let path = path_of(&route, None);
        let mut queries: Vec<(String, String)> = Vec::new();
        for parameter in parameters(operation, "query") {
            let twice = format!("{parameter}=true&{parameter}=true");
            queries.push((twice, parameter.to_owned()));
        }
        if queries.is_empty() {
            continue;
        }
        queries.push(("no_such=1".to_owned(), "no_such".to_owned()));
        for (query, names) in queries {
            let path = format!("{path}?{query}");
            let ask = Ask::new("ada", method.as_str(), &path).json(&json!({}));
            let ask = Ask {
                headers: &HEADERS,
                ..ask
            };
            refused(&portal, ask, &names);
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
    assert_eq!(portal.sight(), before);
}

#[test]
fn every_name_in_a_path_and_every_header_keeps_to_its_rule() {
    let portal = Portal::new();
    let before = portal.sight();
    let mut seen = 0;
    for (method, route, operation) in operations() {
        for part in parameters(operation, "path") {
            for odd in ["%00x", "%FF", "a%0Ab", "%20"] {
                let mut path = path_of(&route, Some((part, odd)));
                if parameters(operation, "query").any(|it| it == "region") {
                    path.push_str("?region=us-east-1");
                }
                path.push_str(right_query(method.as_str(), &route));
                let body = right_body(&route);
                let ask = Ask::new("ada", method.as_str(), &path).json(&body);
                let ask = Ask {
                    headers: &HEADERS,
                    ..ask
                };
                refused(&portal, ask, part);
                seen += 1;
            }
        }
        for header in parameters(operation, "header") {
            let (names, odd) = match header {
                "If-Match" => ("If-Match", ["x", "\"a"]),
                "If-None-Match" => ("If-None-Match", ["x", "\"a"]),
                "Idempotency-Key" => ("request ID", ["a b", "ä"]),
                other => panic!("{other} is not known here"),
            };
            for odd in odd {
                // The body and the query are valid, in case they are checked first.
                let mut path = path_of(&route, None);
                if route.starts_with("/v1/instances") || route.starts_with("/v1/schedules") {
                    path = path.replace("kept", "work");
                }
                path.push_str(right_query(method.as_str(), &route));
                let headers = [HEADERS[0], (header, odd)];
                let body = right_body(&route);
                let ask = Ask::new("ada", method.as_str(), &path).json(&body);
                let what = format!("{method} {path}");
                let answer = portal.ask(Ask {
                    headers: &headers,
                    ..ask
                });
                // A missing resource is reported first if the key is checked last.
                let late = header == "Idempotency-Key" && answer.status == 404;
                assert!(answer.status == 400 || late, "{what}: {}", answer.text);
                if !late {
                    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
                    let told = detail.contains(names) || detail.contains(header);
                    assert!(told, "{what}: {detail}");
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 150, "{seen}");
    assert_eq!(portal.sight(), before);
}

fn right_query(method: &str, route: &str) -> &'static str {
    match (method, route.rsplit('/').next().unwrap()) {
        (_, "diff") => "?with=kept",
        ("DELETE", "shares") => "?to=user:bob",
        ("DELETE", "members") => "?user=bob",
        _ => "",
    }
}

fn right_body(route: &str) -> Value {
    let save = json!({"instance": "work", "template": "kept", "region": "us-east-1"});
    match route.rsplit('/').next().unwrap() {
        "saves" => save,
        "instances" => json!({"template": "ubuntu", "name": "new", "region": "us-east-1"}),
        "schedules" => json!({"cadence": "1d", "request": save}),
        "copies" => json!({"regions": ["eu-west-1"]}),
        "import" => json!({"file": "name: x"}),
        "shares" => json!({"to": "user:bob"}),
        "members" => json!({"user": "bob", "role": "member"}),
        "budget" => json!({"limit_usd": 5.0}),
        "end" if route.starts_with("/v1/projects") => json!({"at": "2026-07-01T00:00:00Z"}),
        "end" => json!({"for_minutes": 60}),
        "projects" => json!({"name": "brain"}),
        "sessions" => json!({"kind": "ssh"}),
        _ if route == "/v1/schedules/{name}" => json!({"paused": true}),
        _ => json!({}),
    }
}
