//! The look-up of users for sharing: only users whom the caller knows are found.

use serde_json::{Value, json};

use crate::portal::Portal;
use crate::save;

fn found(portal: &Portal, user: &str, prefix: &str) -> Value {
    let path = format!("/v1/users?prefix={prefix}");
    portal.get(user, &path).ok(200)["users"].clone()
}

fn project(portal: &Portal, owner: &str, name: &str, members: &[&str]) {
    portal
        .post(owner, "/v1/projects", &json!({ "name": name }))
        .ok(201);
    for user in members {
        let member = json!({"user": user, "role": "viewer"});
        let path = format!("/v1/projects/{name}/members");
        portal.post(owner, &path, &member).ok(200);
    }
}

#[test]
fn only_members_of_the_callers_projects_and_grantees_are_found() {
    let portal = Portal::new();
    project(&portal, "ada", "brain", &["bernd", "berta@x.edu", "carl"]);
    project(&portal, "olga", "other", &["bertram", "berta@x.edu"]);
    assert_eq!(found(&portal, "ada", "be"), json!(["bernd", "berta@x.edu"]));
    assert_eq!(found(&portal, "ada", "berta"), json!(["berta@x.edu"]));
    assert_eq!(
        found(&portal, "olga", "be"),
        json!(["berta@x.edu", "bertram"])
    );
    // A member of both knows the members of both, and never finds themself.
    assert_eq!(
        found(&portal, "berta@x.edu", "be"),
        json!(["bernd", "bertram"])
    );
    for stranger in ["sue", "bert"] {
        assert_eq!(found(&portal, stranger, "be"), json!([]));
    }
    portal.post("ada", "/v1/saves", &save()).ok(202);
    portal.world.clock.run_until_idle().unwrap();
    let share = json!({"to": "user:bettina"});
    portal
        .post("ada", "/v1/templates/kept/shares", &share)
        .ok(201);
    let all = json!(["bernd", "berta@x.edu", "bettina"]);
    assert_eq!(found(&portal, "ada", "be"), all);
    // Nobody else learns whom a template is shared with.
    assert_eq!(found(&portal, "bernd", "bet"), json!([]));
    assert_eq!(found(&portal, "bettina", "ad"), json!([]));
    // Who is no longer a member is no longer known.
    let gone = "/v1/projects/brain/members?user=bernd";
    let gone = portal.ask(crate::portal::Ask::new("ada", "DELETE", gone));
    assert!(gone.status.is_success(), "{}", gone.text);
    assert_eq!(found(&portal, "ada", "bern"), json!([]));
}

#[test]
fn at_most_twenty_users_are_returned() {
    let portal = Portal::new();
    let names: Vec<String> = (0..23).map(|number| format!("user-{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    project(&portal, "ada", "brain", &names);
    let page = portal.get("ada", "/v1/users?prefix=user-").ok(200);
    assert_eq!(page["users"], json!(names[..20]));
    assert_eq!(page["more"], true);
    let page = portal.get("ada", "/v1/users?prefix=user-2").ok(200);
    assert_eq!(
        (&page["users"], &page["more"]),
        (&json!(names[20..]), &json!(false))
    );
}
