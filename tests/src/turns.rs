//! Turns that others have taken.

use chrono::TimeDelta;
use prism_functions::domain::Timestamp;
use prism_functions::ports::{Advance, Condition, Item, Key, Table, Write};
use serde_json::json;

use crate::world::{REGION, World};

/// Others have all turns of saves for so many seconds from now, and Ada has asked for as many as are awaited of
/// somebody in the next 20 seconds.
pub fn taken_for(world: &World, seconds: i64) {
    // What is awaited of a user has three turns at once, twenty seconds apart.
    let writes = [("SAVES", seconds), ("AWAITED#ada", 60)].map(|(queue, ahead)| {
        let next = world.now() + TimeDelta::seconds(ahead);
        let attributes = json!({ "next_ms": next.timestamp_millis() });
        let item = Item {
            key: Key::new(format!("TURNS#{REGION}"), queue),
            attributes: attributes.as_object().expect("it is an object").clone(),
        };
        Write::Put(item, Condition::Always)
    });
    let put = world.table.transact(&writes);
    world.clock.run(put).expect("the table answers");
}

/// Others take the next turns of saves.
pub async fn take(table: &dyn Table, now: Timestamp, turns: i64) {
    let key = Key::new(format!("TURNS#{REGION}"), "SAVES");
    let advance = Advance {
        attribute: "next_ms".to_owned(),
        by: 2158 * turns,
        least: now.timestamp_millis(),
        most: i64::MAX,
    };
    let taken = table.advance(&key, &advance).await;
    taken.expect("the table answers");
}
