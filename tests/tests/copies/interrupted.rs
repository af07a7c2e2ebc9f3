//! Copies that are aborted, cancelled, handed over or requested twice.

use std::collections::BTreeMap;

use prism_functions::domain::Code;
use prism_functions::domain::save::SaveState;
use prism_tests::asks::Asks as _;
use prism_tests::clean;
use prism_tests::story::to_the_end;
use prism_tests::world::{Setup, caller, region};

use super::{FAR, ask, begin, copy, images, saved, version};

/// The seconds of a copy at which something goes wrong, until after its end.
fn moments() -> impl Iterator<Item = u64> {
    (0..40).chain((40..400).step_by(20))
}

#[test]
fn an_aborted_copy_continues_from_any_moment() {
    let mut resumed = 0;
    for moment in moments() {
        let world = saved(Setup::seeded(moment));
        let before = version(&world);
        let id = begin(&world, &caller("ada"), &ask(&[FAR])).unwrap();
        world.pass(moment);
        let stop = world.service.executions.stop(id.as_str(), "by the test");
        world.clock.run(stop).unwrap();
        let registry = &world.service.env.registry;
        if world.clock.run(registry.save(&id)).unwrap().is_none() {
            continue; // Stopped before PlanCopy: nothing has happened.
        }
        let recoveries = world.clock.run(world.service.sweep()).unwrap();
        resumed += recoveries.len();
        assert!(world.clock.run(world.service.sweep()).unwrap().is_empty());
        to_the_end(&world, &id);
        let record = world.record(&id).unwrap();
        assert_eq!(
            record.state,
            SaveState::Succeeded,
            "at {moment}: {record:#?}"
        );
        let made = images(&world, &id, FAR);
        assert_eq!(made.len(), 1, "at {moment}: {made:#?}");
        let after = version(&world);
        assert_eq!(after.amis[&region()], before.amis[&region()]);
        assert_eq!(after.amis.len(), 2);
    }
    assert!(resumed > 30, "{resumed}");
}

/// Executions are stopped again and again. In the end the copy is rolled back.
#[test]
fn a_copy_that_never_gets_through_is_taken_back() {
    let world = saved(Setup::seeded(5));
    let before = version(&world);
    let id = begin(&world, &caller("ada"), &ask(&[FAR])).unwrap();
    for _ in 0..4 {
        world.pass(5);
        let execution = world.record(&id).unwrap().execution;
        let stop = world.service.executions.stop(&execution, "by the test");
        world.clock.run(stop).unwrap();
        world.clock.run(world.service.sweep()).unwrap();
    }
    // By now the sweep pauses for some minutes between attempts.
    world.sweep(2);
    to_the_end(&world, &id);
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Failed, "{record:#?}");
    assert_eq!(record.failure.unwrap().code, "SaveInterrupted");
    assert_eq!(version(&world), before);
    assert_eq!(copy(&world, &ask(&[FAR])).state, SaveState::Succeeded);
}

#[test]
fn a_cancel_at_any_moment_leaves_all_or_nothing() {
    let mut ends = BTreeMap::new();
    for moment in moments() {
        let world = saved(Setup::seeded(moment));
        let before = version(&world);
        let ada = caller("ada");
        let id = begin(&world, &ada, &ask(&[FAR])).unwrap();
        world.pass(moment);
        let cancelled = world.clock.run(world.service.cancel_save(&ada, &id));
        to_the_end(&world, &id);
        let record = world.record(&id).unwrap();
        let after = version(&world);
        if cancelled.is_ok() {
            assert_eq!(
                record.state,
                SaveState::Cancelled,
                "at {moment}: {record:#?}"
            );
            assert_eq!(record.cancelled_by, Some(ada.user.clone()));
            assert_eq!(after, before);
        } else {
            assert_eq!(
                record.state,
                SaveState::Succeeded,
                "at {moment}: {record:#?}"
            );
            assert_eq!(after.amis.len(), 2);
        }
        *ends.entry(record.state.as_str()).or_insert(0) += 1;
    }
    assert!(ends["cancelled"] > 20 && ends["succeeded"] > 1, "{ends:?}");
}

#[test]
fn a_hand_over_at_any_moment_still_succeeds() {
    for moment in moments() {
        let world = saved(Setup::seeded(moment));
        let ada = caller("ada");
        let id = begin(&world, &ada, &ask(&[FAR])).unwrap();
        world.pass(moment);
        world.clock.run(world.service.hand_over(&ada, &id)).unwrap();
        to_the_end(&world, &id);
        let record = world.record(&id).unwrap();
        assert_eq!(
            record.state,
            SaveState::Succeeded,
            "at {moment}: {record:#?}"
        );
        assert_eq!(images(&world, &id, FAR).len(), 1);
    }
}

#[test]
fn the_same_copy_is_made_once() {
    let world = saved(Setup::seeded(3));
    let ada = caller("ada");
    let start = |key| {
        let request = ask(&[FAR]);
        let service = &world.service;
        world
            .clock
            .run(async { service.start_copy(&ada, &request, key).await })
    };
    let first = start(Some("key")).unwrap();
    assert!(!first.repeated);
    let again = start(Some("key")).unwrap();
    assert_eq!(
        (again.save_id, again.repeated),
        (first.save_id.clone(), true)
    );
    world.pass(5);
    let other = start(None).unwrap_err();
    assert_eq!(other.code, Code::CopyInProgress);
    assert!(other.advice().contains(first.save_id.as_str()), "{other:?}");
    to_the_end(&world, &first.save_id);
    assert!(start(Some("key")).unwrap().repeated);
    assert_eq!(start(None).unwrap_err().code, Code::CopyExists);
    let reused = ask(&["us-west-2"]);
    let reused = world.service.start_copy(&ada, &reused, Some("key"));
    assert_eq!(
        world.clock.run(reused).unwrap_err().code,
        Code::RequestIdReused
    );
}

/// Two are requested at the same moment, and the service has accepted both.
#[test]
fn two_at_once_make_one_copy() {
    let world = saved(Setup::seeded(3));
    let ada = caller("ada");
    let (both, one) = (ask(&[FAR, "us-west-2"]), ask(&[FAR]));
    let (first, second) = world.clock.run(futures::future::join(
        world.service.start_copy(&ada, &both, None),
        world.service.start_copy(&ada, &one, None),
    ));
    let (first, second) = (first.unwrap().save_id, second.unwrap().save_id);
    world.clock.run_until_idle().unwrap();
    let registry = &world.service.env.registry;
    let held = world.clock.run(registry.save(&second)).unwrap();
    assert!(held.is_none(), "it was refused before it began");
    let record = world.record(&first).unwrap();
    assert_eq!(record.state, SaveState::Succeeded, "{record:#?}");
    clean::check(&world, &record);
    assert_eq!(version(&world).amis.len(), 3);
}
