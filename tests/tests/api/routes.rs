//! Requests that match no route.

use axum::http::Method;

use crate::portal::{Ask, Portal};

#[test]
fn an_unknown_route_returns_a_problem() {
    let portal = Portal::new();
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/me",
        "/v1/me/",
        "/v1/saves/a/b/c",
        "/v1/%00",
    ] {
        let nothing = portal.get("ada", path).problem(404, "RouteNotFound");
        assert!(
            nothing["detail"].as_str().unwrap().contains(path),
            "{nothing}"
        );
    }
    for (method, path, allow) in [
        ("PUT", "/v1/saves", "GET,HEAD,POST"),
        ("DELETE", "/v1/me", "GET,HEAD"),
        ("GET", "/v1/saves/x/cancel", "POST"),
        ("PATCH", "/v1/openapi.json", "GET,HEAD"),
    ] {
        let answer = portal.ask(Ask::new("ada", method, path));
        answer.problem(405, "MethodNotAllowed");
        assert_eq!(answer.header("allow"), allow);
    }
    let head = portal.ask(Ask::new("ada", Method::HEAD.as_str(), "/v1/me"));
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}
