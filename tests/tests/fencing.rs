//! A step of an older epoch changes nothing: not the table, not EC2, and it sends no notification (promise P1).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::domain::{Code, SaveId};
use prism_functions::operations::Service;
use prism_functions::ports::{Item, Key, Page, Query, Table, TableError, Tags, Write};
use prism_functions::registry::Registry;
use prism_functions::rules::Env;
use prism_functions::steps;
use prism_tests::asks::Asks as _;
use prism_tests::story::to_the_end;
use prism_tests::world::{Setup, World, begun, caller, launched, save_request};
use serde_json::{Value, json};

fn payload(id: &SaveId, epoch: u32, image: &str) -> Value {
    let request = save_request("work", "kept");
    json!({
        "save_id": id, "epoch": epoch, "limit_s": 1, "waited_s": 0, "until": "stopped", "wait_s": 1, "region": "us-west-2",
        "image": image, "token": "token", "execution": id, "caller": caller("ada"),
        "request": request, "copy": {"template": "kept", "version": 1, "regions": ["us-west-2"]},
        "failure": {"Error": "SaveCancelled", "Cause": "by the test"}, "started_with": {},
    })
}

/// A save with a copy, some seconds after it began.
fn under_way(seconds: u64) -> (World, SaveId) {
    let world = launched(Setup::seeded(seconds));
    let mut request = save_request("work", "kept");
    request.copy_to.insert("us-west-2".parse().unwrap());
    let id = begun(&world, request);
    world.pass(seconds);
    (world, id)
}

/// The visible state of the world: the number of table writes, everything in EC2, and the number of notifications.
fn sight(world: &World) -> (usize, String, usize) {
    let inventory = world.admin.inventory().unwrap();
    let states: Vec<_> = inventory
        .instances
        .iter()
        .map(|(_, instance)| world.cloud.history_of(&instance.id).unwrap())
        .collect();
    let notices = world.notices.0.lock().unwrap().len();
    let seen = format!("{inventory:?} {states:?}");
    (world.table.writes(), seen, notices)
}

#[test]
fn a_step_of_an_older_epoch_changes_nothing() {
    for seconds in [1, 10, 21, 24, 38, 60, 95, 110, 150] {
        let (world, id) = under_way(seconds);
        let record = world.record(&id).unwrap();
        let execution = record.execution.clone();
        let stop = world.service.executions.stop(&execution, "by the test");
        world.clock.run(stop).unwrap();
        // The successor has begun, and has done nothing yet.
        let recovery = world.clock.run(world.service.sweep()).unwrap();
        assert_eq!(recovery.len(), 1, "at {seconds}");
        let image = record
            .image
            .as_ref()
            .map_or("ami-00000000", |id| id.as_str());
        let before = sight(&world);
        for step in steps::ALL {
            let call = (step.invoke)(&world.service.env, payload(&id, 1, image));
            // The call runs alone: no time passes, and the successor does not continue.
            let answer = futures::executor::block_on(call);
            let code = answer.map(drop).map_err(|problem| problem.code);
            let refused = match step.name {
                // They find a save with another request, or that the wait is over.
                "PlanSave" | "PlanCopy" => Code::RequestIdReused,
                "AwaitEvent" => Code::EventMissed,
                _ => Code::Superseded,
            };
            assert_eq!(code, Err(refused), "{} at {seconds}", step.name);
            assert_eq!(sight(&world), before, "{} at {seconds}", step.name);
        }
        to_the_end(&world, &id);
    }
}

/// The same holds for a save that has ended: neither the rest of an execution, nor another one started with the same
/// ID, may begin anything that nobody would roll back.
#[test]
fn nothing_starts_again_for_a_save_that_has_ended() {
    let (world, id) = under_way(10);
    let ada = caller("ada");
    world
        .clock
        .run(world.service.cancel_save(&ada, &id))
        .unwrap();
    to_the_end(&world, &id);
    let before = sight(&world);
    for step in steps::ALL {
        let call = (step.invoke)(&world.service.env, payload(&id, 1, "ami-00000000"));
        let _ = futures::executor::block_on(call);
        assert_eq!(sight(&world), before, "{}", step.name);
    }
    // Starts the whole execution again.
    let request = world.record(&id).unwrap().request;
    let input = json!({ "save_id": id, "caller": ada, "request": request });
    let again = world.service.executions.start("again", input);
    world.clock.run(again).unwrap();
    to_the_end(&world, &id);
    assert_eq!(sight(&world), before);
}

/// A table in which a save's execution turns out to be superseded at the fourth read.
struct Superseding {
    service: Service,
    table: Arc<dyn Table>,
    id: SaveId,
    looks: AtomicUsize,
}

#[async_trait]
impl Table for Superseding {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let of_save = key.pk.starts_with("SAVE#");
        if of_save && self.looks.fetch_add(1, Ordering::Relaxed) == 3 {
            let executions = &self.service.executions;
            executions
                .stop(self.id.as_str(), "by the test")
                .await
                .unwrap();
            assert_eq!(self.service.sweep().await.unwrap().len(), 1);
        }
        self.table.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        self.table.transact(writes).await
    }
}

/// The epoch is raised while an older execution rolls back: it stops at the next call.
#[test]
fn a_clean_up_that_is_superseded_on_its_way_stops() {
    let (world, id) = under_way(80);
    let left = || {
        let inventory = world.admin.inventory().unwrap();
        let ours = |tags: &Tags| tags.contains_key(SAVE_TAG);
        let images = inventory.images.iter().filter(|(_, it)| ours(&it.tags));
        let snapshots = inventory.snapshots.iter().filter(|(_, it)| ours(&it.tags));
        (images.count(), snapshots.count())
    };
    assert_eq!(left(), (1, 1));
    let table = Superseding {
        service: world.service.clone(),
        table: Arc::clone(&world.table) as Arc<dyn Table>,
        id: id.clone(),
        looks: AtomicUsize::new(0),
    };
    let env = Env {
        registry: Registry::new(Arc::new(table)),
        ..world.service.env.clone()
    };
    let step = steps::find("DiscardImage").unwrap();
    let call = (step.invoke)(&env, payload(&id, 1, "ami-00000000"));
    let problem = futures::executor::block_on(call).unwrap_err();
    assert_eq!(problem.code, Code::Superseded);
    assert_eq!(left(), (0, 1), "the snapshot is left to its successor");
    to_the_end(&world, &id);
}
