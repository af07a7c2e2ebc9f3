//! The queue delivers events to the wake-up function in batches.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;

use async_trait::async_trait;
use prism_functions::domain::Code;
use prism_functions::operations::Service;
use prism_functions::ports::{Item, Key, Page, Query, Table, TableError, Write};
use prism_functions::registry::Registry;
use prism_functions::rules::Env;
use prism_tests::world::{REGION, Setup, World, begun, id_of, launched, save_request};
use serde_json::{Value, json};

struct Silent;

fn silent<T>() -> Result<T, TableError> {
    Err(TableError::Unavailable {
        reason: "by the test".to_owned(),
        transient: true,
        advice: None,
        source: None,
    })
}

#[async_trait]
impl Table for Silent {
    async fn get(&self, _: &Key) -> Result<Option<Item>, TableError> {
        silent()
    }

    async fn query(&self, _: &Query) -> Result<Page, TableError> {
        silent()
    }

    async fn transact(&self, _: &[Write]) -> Result<(), TableError> {
        silent()
    }
}

/// A world whose save was aborted while its instance is down, which nothing has noticed yet, and the event that the
/// instance is stopped.
fn aborted() -> (World, Value) {
    let mut setup = Setup::seeded(11);
    setup.events = false;
    let world = launched(setup);
    let id = begun(&world, save_request("work", "kept"));
    world.pass(30);
    let stop = world.service.executions.stop(id.as_str(), "by the test");
    world.clock.run(stop).unwrap();
    let event = json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "source": "aws.ec2",
        "detail-type": "EC2 Instance State-change Notification", "account": "111122223333",
        "time": "2026-01-05T09:00:00Z", "region": REGION, "resources": [],
        "detail": { "instance-id": id_of(&world), "state": "stopped" },
    });
    (world, event)
}

fn batch(bodies: &[&str]) -> Value {
    let message = |(n, body)| json!({ "messageId": format!("m-{n}"), "body": body });
    let messages: Vec<Value> = bodies.iter().enumerate().map(message).collect();
    json!({ "Records": messages })
}

#[test]
fn a_batch_does_what_its_events_would_do_one_by_one() {
    let (world, event) = aborted();
    let event = event.to_string();
    let batch = batch(&["no JSON", &event, "{}", &event]);
    let answer = world.clock.run(world.service.wake_by(&batch)).unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    let id = world.executions.names();
    assert_eq!(id.len(), 2, "one recovery: {id:?}");
}

#[test]
fn an_event_by_itself_is_taken_too() {
    let (world, event) = aborted();
    let answer = world.clock.run(world.service.wake_by(&event)).unwrap();
    assert_eq!(answer["wait_ended"], false);
    assert!(answer["recovery"]["execution"].is_string(), "{answer}");
}

#[test]
fn only_the_failed_events_of_a_batch_are_redelivered() {
    let (world, event) = aborted();
    let event = event.to_string();
    let deaf = Service {
        env: Env {
            registry: Registry::new(Arc::new(Silent)),
            ..world.service.env.clone()
        },
        ..world.service.clone()
    };
    let some = batch(&["no JSON", &event]);
    let answer = world.clock.run(deaf.wake_by(&some)).unwrap();
    let again = json!([{ "itemIdentifier": "m-1" }]);
    assert_eq!(answer, json!({ "batchItemFailures": again }));
    // If no event was handled, the function itself fails, and an alarm watches that.
    let all = world.clock.run(deaf.wake_by(&batch(&[&event, &event])));
    assert_eq!(all.unwrap_err().code, Code::RegistryUnavailable);
}
