//! The same request is the same save, and repeating a step creates nothing twice (promise P4).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::join;
use prism_asl::{Functions, TaskFailure};
use prism_functions::domain::Code;
use prism_functions::domain::save::{RegionCopy, SaveRecord, SaveRequest, SaveState};
use prism_local::ec2::Capacity;
use prism_local::executions::StepFunctions;
use prism_tests::bent::Bent;
use prism_tests::clean;
use prism_tests::untouched::ask;
use prism_tests::world::{Setup, World, begun, caller, launched, region, save_request};
use serde_json::Value;

fn start(
    world: &World,
    request: SaveRequest,
    id: &str,
) -> Result<prism_functions::operations::Started, prism_functions::domain::Problem> {
    let ada = caller("ada");
    let started = world.service.start_save(&ada, request, Some(id));
    world.clock.run(started)
}

/// The number of images ever made, without copies, and the number of versions.
fn made(world: &World) -> (usize, u32) {
    let events = world.cloud.events().unwrap();
    let images = events
        .iter()
        .filter(|event| event.what.starts_with("pending: image of"));
    let name = "kept".parse().unwrap();
    let template = world.clock.run(world.service.env.registry.template(&name));
    let latest = template.unwrap().map_or(0, |stored| stored.value.latest);
    (images.count(), latest)
}

#[test]
fn a_request_whose_execution_never_began_can_be_repeated() {
    let world = launched(Setup::seeded(2));
    let first = start(&world, ask(), "nightly-1").unwrap().save_id;
    // Before any step has run, including PlanSave.
    let stop = world.service.executions.stop(first.as_str(), "aborted");
    assert!(futures::executor::block_on(stop).is_ok());
    world.clock.run_until_idle().unwrap();
    let second = start(&world, ask(), "nightly-1").unwrap();
    assert_eq!((&second.save_id, second.repeated), (&first, false));
    world.clock.run_until_idle().unwrap();
    let record = world.record(&first).unwrap();
    assert_eq!(record.state, SaveState::Succeeded);
    clean::check(&world, &record);
}

#[test]
fn the_same_request_is_the_same_save() {
    let world = launched(Setup::seeded(1));
    let ada = caller("ada");
    let twice = join(
        world.service.start_save(&ada, ask(), Some("nightly-1")),
        world.service.start_save(&ada, ask(), Some("nightly-1")),
    );
    let (first, second) = world.clock.run(twice);
    let first = first.unwrap().save_id;
    assert_eq!(second.unwrap().save_id, first);
    world.pass(30);
    let during = start(&world, ask(), "nightly-1").unwrap();
    assert_eq!((&during.save_id, during.repeated), (&first, true));
    world.clock.run_until_idle().unwrap();
    let after = start(&world, ask(), "nightly-1").unwrap();
    assert_eq!((&after.save_id, after.repeated), (&first, true));
    world.clock.run_until_idle().unwrap();
    assert_eq!(made(&world), (1, 1));
    // Another user's request with this ID is another save, and so is another ID.
    world.launch("bob", "ubuntu", "work");
    let bob = caller("bob");
    let theirs = world
        .service
        .start_save(&bob, save_request("work", "his"), Some("nightly-1"));
    assert_ne!(world.clock.run(theirs).unwrap().save_id, first);
    assert_ne!(start(&world, ask(), "nightly-2").unwrap().save_id, first);
    world.clock.run_until_idle().unwrap();
    assert_eq!(made(&world).1, 2);
}

#[test]
fn a_request_id_is_not_used_for_another_request() {
    let world = launched(Setup::seeded(1));
    let other = || save_request("work", "other");
    let id = start(&world, ask(), "nightly-1").unwrap().save_id;
    // Before the first step, during the save, and after it.
    for seconds in [0, 30, 600] {
        world.pass(seconds);
        let problem = start(&world, other(), "nightly-1").unwrap_err();
        assert_eq!(problem.code, Code::RequestIdReused);
    }
    assert_eq!(world.record(&id).unwrap().state, SaveState::Succeeded);
    assert_eq!(made(&world), (1, 1));
}

#[test]
fn of_two_saves_of_an_instance_one_proceeds() {
    let world = launched(Setup::seeded(1));
    let ids = ["kept", "other"].map(|template| begun(&world, save_request("work", template)));
    world.clock.run_until_idle().unwrap();
    let records = ids.map(|id| world.record(&id).unwrap());
    for record in &records {
        clean::check(&world, record);
    }
    let [first, second] = records;
    assert_eq!(
        (first.state, second.state),
        (SaveState::Succeeded, SaveState::Failed)
    );
    let failure = second.failure.unwrap();
    assert_eq!(failure.code, "SaveInProgress");
    assert!(
        failure.message.contains(first.save_id.as_str()),
        "{}",
        failure.message
    );
    assert!(second.plan.is_none() && second.stop_requested_at.is_none());
    assert_eq!(made(&world).0, 1);
}

#[test]
fn ten_saves_of_a_template_at_once_are_ten_versions() {
    let world = Setup::seeded(1).build();
    let names: Vec<String> = (0..10).map(|n| format!("work-{n}")).collect();
    for name in &names {
        world.launch("ada", "ubuntu", name);
    }
    let begin = |name: &String| begun(&world, save_request(name, "kept"));
    let ids: Vec<_> = names.iter().map(begin).collect();
    world.clock.run_until_idle().unwrap();
    let records: Vec<SaveRecord> = ids.iter().map(|id| world.record(id).unwrap()).collect();
    for record in &records {
        clean::check(&world, record);
    }
    let versions: BTreeSet<u32> = records.iter().filter_map(|record| record.version).collect();
    assert_eq!(versions, (1..=10).collect());
    assert_eq!(made(&world), (10, 10));
    let name = "kept".parse().unwrap();
    let listed = world
        .clock
        .run(world.service.env.registry.versions(&name, 100, None));
    let numbers: Vec<u32> = listed.unwrap().items.iter().map(|v| v.number).collect();
    assert_eq!(numbers, (1..=10).rev().collect::<Vec<_>>());
}

/// Loses the first result of every step after it took effect, so that it is retried.
struct Lost {
    steps: StepFunctions,
    seen: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Functions for Lost {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let new = self
            .seen
            .lock()
            .unwrap()
            .insert(format!("{function} {payload}"));
        let answer = self.steps.invoke(function, payload).await;
        if new {
            Err(TaskFailure::from_handler(
                "Lambda.Unknown",
                "the answer was lost",
            ))
        } else {
            answer
        }
    }
}

type Fault = (&'static str, fn(&World), SaveState);

/// Every save with this setup still makes exactly one image and one version, or none.
fn repeats(setup: fn() -> Setup) {
    let faults: [Fault; 6] = [
        ("none", |_| {}, SaveState::Succeeded),
        (
            "copy",
            |w| w.admin.fail_next_copy("why").unwrap(),
            SaveState::Succeeded,
        ),
        (
            "image",
            |w| w.admin.fail_next_image("why").unwrap(),
            SaveState::Failed,
        ),
        (
            "snapshot",
            |w| w.admin.fail_next_snapshot("why").unwrap(),
            SaveState::Failed,
        ),
        (
            "permission",
            |w| w.admin.deny("CreateImage").unwrap(),
            SaveState::Failed,
        ),
        (
            "room",
            |w| {
                w.admin
                    .set_capacity(&region(), "*", Capacity::Refused)
                    .unwrap();
            },
            SaveState::Succeeded,
        ),
    ];
    for (name, fault, ends) in faults {
        let world = launched(setup());
        let request = SaveRequest {
            copy_to: ["us-west-2", "eu-west-1"]
                .map(|r| r.parse().unwrap())
                .into(),
            ..ask()
        };
        let id = begun(&world, request);
        world.pass(10);
        fault(&world);
        world.pass(1000);
        world.set_capacity(Capacity::Available);
        world.clock.run_until_idle().unwrap();
        let record = world.record(&id).unwrap();
        assert_eq!(record.state, ends, "{name}: {:?}", record.failure);
        clean::check(&world, &record);
        let version = u32::from(ends == SaveState::Succeeded);
        let image = usize::from(name != "permission");
        assert_eq!(made(&world), (image, version), "{name}");
        let events = world.cloud.events().unwrap();
        let copies = events
            .iter()
            .filter(|event| event.what.starts_with("pending: copy of"));
        assert_eq!(copies.count(), 2 * version as usize, "{name}");
        let failed = record
            .copies
            .values()
            .filter(|copy| matches!(copy, RegionCopy::Failed { .. }));
        assert_eq!(failed.count(), usize::from(name == "copy"), "{name}");
        assert_eq!(record.epoch, 1, "{name}: no recovery was needed");
    }
}

#[test]
fn every_answer_of_a_step_can_be_lost_once() {
    repeats(|| Setup {
        wrap: |steps| {
            Arc::new(Lost {
                steps,
                seen: Mutex::default(),
            })
        },
        ..Setup::seeded(1)
    });
}

/// The step itself does not know whether its call had an effect.
#[test]
fn every_answer_of_ec2_can_be_lost_once() {
    repeats(|| Setup {
        bend: |ec2| {
            Arc::new(Bent {
                forgetful: true,
                ..Bent::straight(ec2)
            })
        },
        ..Setup::seeded(1)
    });
}
