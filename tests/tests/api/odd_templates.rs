//! Invalid values in changes of templates, and in queries about them.

use serde_json::{Value, json};

use crate::odds::{Odd, Odds, odd_values};

pub(crate) fn edits() -> Vec<Odd> {
    let mut all = Odds::default();
    let fields: [(&'static str, &[Value]); 2] = [
        ("description", &[json!("d".repeat(256)), json!("a\nb")]),
        ("notes", &[json!("n".repeat(2001)), json!("a\u{7}b")]),
    ];
    for path in ["/v1/templates/kept", "/v1/templates/kept/versions/1"] {
        for (field, values) in fields {
            for value in values.iter().cloned().chain(odd_values()) {
                all.send("PATCH", path, json!({ field: value }), field);
            }
        }
    }
    let files = [
        json!(null),
        json!(""),
        json!("name: ["),
        json!("- a\n- b\n"),
    ];
    for value in files.into_iter().chain(odd_values()) {
        for query in ["", "?dry_run=true"] {
            let path = format!("/v1/templates/kept/import{query}");
            all.send("POST", path, json!({ "file": value }), "file");
        }
    }
    for value in [json!(null), json!("yes"), json!(1)] {
        let body = json!({ "file": "name: kept", "publish_sensitive": value });
        let path = "/v1/templates/kept/import".to_owned();
        all.send("POST", path, body, "publish_sensitive");
    }
    all.all()
}

pub(crate) fn questions() -> Vec<Odd> {
    let mut all = Odds::default();
    for (query, names) in [
        ("", "with"),
        ("?with=", "template name"),
        ("?with=UP@1", "template name"),
        ("?with=kept@x", "version"),
        ("?with=kept&more=1", "more"),
    ] {
        let path = format!("/v1/templates/kept/versions/1/diff{query}");
        all.ask("GET", path, names);
    }
    all.ask(
        "POST",
        "/v1/templates/UP/rollback".to_owned(),
        "template name",
    );
    for to in ["", "0", "-1", "x", "1.5", "99999999999"] {
        let path = format!("/v1/templates/kept/rollback?to={to}");
        all.ask("POST", path, "to");
    }
    for (method, rest) in [
        ("POST", "/deprecate"),
        ("POST", "/restore"),
        ("DELETE", ""),
        ("POST", "/versions/1/deprecate"),
        ("POST", "/versions/1/restore"),
        ("DELETE", "/versions/1"),
    ] {
        all.ask(method, format!("/v1/templates/UP{rest}"), "template name");
        if let Some(rest) = rest.strip_prefix("/versions/1") {
            for version in ["0", "x", "latest"] {
                let path = format!("/v1/templates/kept/versions/{version}{rest}");
                all.ask(method, path, "version");
            }
        }
    }
    for (query, names) in [
        ("dry_run=1", "dry_run"),
        ("force=yes", "force"),
        ("all=true", "all"),
    ] {
        all.ask("DELETE", format!("/v1/templates/kept?{query}"), names);
        all.ask(
            "DELETE",
            format!("/v1/templates/kept/versions/1?{query}"),
            names,
        );
    }
    for (query, names) in [
        ("mine=1", "mine"),
        ("public=", "public"),
        ("project=UP", "project name"),
        ("search=", "search"),
        ("search=x", "search"),
        ("search=%00%01", "search"),
        ("arch=riscv64", "arch"),
        ("kind=builtin", "kind"),
        ("owner=ada", "owner"),
    ] {
        all.ask("GET", format!("/v1/templates?{query}"), names);
    }
    all.all()
}
