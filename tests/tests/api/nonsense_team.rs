//! Invalid values in requests about shares, projects, members, budgets and the audit.

use serde_json::{Value, json};

use crate::odds::{Odd, Odds, odd_values};

fn with(body: &Value, field: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[field] = value;
    body
}

fn odds(
    method: &'static str,
    path: &str,
    right: &Value,
    wrong: &[(&'static str, &[Value])],
) -> Vec<Odd> {
    let mut all = Odds::default();
    for (field, values) in wrong {
        for value in values.iter().cloned().chain(odd_values()) {
            let names = match (*field, value.as_str()) {
                ("limit_usd", _) => "limit",
                ("alerts", _) => "alert",
                ("to", Some("account:12")) => "account ID",
                ("to", Some("user:")) => "user",
                ("to", Some("organization:o-a1b2c3d4e5")) => "organization",
                (field, _) => field,
            };
            all.send(method, path, with(right, field, value), names);
        }
    }
    all.send(method, path, with(right, "x", json!(1)), "`x`");
    all.all()
}

pub(crate) fn bodies() -> Vec<Odd> {
    let long = json!("d".repeat(256));
    let share = json!({"to": "user:bob"});
    let wrong = [
        json!(null),
        json!(""),
        json!("bob"),
        json!("user:"),
        json!("account:12"),
        json!("organization:o-a1b2c3d4e5"),
        json!("everyone"),
    ];
    let mut all = odds(
        "POST",
        "/v1/templates/kept/shares",
        &share,
        &[
            ("to", &wrong),
            ("publish_sensitive", &[json!(null), json!("yes"), json!(1)]),
            ("with_snapshots", &[json!(null), json!("yes"), json!(1)]),
        ],
    );
    let project = json!({"name": "brain", "description": ""});
    let names = [json!(null), json!(""), json!("UP"), json!("a/b")];
    let texts = [json!(null), long.clone(), json!("a\nb")];
    let wrong: [(&str, &[Value]); 2] = [("name", &names), ("description", &texts)];
    all.extend(odds("POST", "/v1/projects", &project, &wrong));
    let wrong: [(&str, &[Value]); 2] = [
        ("description", &[long, json!("a\nb")]),
        ("approved_only", &[json!("yes"), json!(1)]),
    ];
    all.extend(odds("PATCH", "/v1/projects/brain", &json!({}), &wrong));
    let member = json!({"user": "bob", "role": "member"});
    let wrong: [(&str, &[Value]); 2] = [
        ("user", &[json!(null), json!(""), json!("a b")]),
        (
            "role",
            &[json!(null), json!(""), json!("Owner"), json!("boss")],
        ),
    ];
    all.extend(odds("POST", "/v1/projects/brain/members", &member, &wrong));
    let budget = json!({"limit_usd": 10, "alerts": [50], "hard_stop": true});
    let many: Vec<u16> = (1..=11).collect();
    let wrong: [(&str, &[Value]); 3] = [
        (
            "limit_usd",
            &[json!(null), json!(0), json!("10"), json!(1e300)],
        ),
        (
            "alerts",
            &[
                json!(null),
                json!([0]),
                json!([1001]),
                json!([-1]),
                json!(many),
            ],
        ),
        ("hard_stop", &[json!(null), json!("yes")]),
    ];
    all.extend(odds("PUT", "/v1/projects/brain/budget", &budget, &wrong));
    all
}

pub(crate) fn addresses() -> Vec<Odd> {
    let mut all = Odds::default();
    for name in ["UP", "a", "x%0Ay"] {
        for rest in ["", "/members", "/templates", "/approvals", "/costs"] {
            all.ask("GET", format!("/v1/projects/{name}{rest}"), "project name");
        }
        for rest in ["", "/budget", "/members?user=bob", "/approvals/ubuntu"] {
            all.ask(
                "DELETE",
                format!("/v1/projects/{name}{rest}"),
                "project name",
            );
        }
        for method in ["PUT", "DELETE"] {
            let path = format!("/v1/projects/brain/approvals/{name}");
            all.ask(method, path, "template name");
        }
        all.ask(
            "GET",
            format!("/v1/templates/{name}/shares"),
            "template name",
        );
        all.ask("GET", format!("/v1/audit?project={name}"), "project name");
    }
    for user in ["", "a%20b", "%00"] {
        all.ask(
            "DELETE",
            format!("/v1/projects/brain/members?user={user}"),
            "user",
        );
        all.ask("GET", format!("/v1/audit?user={user}"), "user");
    }
    for (to, names) in [
        ("", "grantee"),
        ("bob", "grantee"),
        ("user:", "user"),
        ("account:1", "account ID"),
        ("%00", "grantee"),
    ] {
        let path = format!("/v1/templates/kept/shares?to={to}");
        all.ask("DELETE", path, names);
    }
    for resource in ["", "kept", "user:ada", "instance:i-1", "template:UP"] {
        let names = if resource == "template:UP" {
            "template name"
        } else {
            "resource"
        };
        all.ask("GET", format!("/v1/audit?resource={resource}"), names);
    }
    all.ask("DELETE", "/v1/templates/kept/shares".to_owned(), "to");
    all.ask("DELETE", "/v1/projects/brain/members".to_owned(), "user");
    let costs = "/v1/projects/brain/costs?";
    let members = "/v1/projects/brain/members?";
    for path in ["/v1/projects?", "/v1/audit?", members, costs] {
        for limit in ["0", "101", "-1", "x", ""] {
            all.ask("GET", format!("{path}limit={limit}"), "limit");
        }
        all.ask("GET", format!("{path}curser=x"), "curser");
    }
    for path in ["/v1/projects?", "/v1/audit?"] {
        for cursor in ["", "x", "7b7d", "zz"] {
            all.ask("GET", format!("{path}cursor={cursor}"), "cursor");
        }
    }
    all.all()
}
