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

/// The names and sizes of instances.
fn of_instances() -> Vec<Odd> {
    let mut all = Vec::new();
    let names = [
        json!(null),
        json!(""),
        json!("i-0123456789abcdef0"),
        json!("a\nb"),
    ];
    let path = "/v1/instances/work?region=us-east-1";
    all.extend(odds(
        "PATCH",
        path,
        &json!({"name": "other"}),
        &[("name", &names)],
    ));
    let sizes = [json!(null), json!(""), json!("XXL"), json!(1)];
    let path = "/v1/instances/work/resize?region=us-east-1";
    all.extend(odds(
        "POST",
        path,
        &json!({"size": "L"}),
        &[("size", &sizes)],
    ));
    all
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
    all.extend(of_instances());
    let project = json!({"name": "brain", "description": ""});
    let names = [json!(null), json!(""), json!("UP"), json!("a/b")];
    let texts = [json!(null), long.clone(), json!("a\nb")];
    let wrong: [(&str, &[Value]); 2] = [("name", &names), ("description", &texts)];
    all.extend(odds("POST", "/v1/projects", &project, &wrong));
    let limits = [
        json!(1),
        json!({"largest_size": "XXL"}),
        json!({"instances_per_member": 0}),
        json!({"instances_per_member": -1}),
        json!({"hours_per_month": 10_001}),
        json!({"hours_per_month": "many"}),
        json!({"hours": 1}),
    ];
    let wrong: [(&str, &[Value]); 3] = [
        ("description", &[long, json!("a\nb")]),
        ("approved_only", &[json!("yes"), json!(1)]),
        ("limits", &limits),
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
    let end = json!({"at": "2026-07-01T00:00:00Z", "last_save": true});
    let past = json!("2020-01-01T00:00:00Z");
    let wrong: [(&str, &[Value]); 2] = [
        (
            "at",
            &[json!(null), json!(""), json!("tomorrow"), json!(5), past],
        ),
        ("last_save", &[json!(null), json!("yes")]),
    ];
    all.extend(odds("PUT", "/v1/projects/brain/end", &end, &wrong));
    all
}

pub(crate) fn addresses() -> Vec<Odd> {
    let mut all = Odds::default();
    for name in ["UP", "a", "x%0Ay"] {
        for rest in ["", "/members", "/templates", "/approvals", "/costs"] {
            all.ask("GET", format!("/v1/projects/{name}{rest}"), "project name");
        }
        for rest in [
            "",
            "/budget",
            "/end",
            "/members?user=bob",
            "/approvals/ubuntu",
        ] {
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
