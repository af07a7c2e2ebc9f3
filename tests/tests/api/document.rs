//! The OpenAPI document lists every route, and nothing else.

use insta::assert_snapshot;

use crate::portal::{Ask, Portal, document, operations};

#[test]
fn the_document_has_every_route_and_stands_under_its_own() {
    let routes: Vec<String> = operations()
        .iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert_snapshot!(routes.join("\n"), @r#"
    GET /v1/audit
    GET /v1/instances
    POST /v1/instances
    GET /v1/instances/{name}
    DELETE /v1/instances/{name}
    POST /v1/instances/{name}/start
    POST /v1/instances/{name}/stop
    GET /v1/me
    GET /v1/projects
    POST /v1/projects
    GET /v1/projects/{name}
    DELETE /v1/projects/{name}
    PATCH /v1/projects/{name}
    GET /v1/projects/{name}/approvals
    PUT /v1/projects/{name}/approvals/{template}
    DELETE /v1/projects/{name}/approvals/{template}
    PUT /v1/projects/{name}/budget
    DELETE /v1/projects/{name}/budget
    GET /v1/projects/{name}/costs
    GET /v1/projects/{name}/members
    POST /v1/projects/{name}/members
    DELETE /v1/projects/{name}/members
    GET /v1/projects/{name}/templates
    GET /v1/saves
    POST /v1/saves
    GET /v1/saves/{id}
    POST /v1/saves/{id}/cancel
    POST /v1/saves/{id}/recover
    GET /v1/schedules
    POST /v1/schedules
    GET /v1/schedules/{name}
    DELETE /v1/schedules/{name}
    PATCH /v1/schedules/{name}
    POST /v1/schedules/{name}/run
    GET /v1/templates
    GET /v1/templates/{name}
    DELETE /v1/templates/{name}
    PATCH /v1/templates/{name}
    POST /v1/templates/{name}/deprecate
    POST /v1/templates/{name}/import
    GET /v1/templates/{name}/lineage
    POST /v1/templates/{name}/restore
    POST /v1/templates/{name}/rollback
    GET /v1/templates/{name}/shares
    POST /v1/templates/{name}/shares
    DELETE /v1/templates/{name}/shares
    GET /v1/templates/{name}/versions
    GET /v1/templates/{name}/versions/{version}
    DELETE /v1/templates/{name}/versions/{version}
    PATCH /v1/templates/{name}/versions/{version}
    POST /v1/templates/{name}/versions/{version}/copies
    POST /v1/templates/{name}/versions/{version}/deprecate
    GET /v1/templates/{name}/versions/{version}/diff
    GET /v1/templates/{name}/versions/{version}/export
    GET /v1/templates/{name}/versions/{version}/packages
    POST /v1/templates/{name}/versions/{version}/restore
    "#);
    let portal = Portal::new();
    let ask = Ask::new("", "GET", "/v1/openapi.json");
    let served = portal.ask(Ask { user: None, ..ask });
    assert_eq!(served.ok(200), document());
    assert_eq!(document()["openapi"], "3.1.0");
    let ids: std::collections::BTreeSet<&str> = operations()
        .iter()
        .map(|(_, _, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), routes.len());
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
        let code = answer.json()["code"].clone();
        assert!(
            code != "RouteNotFound" && code != "MethodNotAllowed",
            "{method} {path}"
        );
    }
}
