//! An execution that is aborted at any moment, and somebody who meddles at any moment: the sweep
//! puts everything back (promise P1).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use prism_functions::domain::SaveId;
use prism_functions::domain::save::SaveState;
use prism_tests::clean;
use prism_tests::world::{World, caller, region, save_request};

/// The seconds of a save at which something goes wrong: each of the first, in which most happens,
/// then ever fewer until after the end.
fn moments() -> impl Iterator<Item = u64> {
    (0..50)
        .chain((50..200).step_by(5))
        .chain((200..500).step_by(50))
}

fn started(seed: u64) -> (World, SaveId) {
    let world = World::new(seed);
    world.launch("ada", "ubuntu", "work");
    let mut request = save_request("work", "kept");
    request.copy_to.insert("us-west-2".parse().unwrap());
    let started = world
        .clock
        .run(world.service.start_save(&caller("ada"), request, None))
        .unwrap();
    (world, started.save_id)
}

fn settle(world: &World, id: &SaveId) -> prism_functions::domain::save::SaveRecord {
    for _ in 0..5 {
        world.clock.run_until_idle().unwrap();
        world.clock.run(world.service.sweep()).unwrap();
    }
    world.clock.run_until_idle().unwrap();
    world.pass(120);
    world.record(id).unwrap()
}

#[test]
fn an_abort_at_any_moment_is_recovered() {
    let mut ends = std::collections::BTreeMap::new();
    for moment in moments() {
        let (world, id) = started(moment);
        world.pass(moment);
        world
            .clock
            .run(
                world
                    .service
                    .executions
                    .stop(id.as_str(), "aborted by the test"),
            )
            .unwrap();
        if world
            .clock
            .run(world.service.env.registry.save(&id))
            .unwrap()
            .is_none()
        {
            continue; // Aborted before PlanSave: nothing has happened.
        }
        let record = settle(&world, &id);
        clean::check(&world, &record);
        if record.state == SaveState::Failed {
            assert_eq!(
                record.failure.as_ref().unwrap().code,
                "SaveInterrupted",
                "{record:#?}"
            );
        }
        *ends.entry(record.state.as_str()).or_insert(0) += 1;
    }
    assert!(ends["failed"] > 50 && ends["succeeded"] > 1, "{ends:?}");
}

#[test]
fn a_termination_at_any_moment_is_respected() {
    respects("terminate");
}

#[test]
fn a_start_at_any_moment_is_respected() {
    respects("start");
}

#[test]
fn a_stop_at_any_moment_is_respected() {
    respects("stop");
}

#[test]
fn an_image_that_is_deregistered_at_any_moment_is_respected() {
    respects("deregister");
}

/// Somebody else's act is respected at any moment.
fn respects(act: &str) {
    for moment in moments() {
        let (world, id) = started(moment);
        world.pass(moment);
        let before = world.record(&id).unwrap();
        let instance = before.instance().unwrap().id.clone();
        match act {
            "terminate" => world.admin.terminate(&instance).unwrap(),
            "start" => drop(world.admin.start(&instance)),
            "stop" => drop(world.admin.stop(&instance)),
            _ => {
                if let Some(image) = before.image.clone() {
                    drop(
                        world
                            .clock
                            .run(world.service.env.ec2.deregister_image(&region(), &image)),
                    );
                }
            }
        }
        let record = settle(&world, &id);
        if act == "deregister" && record.version.is_some() {
            continue; // Deregistered after it was registered: the owner's own doing.
        }
        if act == "stop" && before.running_at.is_some() {
            // The instance was back: that it is stopped now is its owner's doing.
            clean::check_released(&world, &record);
        } else {
            clean::check(&world, &record);
        }
    }
}

#[test]
fn a_cancel_at_any_moment_puts_everything_back() {
    let mut ends = std::collections::BTreeMap::new();
    for moment in moments() {
        let (world, id) = started(moment);
        world.pass(moment);
        let cancelled = world
            .clock
            .run(world.service.cancel_save(&caller("ada"), &id));
        let record = settle(&world, &id);
        clean::check(&world, &record);
        assert_eq!(
            cancelled.is_ok(),
            record.state == SaveState::Cancelled,
            "at {moment}: {record:#?}"
        );
        *ends.entry(record.state.as_str()).or_insert(0) += 1;
    }
    assert!(ends["cancelled"] > 50 && ends["succeeded"] > 1, "{ends:?}");
}

#[test]
fn a_hand_over_at_any_moment_still_succeeds() {
    for moment in moments() {
        let (world, id) = started(moment);
        world.pass(moment);
        world
            .clock
            .run(world.service.hand_over(&caller("ada"), &id))
            .unwrap();
        let record = settle(&world, &id);
        clean::check(&world, &record);
        assert_eq!(
            record.state,
            SaveState::Succeeded,
            "at {moment}: {record:#?}"
        );
        let template = world
            .clock
            .run(
                world
                    .service
                    .env
                    .registry
                    .template(&"kept".parse().unwrap()),
            )
            .unwrap();
        assert_eq!(template.unwrap().value.latest, 1);
    }
}
