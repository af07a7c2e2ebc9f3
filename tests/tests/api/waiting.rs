//! Reads that wait for a change.

use serde_json::{Value, json};

use crate::portal::{Answer, Ask, Portal};
use crate::save;

impl Portal {
    /// Asks for what has changed since the state with this tag.
    fn since(&self, user: &str, path: &str, tag: &str) -> Answer {
        let headers = [("if-none-match", tag)];
        self.ask(Ask::new(user, "GET", path).with(&headers))
    }

    /// Asks as [`Portal::since`] does, and returns the seconds that the response took too.
    fn timed(&self, path: &str, tag: &str) -> (Answer, i64) {
        let before = self.world.now();
        let answer = self.since("ada", path, tag);
        (answer, (self.world.now() - before).num_seconds())
    }
}

fn begun(portal: &Portal) -> String {
    let begun = portal.post("ada", "/v1/saves", &save()).ok(202);
    portal.world.pass(1);
    format!("/v1/saves/{}", begun["save_id"].as_str().unwrap())
}

#[test]
fn a_save_is_followed_to_its_end_by_waiting_for_each_change() {
    let portal = Portal::new();
    let path = begun(&portal);
    let first = portal.get("ada", &path);
    let (mut tag, mut state) = (first.header("etag").to_owned(), first.ok(200));
    let mut changes = 0;
    while state["state"] == "running" {
        let reads = portal.world.table.reads();
        let (answer, took) = portal.timed(&format!("{path}?wait=20"), &tag);
        assert!(took <= 20, "{took}");
        // The steps of the save read too, but not in a second in which nothing happens.
        if answer.status == 304 {
            assert_eq!(answer.text, "");
            assert_eq!(answer.header("etag"), tag);
            assert_eq!(took, 20);
            assert!(portal.world.table.reads() - reads >= 20);
            continue;
        }
        changes += 1;
        assert_ne!(answer.header("etag"), tag);
        tag = answer.header("etag").to_owned();
        assert_ne!(answer.ok(200), state);
        state = answer.json();
        assert!(changes < 100);
    }
    assert_eq!(state["state"], "succeeded");
    assert!(changes > 3, "{changes}");
}

#[test]
fn a_wait_reads_once_a_second_and_ends_with_its_time() {
    let portal = Portal::new();
    let path = begun(&portal);
    portal.world.clock.run_until_idle().unwrap();
    let list = "/v1/saves";
    for (path, ask) in [(path.as_str(), "?wait=20"), (list, "?wait=20")] {
        let tag = portal.get("ada", path).header("etag").to_owned();
        assert!(!tag.is_empty());
        let reads = portal.world.table.reads();
        let (answer, took) = portal.timed(&format!("{path}{ask}"), &tag);
        assert_eq!((answer.status.as_u16(), took), (304, 20), "{path}");
        assert_eq!(portal.world.table.reads() - reads, 21, "{path}");
        // Without a wait, or without a known state, the response comes at once.
        let (answer, took) = portal.timed(path, &tag);
        assert_eq!((answer.status.as_u16(), took), (304, 0), "{path}");
        let (answer, took) = portal.timed(&format!("{path}{ask}"), "\"other\"");
        assert_eq!((answer.status.as_u16(), took), (200, 0), "{path}");
        let weak = portal.since("ada", path, &format!("W/{tag}"));
        assert_eq!(weak.status, 304, "{path}");
        let before = portal.world.now();
        portal.get("ada", &format!("{path}{ask}")).ok(200);
        assert_eq!(portal.world.now(), before, "{path}");
    }
    let missing = "/v1/saves/save-00000000000000000000?wait=20";
    let missing = portal.since("ada", missing, "\"1\"");
    missing.problem(404, "SaveNotFound");
    let odd = portal.since("ada", &format!("{path}?wait=21"), "\"1\"");
    odd.problem(400, "InvalidInput");
}

#[test]
fn a_save_that_begins_elsewhere_shows_up_in_a_waiting_list() {
    let portal = Portal::new();
    let tag = portal.get("ada", "/v1/saves").header("etag").to_owned();
    portal.post("ada", "/v1/saves", &save()).ok(202);
    let (answer, took) = portal.timed("/v1/saves?wait=20", &tag);
    assert!(took <= 2, "{took}");
    let listed = answer.ok(200);
    assert_eq!(listed["items"][0]["request"]["template"], "kept");
    // Another user's list stays as it is.
    let other = portal.get("bob", "/v1/saves").header("etag").to_owned();
    let other = portal.since("bob", "/v1/saves?wait=5", &other);
    assert_eq!(other.status, 304);
}

#[test]
fn nobody_waits_for_the_save_of_another_user() {
    let portal = Portal::new();
    let path = begun(&portal);
    let tag = portal.get("ada", &path).header("etag").to_owned();
    for tag in [tag.as_str(), "*"] {
        let before = portal.world.now();
        let bob = portal.since("bob", &format!("{path}?wait=20"), tag);
        bob.problem(404, "SaveNotFound");
        assert_eq!(portal.world.now(), before);
    }
}

#[test]
fn saves_are_filtered_by_state_instance_and_template() {
    let portal = Portal::new();
    portal.world.launch("ada", "ubuntu", "other");
    let mut request = save();
    request["instance"] = json!("other");
    request["template"] = json!("second");
    portal.post("ada", "/v1/saves", &request).ok(202);
    portal.world.clock.run_until_idle().unwrap();
    let path = begun(&portal);
    let found = |query: &str| {
        let listed = portal.get("ada", &format!("/v1/saves?{query}")).ok(200);
        let items = listed["items"].as_array().unwrap().iter();
        let names: Vec<Value> = items.map(|it| it["request"]["template"].clone()).collect();
        json!(names)
    };
    assert_eq!(found(""), json!(["kept", "second"]));
    assert_eq!(found("state=running"), json!(["kept"]));
    assert_eq!(found("state=succeeded"), json!(["second"]));
    assert_eq!(found("state=stranded"), json!([]));
    assert_eq!(found("template=second"), json!(["second"]));
    assert_eq!(found("instance=other"), json!(["second"]));
    let shown = portal.get("ada", &path).ok(200);
    let id = shown["plan"]["instance"]["id"].as_str().unwrap();
    assert_eq!(found(&format!("instance={id}")), json!(["kept"]));
    assert_eq!(found("instance=other&state=running"), json!([]));
}
