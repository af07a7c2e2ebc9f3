//! The OpenAPI document lists every route, and nothing else.

use std::collections::BTreeSet;

use axum::http::Method;
use prism_functions::operations::ALL;

use crate::portal::{Ask, Portal, document, operations};

#[test]
fn the_document_has_every_route_including_its_own() {
    let described: BTreeSet<String> = operations()
        .iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let declared = ALL
        .iter()
        .map(|entry| format!("{} {}", Method::from(entry.method), entry.path));
    assert_eq!(described, declared.collect());
    assert_eq!(described.len(), ALL.len());
    let portal = Portal::new();
    let ask = Ask::new("", "GET", "/v1/openapi.json");
    let served = portal.ask(Ask { user: None, ..ask });
    assert_eq!(served.ok(200), document());
    assert_eq!(document()["openapi"], "3.1.0");
    let ids: BTreeSet<&str> = operations()
        .iter()
        .map(|(_, _, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), ALL.len());
    for (method, path, operation) in operations() {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let says = response["description"].as_str().unwrap_or_default();
            assert!(!says.is_empty(), "{method} {path} {status}");
        }
    }
    // Each route exists, and accepts the method that the document says.
    for (method, path, _) in operations() {
        let path = path.replace(['{', '}'], "x");
        let answer = portal.ask(Ask::new("ada", method.as_str(), &path));
        // An export is no JSON.
        if answer.status.is_success() {
            continue;
        }
        let code = answer.json()["code"].clone();
        assert!(
            code != "RouteNotFound" && code != "MethodNotAllowed",
            "{method} {path}"
        );
    }
}
