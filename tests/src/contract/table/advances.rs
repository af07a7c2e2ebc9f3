//! Atomic counters.

use futures::future::join_all;
use prism_functions::ports::Advance;
use serde_json::json;

use super::*;

pub(super) const CHECKS: &[Check] = named![
    a_number_begins_at_the_least_and_is_moved_on_from_where_it_is,
    a_number_that_lags_behind_counts_as_the_least,
    a_number_is_never_moved_beyond_the_most,
    all_who_move_a_number_at_once_get_one_of_their_own,
    other_attributes_of_an_item_are_kept,
    only_whole_numbers_are_converted,
];

fn key() -> Key {
    Key::new("clock", "one")
}

fn step(least: i64, most: i64) -> Advance {
    Advance {
        attribute: "next".to_owned(),
        by: 10,
        least,
        most,
    }
}

async fn advanced(fixture: &Fixture, step: &Advance) -> Option<i64> {
    let advanced = fixture.table.advance(&key(), step).await;
    advanced.expect("it can be moved on")
}

async fn stored(fixture: &Fixture) -> Option<Value> {
    fixture.get("clock", "one").await?.remove("next")
}

async fn a_number_begins_at_the_least_and_is_moved_on_from_where_it_is(fixture: Fixture) {
    assert_eq!(advanced(&fixture, &step(100, 1000)).await, Some(110));
    assert_eq!(advanced(&fixture, &step(100, 1000)).await, Some(120));
    assert_eq!(advanced(&fixture, &step(-5, 1000)).await, Some(130));
    assert_eq!(stored(&fixture).await, Some(json!(130)));
}

async fn a_number_that_lags_behind_counts_as_the_least(fixture: Fixture) {
    assert_eq!(advanced(&fixture, &step(100, 1000)).await, Some(110));
    assert_eq!(advanced(&fixture, &step(200, 1000)).await, Some(210));
    assert_eq!(advanced(&fixture, &step(210, 1000)).await, Some(220));
}

async fn a_number_is_never_moved_beyond_the_most(fixture: Fixture) {
    assert_eq!(advanced(&fixture, &step(100, 109)).await, None);
    assert_eq!(fixture.get("clock", "one").await, None);
    assert_eq!(advanced(&fixture, &step(100, 110)).await, Some(110));
    assert_eq!(advanced(&fixture, &step(100, 119)).await, None);
    assert_eq!(advanced(&fixture, &step(105, 119)).await, None);
    assert_eq!(stored(&fixture).await, Some(json!(110)));
    assert_eq!(advanced(&fixture, &step(100, 120)).await, Some(120));
}

async fn all_who_move_a_number_at_once_get_one_of_their_own(fixture: Fixture) {
    let step = step(0, 10_000);
    let mut all = join_all((0..20).map(|_| advanced(&fixture, &step))).await;
    all.sort();
    let each: Vec<_> = (1..=20).map(|n| Some(n * 10)).collect();
    assert_eq!(all, each);
}

async fn other_attributes_of_an_item_are_kept(fixture: Fixture) {
    let item = Item {
        key: key(),
        attributes: json!({ "note": "kept", "gsi1pk": "a", "gsi1sk": "b" })
            .as_object()
            .expect("it is an object")
            .clone(),
    };
    fixture.write(&[Write::Put(item, Condition::Always)]).await;
    assert_eq!(advanced(&fixture, &step(0, 1000)).await, Some(10));
    assert_eq!(advanced(&fixture, &step(0, 1000)).await, Some(20));
    let kept = fixture.get("clock", "one").await.expect("it is there");
    let expected = json!({ "note": "kept", "gsi1pk": "a", "gsi1sk": "b", "next": 20 });
    assert_eq!(Value::Object(kept), expected);
}

async fn only_whole_numbers_are_converted(fixture: Fixture) {
    let text = Change::Set("next".to_owned(), json!("soon"));
    let write = Write::Update(key(), vec![text], Condition::Always);
    fixture.write(&[write]).await;
    let refused = fixture.table.advance(&key(), &step(0, 1000)).await;
    assert!(
        matches!(refused, Err(TableError::Invalid(_))),
        "{refused:?}"
    );
    assert_eq!(stored(&fixture).await, Some(json!("soon")));
}
