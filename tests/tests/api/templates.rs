//! Changes of templates, as a portal requests them.

use serde_json::json;

use crate::portal::{Ask, Portal};
use crate::save;

pub(crate) fn edits(portal: &Portal) {
    let path = "/v1/templates/kept";
    let tag = portal.get("ada", path).header("etag").to_owned();
    let edit = json!({"notes": "needs 32 GiB"});
    let changed = |headers: &[(&str, &str)]| {
        let ask = Ask::new("ada", "PATCH", path).json(&edit);
        portal.ask(ask.with(headers))
    };
    let json_type = ("content-type", "application/json");
    changed(&[json_type]).problem(428, "PreconditionRequired");
    for other in ["\"999\"", "W/\"1\"", "\"x\"", "\"8\", \"9\""] {
        changed(&[json_type, ("if-match", other)]).problem(412, "PreconditionFailed");
    }
    for odd in ["999", "", "\"1"] {
        let refused = changed(&[json_type, ("if-match", odd)]).problem(400, "InvalidInput");
        assert!(refused["detail"].as_str().unwrap().contains("If-Match"));
    }
    let edited = changed(&[json_type, ("if-match", &tag)]);
    assert_ne!(edited.header("etag"), tag);
    assert_eq!(edited.ok(200)["template"]["notes"], "needs 32 GiB");
    changed(&[json_type, ("if-match", &tag)]).problem(412, "PreconditionFailed");
    let file = portal
        .get("ada", "/v1/templates/kept/versions/1/export")
        .text;
    let file = json!({ "file": file });
    let planned = portal.post("ada", "/v1/templates/copied/import?dry_run=true", &file);
    assert_eq!(planned.ok(200)["done"], false);
    let imported = portal.post("ada", "/v1/templates/copied/import", &file);
    assert_eq!(
        imported.header("location"),
        "/v1/templates/copied/versions/1"
    );
    assert_eq!(imported.ok(201)["version"], 1);
    let delete = |path: &str| portal.ask(Ask::new("ada", "DELETE", path));
    let planned = delete("/v1/templates/copied?dry_run=true").ok(200);
    assert_eq!(
        (&planned["begun"], &planned["plan"]["whole"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(delete("/v1/templates/copied").ok(200)["finished"], true);
    delete("/v1/templates/copied").problem(404, "TemplateNotFound");
}

#[test]
fn templates_are_listed_by_their_origin() {
    let portal = Portal::new();
    portal.post("ada", "/v1/saves", &save()).ok(202);
    portal.world.clock.run_until_idle().unwrap();
    let names = |query: &str| {
        let listed = portal.get("ada", &format!("/v1/templates?{query}")).ok(200);
        let items = listed["items"].as_array().unwrap().iter();
        let names: Vec<String> = items
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        names
    };
    let (all, saved, built_in) = (names(""), names("kind=saved"), names("kind=built-in"));
    assert_eq!(saved, ["kept"]);
    assert_eq!(all.len(), saved.len() + built_in.len());
    assert!(built_in.contains(&"ubuntu".to_owned()) && !built_in.contains(&"kept".to_owned()));
    assert_eq!(names("kind=built-in&search=ubuntu"), ["ubuntu"]);
    assert_eq!(names("kind=saved&search=ubuntu"), [""; 0]);
}
