//! Nonsense in what changes templates, and in what they can be asked for.

use serde_json::{Value, json};

use crate::nonsense::{Odd, odd_values};

/// What templates and versions say of themselves, and their files.
pub(crate) fn edits() -> Vec<Odd> {
    let mut all = Vec::new();
    let fields: [(&'static str, &[Value]); 2] = [
        ("description", &[json!("d".repeat(256)), json!("a\nb")]),
        ("notes", &[json!("n".repeat(2001)), json!("a\u{7}b")]),
    ];
    for path in ["/v1/templates/kept", "/v1/templates/kept/versions/1"] {
        for (field, values) in fields {
            for value in values.iter().cloned().chain(odd_values()) {
                all.push(Odd {
                    method: "PATCH",
                    path: path.to_owned(),
                    body: Some(json!({ field: value })),
                    names: field,
                });
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
            all.push(Odd {
                method: "POST",
                path: format!("/v1/templates/kept/import{query}"),
                body: Some(json!({ "file": value })),
                names: "file",
            });
        }
    }
    all
}

/// Addresses of what templates can be asked for, beside what they are.
pub(crate) fn questions() -> Vec<Odd> {
    let mut all = Vec::new();
    let mut add = |method: &'static str, path: String, names| {
        let body = None;
        all.push(Odd {
            method,
            path,
            body,
            names,
        });
    };
    for (query, names) in [
        ("", "with"),
        ("?with=", "template name"),
        ("?with=UP@1", "template name"),
        ("?with=kept@x", "version"),
        ("?with=kept&more=1", "more"),
    ] {
        let path = format!("/v1/templates/kept/versions/1/diff{query}");
        add("GET", path, names);
    }
    add(
        "POST",
        "/v1/templates/UP/rollback".to_owned(),
        "template name",
    );
    for to in ["", "0", "-1", "x", "1.5", "99999999999"] {
        let path = format!("/v1/templates/kept/rollback?to={to}");
        add("POST", path, "to");
    }
    for (method, rest) in [
        ("POST", "/deprecate"),
        ("POST", "/restore"),
        ("DELETE", ""),
        ("POST", "/versions/1/deprecate"),
        ("POST", "/versions/1/restore"),
        ("DELETE", "/versions/1"),
    ] {
        add(method, format!("/v1/templates/UP{rest}"), "template name");
        if let Some(rest) = rest.strip_prefix("/versions/1") {
            for version in ["0", "x", "latest"] {
                let path = format!("/v1/templates/kept/versions/{version}{rest}");
                add(method, path, "version");
            }
        }
    }
    for (query, names) in [
        ("dry_run=1", "dry_run"),
        ("force=yes", "force"),
        ("all=true", "all"),
    ] {
        add("DELETE", format!("/v1/templates/kept?{query}"), names);
        add(
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
        ("owner=ada", "owner"),
    ] {
        add("GET", format!("/v1/templates?{query}"), names);
    }
    all
}
