//! Turns that others have taken.

use chrono::TimeDelta;
use prism_functions::domain::Timestamp;
use prism_functions::ports::{Advance, Condition, Item, Key, Table, Write};
use prism_local::ec2::REGIONS;
use serde_json::json;

use crate::world::{REGION, World};

/// Others have all turns of saves for this many seconds from now, and Ada has requested the maximum number for one user
/// within the next 20 seconds.
pub fn taken_for(world: &World, seconds: i64) {
    // A waiting user has three turns at once, twenty seconds apart.
    set(world, REGION, "SAVES", seconds);
    set(world, REGION, "AWAITED#ada", 60);
}

/// Others have all turns of copies to other Regions for this many seconds from now.
pub fn copies_taken_for(world: &World, seconds: i64) {
    for region in REGIONS.into_iter().filter(|region| *region != REGION) {
        // Fifty may be requested at once, two seconds each.
        set(world, region, "COPIES", seconds + 50 * 2);
    }
}

/// Restarts leave no room for further requests to StartInstances for this many seconds from now.
pub fn restarting_for(world: &World, seconds: i64) {
    // Two may be requested at once, a second each; the next one advances the clock by a second more.
    set(world, REGION, "STARTS", seconds + 2 - 1);
}

/// When a queue has its next turn, if it ever had one.
pub fn next(world: &World, queue: &str) -> Option<Timestamp> {
    let key = Key::new(format!("TURNS#{REGION}"), queue);
    let item = world
        .run(world.table.get(&key))
        .expect("the table answers")?;
    Timestamp::from_timestamp_millis(item.attributes["next_ms"].as_i64()?)
}

/// Moves a queue's clock ahead by this many seconds.
fn set(world: &World, region: &str, queue: &str, ahead_s: i64) {
    let next = world.now() + TimeDelta::seconds(ahead_s);
    let attributes = json!({ "next_ms": next.timestamp_millis() });
    let item = Item {
        key: Key::new(format!("TURNS#{region}"), queue),
        attributes: attributes.as_object().expect("it is an object").clone(),
    };
    let put = [Write::Put(item, Condition::Always)];
    let put = world.table.transact(&put);
    world.run(put).expect("the table answers");
}

/// Resets all turns, and the requests of this user.
pub fn forget(world: &World, user: &str) {
    let queues = [
        "SAVES".to_owned(),
        "AWAITED".to_owned(),
        format!("AWAITED#{user}"),
    ];
    let key = |queue| Key::new(format!("TURNS#{REGION}"), queue);
    let writes = queues.map(|queue| Write::Delete(key(queue), Condition::Always));
    let deleted = world.table.transact(&writes);
    world.run(deleted).expect("the table answers");
}

/// Takes the next turns of saves for others.
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
