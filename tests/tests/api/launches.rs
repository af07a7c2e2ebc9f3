//! Launches in bulk over the API.

use serde_json::json;

use super::portal::Portal;

#[test]
fn a_launch_that_must_wait_says_for_how_long() {
    let portal = Portal::new();
    let launch = |number: u32| {
        let name = format!("student-{number}");
        let body = json!({"template": "ubuntu", "name": name, "region": "us-east-1"});
        portal.post("ada", "/v1/instances", &body)
    };
    launch(1).ok(202);
    launch(2).ok(202);
    // The callers get different times, so that they do not all come back at once.
    for after in ["1", "2", "3"] {
        let refused = launch(3);
        assert_eq!(refused.header("retry-after"), after);
        refused.problem(503, "Throttled");
    }
    portal.world.pass(1);
    launch(3).ok(202);
    launch(4).problem(503, "Throttled");
}
