//! An execution that is aborted at any moment, or an instance that is changed from outside at any moment: the sweep
//! restores everything (promise P1).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::SaveState;
use prism_functions::domain::{Code, SaveId};
use prism_local::ec2::Capacity;
use prism_tests::asks::Asks as _;
use prism_tests::clean;
use prism_tests::world::{Setup, World, begun, caller, id_of, launched, region, save_request};

/// The seconds of a save at which something goes wrong: each of the first, in which most happens, then ever fewer until
/// after the end.
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
            continue; // The owner deregistered it after it was registered.
        }
        if act == "stop" && before.running_at.is_some() {
            // The instance was back. It is stopped now because its owner stopped it.
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

/// A save that was interrupted so often, right after its stop, that the sweep pauses its attempts.
fn given_a_rest() -> (World, SaveId) {
    let mut setup = Setup::seeded(11);
    setup.events = false;
    let world = launched(setup);
    let id = begun(&world, save_request("work", "kept"));
    world.pass(15);
    let room = |capacity| world.admin.set_capacity(&region(), "*", capacity).unwrap();
    room(Capacity::Refused);
    world.pass(60);
    loop {
        let record = world.record(&id).unwrap();
        let stop = world
            .service
            .executions
            .stop(&record.execution, "by the test");
        world.clock.run(stop).unwrap();
        let swept = world.clock.run(world.service.sweep()).unwrap();
        if swept.is_empty() {
            break;
        }
    }
    room(Capacity::Available);
    let record = world.record(&id).unwrap();
    assert!(record.epoch >= 4, "{record:#?}");
    assert_eq!(
        world.instance(id_of(&world).as_str()).state,
        InstanceState::Stopped
    );
    (world, id)
}

fn recovers(world: &World, id: &SaveId) {
    world.pass(240);
    let record = world.record(id).unwrap();
    assert!(record.state.is_final(), "{record:#?}");
    assert_eq!(
        world.instance(id_of(world).as_str()).state,
        InstanceState::Running
    );
}

#[test]
fn a_person_has_a_save_recovered_at_once() {
    let (world, id) = given_a_rest();
    let nobody = caller("mallory");
    let refused = world.clock.run(world.service.recover_save(&nobody, &id));
    assert_eq!(refused.unwrap_err().code, Code::SaveNotFound);
    let before = world.record(&id).unwrap();
    let ada = caller("ada");
    let after = world
        .clock
        .run(world.service.recover_save(&ada, &id))
        .unwrap();
    assert_eq!(after.epoch, before.epoch + 1);
    // Once an execution works on it, the same request changes nothing.
    let again = world
        .clock
        .run(world.service.recover_save(&ada, &id))
        .unwrap();
    assert_eq!(again.epoch, after.epoch);
    recovers(&world, &id);
    let ended = world.clock.run(world.service.recover_save(&ada, &id));
    assert_eq!(ended.unwrap_err().code, Code::SaveEnded);
}

#[test]
fn a_start_has_the_save_of_its_instance_recovered() {
    let (world, id) = given_a_rest();
    let (ada, here) = (caller("ada"), region());
    let start = world.service.start_instance(&ada, &here, "work");
    world.clock.run(start).unwrap();
    recovers(&world, &id);
}

/// While the save retries every five minutes because there is no capacity, its owner may retry in between, as the guide
/// says.
#[test]
fn a_start_asks_at_once_what_a_save_asks_again_later() {
    let world = launched(Setup::seeded(11));
    let id = begun(&world, save_request("work", "kept"));
    world.pass(15);
    let ada = caller("ada");
    let start = || {
        let here = region();
        let start = world.service.start_instance(&ada, &here, "work");
        world.clock.run(start)
    };
    assert_eq!(start().unwrap_err().code, Code::InstanceBusy);
    let room = |capacity| world.admin.set_capacity(&region(), "*", capacity).unwrap();
    room(Capacity::Refused);
    world.pass(3600);
    assert_eq!(start().unwrap_err().code, Code::NoCapacity);
    room(Capacity::Available);
    start().unwrap();
    world.pass(20);
    assert_eq!(
        world.instance(id_of(&world).as_str()).state,
        InstanceState::Running
    );
    world.pass(900);
    assert_eq!(world.record(&id).unwrap().state, SaveState::Succeeded);
}

#[test]
fn a_cancel_postpones_no_recovery() {
    let (world, id) = given_a_rest();
    world.pass(240);
    let ada = caller("ada");
    let cancelled = world.service.cancel_save(&ada, &id);
    world.clock.run(cancelled).unwrap();
    // Five minutes after the last execution began, regardless of requests since.
    world.pass(61);
    assert_eq!(world.clock.run(world.service.sweep()).unwrap().len(), 1);
    recovers(&world, &id);
}
