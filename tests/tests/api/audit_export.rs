//! Audit events of a time range, and as a file.

use prism_functions::domain::Timestamp;
use serde_json::{Value, json};

use crate::portal::Portal;

fn at(portal: &Portal) -> String {
    let now: Timestamp = portal.world.now();
    now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Ada creates five projects, a minute apart, and one of them has a formula for its description.
fn portal() -> Portal {
    let portal = Portal::new();
    for name in ["one", "two", "three", "four", "five"] {
        portal.world.pass(60);
        let project = json!({"name": format!("project-{name}"), "description": "=1+1"});
        portal.post("ada", "/v1/projects", &project).ok(201);
    }
    portal
}

fn resources(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    let names = items.map(|it| it["resource"].as_str().unwrap());
    names
        .filter_map(|it| Some(it.strip_prefix("project:project-")?.to_owned()))
        .collect()
}

#[test]
fn events_are_those_of_the_time_range() {
    let portal = portal();
    let list = |query: &str| {
        let listed = portal.get("ada", &format!("/v1/audit?{query}")).ok(200);
        resources(&listed)
    };
    let second = "2026-01-05T09:07:00Z";
    let fourth = "2026-01-05T09:09:00Z";
    assert_eq!(at(&portal), "2026-01-05T09:10:00Z");
    assert_eq!(list(""), ["five", "four", "three", "two", "one"]);
    assert_eq!(
        list(&format!("from={second}")),
        ["five", "four", "three", "two"]
    );
    // The beginning belongs to the range, and the end does not.
    assert_eq!(list(&format!("until={fourth}")), ["three", "two", "one"]);
    assert_eq!(
        list(&format!("from={second}&until={fourth}")),
        ["three", "two"]
    );
    let of_one = format!("resource=project:project-two&from={second}");
    assert_eq!(list(&of_one), ["two"]);
    assert_eq!(
        list(&format!("resource=project:project-two&until={second}")),
        [""; 0]
    );
    assert_eq!(
        list(&format!("project=project-two&from={second}&until={fourth}")),
        ["two"]
    );
    let long_ago = "from=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z";
    assert_eq!(list(&format!("project=project-two&{long_ago}")), [""; 0]);
    let page = portal
        .get("ada", &format!("/v1/audit?from={second}&limit=2"))
        .ok(200);
    let cursor = page["cursor"].as_str().unwrap();
    let next = list(&format!("from={second}&limit=2&cursor={cursor}"));
    assert_eq!(next, ["three", "two"]);
}

#[test]
fn an_export_has_all_events_in_parts_that_can_be_appended() {
    let portal = portal();
    for (format, kind, heads) in [
        ("csv", "text/csv; charset=utf-8", 1),
        ("jsonl", "application/jsonl", 0),
    ] {
        let path = format!("/v1/audit/export?format={format}");
        let whole = portal.get("ada", &path);
        assert_eq!(
            (whole.status.as_u16(), whole.header("content-type")),
            (200, kind)
        );
        assert_eq!(whole.header("next-cursor"), "");
        let events = portal.get("ada", "/v1/audit").ok(200);
        let events = events["items"].as_array().unwrap().len();
        assert_eq!(whole.text.lines().count(), events + heads);
        let (mut text, mut query) = (String::new(), String::new());
        loop {
            let part = portal.get("ada", &format!("{path}&limit=2{query}"));
            assert_eq!(part.status, 200, "{}", part.text);
            text.push_str(&part.text);
            let cursor = part.header("next-cursor");
            if cursor.is_empty() {
                break;
            }
            query = format!("&cursor={cursor}");
        }
        assert_eq!(text, whole.text, "{format}");
    }
}

#[test]
fn an_export_has_what_the_list_has_and_no_formula() {
    let portal = portal();
    let edit = json!({"description": "=cmd|' /C calc'!A0"});
    let edit = crate::portal::Ask::new("@mallory", "PATCH", "/v1/projects/project-one").json(&edit);
    let member = json!({"user": "@mallory", "role": "admin"});
    portal
        .post("ada", "/v1/projects/project-one/members", &member)
        .ok(200);
    portal.world.pass(60);
    portal.ask(edit).ok(200);
    let query = "project=project-one";
    let list = portal.get("ada", &format!("/v1/audit?{query}")).ok(200);
    let lines = portal.get("ada", &format!("/v1/audit/export?format=jsonl&{query}"));
    let lines = lines
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(json!(lines.collect::<Vec<Value>>()), list["items"]);
    // CSV is what is returned if no format is named.
    let csv = portal.get("ada", &format!("/v1/audit/export?{query}"));
    let mut lines = csv.text.split("\r\n");
    let head = "\"at\",\"user\",\"action\",\"resource\",\"project\",\"channel\",\"address\",\"agent\",\"details\"";
    assert_eq!(lines.next(), Some(head));
    let newest = lines.next().unwrap();
    assert!(
        newest.contains(",\"'@mallory\",\"project.edit\","),
        "{newest}"
    );
    assert!(newest.contains("=cmd"), "{newest}");
    for cell in csv.text.split(['\n', ',']) {
        let cell = cell.trim_start_matches('"');
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
    }
}

#[test]
fn an_export_is_for_those_who_may_see_the_list() {
    let portal = portal();
    let of = |query: &str| portal.get("bob", &format!("/v1/audit/export?{query}"));
    of("project=project-one").problem(404, "ProjectNotFound");
    of("resource=project:project-one").problem(404, "ProjectNotFound");
    of("user=ada").problem(403, "NotAllowed");
    let own = of("format=jsonl");
    assert_eq!((own.status.as_u16(), own.text.as_str()), (200, ""));
}
