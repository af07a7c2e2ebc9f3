//! Invalid values in requests about courses: class lists, groups, join links, and launches for members.

use serde_json::{Value, json};

use crate::odds::{Odd, Odds};

/// Values that are of no type that a field has.
fn odd() -> [Value; 3] {
    [json!(-7.5), json!([["x"]]), json!({"x": 1})]
}

fn fields(
    all: &mut Odds,
    method: &'static str,
    path: &'static str,
    right: &Value,
    fields: &[&'static str],
) {
    for field in fields {
        for value in odd() {
            let mut body = right.clone();
            body[field] = value;
            all.send(method, path, body, field);
        }
    }
    let mut body = right.clone();
    body["x"] = json!(1);
    all.send(method, path, body, "`x`");
}

pub(crate) fn bodies() -> Vec<Odd> {
    let mut all = Odds::default();
    let batch = "/v1/projects/brain/members/batch";
    let members = json!({"members": [{"user": "ada"}]});
    fields(&mut all, "POST", batch, &members, &["members"]);
    for (entry, names) in [
        (json!({}), "members[0]"),
        (json!({"user": "a b"}), "user name"),
        (json!({"user": "ada", "role": "boss"}), "role"),
        (json!({"user": "ada", "group": "UP"}), "group name"),
        (json!({"user": "ada", "x": 1}), "`x`"),
    ] {
        all.send("POST", batch, json!({"members": [entry]}), names);
    }
    let group = "/v1/projects/brain/groups/lab1";
    fields(&mut all, "PATCH", group, &json!({}), &["add", "remove"]);
    all.send("PATCH", group, json!({"add": ["a b"]}), "user name");
    let link = json!({"uses": 1, "until": "2026-02-01T00:00:00Z"});
    let of_link = ["uses", "until", "role", "group"];
    fields(
        &mut all,
        "POST",
        "/v1/projects/brain/links",
        &link,
        &of_link,
    );
    fields(
        &mut all,
        "POST",
        "/v1/join",
        &json!({"code": "x"}),
        &["code"],
    );
    let code = json!({"code": "x"});
    all.send("POST", "/v1/join?dry_run=1", code, "dry_run");
    let plan = json!({"template": "ubuntu", "region": "us-east-1"});
    let of_plan = [
        "template",
        "region",
        "group",
        "name",
        "size",
        "architecture",
    ];
    let path = "/v1/projects/brain/launch-plan";
    fields(&mut all, "POST", path, &plan, &of_plan);
    fields(&mut all, "POST", path, &plan, &["disk_gib", "end"]);
    let launch =
        json!({"template": "ubuntu", "name": "new", "region": "us-east-1", "project": "brain"});
    fields(&mut all, "POST", "/v1/instances", &launch, &["for_member"]);
    let mut nowhere = launch.clone();
    nowhere["for_member"] = json!("ada");
    nowhere["project"] = json!(null);
    all.send("POST", "/v1/instances", nowhere, "for_member");
    let share = json!({"to": "project:brain"});
    let path = "/v1/templates/kept/shares";
    fields(&mut all, "POST", path, &share, &["approve"]);
    all.all()
}
