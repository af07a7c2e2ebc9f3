//! Saves begin in turns: a save that waits for its turn has a record that says so, can be watched and cancelled, and
//! has changed nothing.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::cell::Cell;

use chrono::TimeDelta;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::{SaveRecord, SaveState, seconds_between};
use prism_functions::domain::tags::OWNER_TAG;
use prism_functions::domain::{Code, SaveId};
use prism_functions::operations::parts::{Either, Nothing};
use prism_functions::operations::{Asked, BeginSave, Operation as _};
use prism_functions::ports::Ec2Error;
use prism_functions::rules::Settings;
use prism_local::ec2::InstanceSpec;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    ADA, Setup, World, begun, id_of, launched, region, save_request, schedule_request,
};
use prism_tests::{clean, turns};

fn world(instances: u32) -> World {
    let world = Setup::seeded(3).build();
    for number in 0..instances {
        let mut spec = InstanceSpec::named(&format!("work-{number}"));
        spec.tags.insert(OWNER_TAG.to_owned(), "ada".to_owned());
        world.admin.add_instance(&region(), &spec).unwrap();
    }
    world
}

fn save(world: &World, number: u32) -> SaveId {
    let request = save_request(&format!("work-{number}"), &format!("kept-{number}"));
    begun(world, request)
}

fn record(world: &World, id: &SaveId) -> SaveRecord {
    world.pass(0);
    world.record(id).unwrap()
}

/// When the instance was about to be stopped, in seconds after the save was requested.
fn began_s(record: &SaveRecord) -> f64 {
    seconds_between(record.started_at, record.stop_requested_at.unwrap())
}

#[test]
fn a_user_with_many_saves_waits_for_a_few_and_the_others_follow() {
    let world = world(10);
    let ids: Vec<SaveId> = (0..10).map(|number| save(&world, number)).collect();
    let listed = ask!(world, saves(&ADA, 100, None));
    assert_eq!(listed.unwrap().items.len(), 10, "each has a record at once");
    for (number, id) in ids.iter().enumerate().skip(3) {
        let record = record(&world, id);
        let turn = record.awaited_turn().unwrap();
        // The three before it have delayed the turns by one each.
        let after = turn.at - record.started_at;
        let turns = i64::try_from(number).unwrap();
        assert_eq!(after, TimeDelta::milliseconds(2158 * turns));
        assert_eq!((turn.taken, record.step.as_str()), (1, "WaitForTurn"));
        assert!(record.plan.is_none());
    }
    world.clock.run_until_idle().unwrap();
    for (number, id) in ids.iter().enumerate() {
        let record = world.record(id).unwrap();
        let turns = if number < 3 { 0 } else { number };
        let late_s = began_s(&record) - 2.158 * f64::from(u32::try_from(turns).unwrap());
        assert!((-0.01..0.1).contains(&late_s), "{record:#?}");
        assert_eq!(record.planned_at.is_some(), number >= 3);
        clean::check(&world, &record);
    }
}

#[test]
fn saves_that_a_user_waits_for_go_first() {
    let world = world(9);
    let mut spec = InstanceSpec::named("hers");
    spec.tags.insert(OWNER_TAG.to_owned(), "grace".to_owned());
    world.admin.add_instance(&region(), &spec).unwrap();
    (0..9).for_each(|number| drop(save(&world, number)));
    world.pass(1);
    let hers = world.save("grace", save_request("hers", "kept")).unwrap();
    assert!(hers.turn.is_none() && began_s(&hers) < 1.0, "{hers:#?}");
}

fn waiting(seconds: i64) -> (World, SaveId) {
    let world = launched(Setup::seeded(5));
    turns::taken_for(&world, seconds);
    let id = begun(&world, save_request("work", "kept"));
    world.pass(1);
    assert!(record(&world, &id).awaited_turn().is_some());
    (world, id)
}

#[test]
fn a_save_that_waits_for_its_turn_is_cancelled_at_once() {
    let (world, id) = waiting(3600);
    let cancelled = ask!(world, cancel_save(&ADA, &id)).unwrap();
    assert_eq!(cancelled.state, SaveState::Cancelled);
    assert_eq!(cancelled.ended_at, Some(world.now()));
    let again = ask!(world, cancel_save(&ADA, &id));
    assert_eq!(again.unwrap_err().code, Code::SaveEnded);
    world.clock.run_until_idle().unwrap();
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Cancelled);
    let history = world.cloud.history_of(&id_of(&world)).unwrap();
    assert!(
        history
            .iter()
            .all(|(_, state)| *state != InstanceState::Stopping)
    );
    clean::check(&world, &record);
    // Meanwhile the instance is not locked.
    world.save("ada", save_request("work", "other")).unwrap();
}

#[test]
fn a_queue_that_is_too_long_refuses_before_anything_is_touched() {
    check_longest(Setup::seeded(5), 6 * 3600, "6 hours");
}

#[test]
fn the_deployment_sets_how_long_the_queue_may_be() {
    let mut setup = Setup::seeded(5);
    setup.settings.queue_hours = "1".parse().unwrap();
    check_longest(setup, 3600, "1 hour ");
}

/// Checks that a save waits for this long, and that the next one is refused with these words.
#[track_caller]
fn check_longest(setup: Setup, seconds: i64, words: &str) {
    let world = launched(setup);
    turns::taken_for(&world, seconds);
    let last = begun(&world, save_request("work", "kept"));
    let beyond = begun(&world, save_request("work", "more"));
    world.pass(1);
    assert!(record(&world, &last).awaited_turn().is_some());
    let refused = record(&world, &beyond);
    assert_eq!(refused.state, SaveState::Failed);
    assert!(refused.plan.is_none(), "{refused:#?}");
    let failure = refused.failure.unwrap();
    assert_eq!(failure.code, "QueueFull");
    assert!(failure.message.contains(words) && failure.hint.contains("Ec2SharePercent"));
    world.clock.run_until_idle().unwrap();
    assert_eq!(world.record(&last).unwrap().state, SaveState::Succeeded);
}

#[test]
fn a_save_in_its_turn_yields_to_restarts() {
    let (world, id) = waiting(60);
    world.pass(57);
    turns::restarting_for(&world, 5);
    world.clock.run_until_idle().unwrap();
    let record = world.record(&id).unwrap();
    let began = began_s(&record);
    assert!((62.5..64.0).contains(&began), "{record:#?}");
    // It counts its own restart.
    let next = turns::next(&world, "STARTS").unwrap();
    let restarted = record.start_requested_at.unwrap();
    assert_eq!(next - restarted, TimeDelta::seconds(1));
}

thread_local! {
    /// Whether other users exhaust EC2's throttle of DescribeInstances.
    static STARVED: Cell<bool> = const { Cell::new(false) };
}

fn starved() -> World {
    let world = launched(Setup::seeded(5).bent(|ec2| {
        ec2.refuses = |action| {
            let throttled = action == "DescribeInstances" && STARVED.get();
            throttled.then(|| Ec2Error::new(action, "RequestLimitExceeded", "by the test"))
        };
    }));
    STARVED.set(true);
    world
}

#[test]
fn a_save_that_is_throttled_in_its_turn_takes_another() {
    let world = starved();
    let id = begun(&world, save_request("work", "kept"));
    world.pass(600);
    let record = record(&world, &id);
    let turn = record.awaited_turn().expect("it still waits");
    assert!((4..20).contains(&turn.taken), "{turn:?}");
    STARVED.set(false);
    world.clock.run_until_idle().unwrap();
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Succeeded);
    assert!(began_s(&record) < 600.0 + 300.0, "{record:#?}");
    clean::check(&world, &record);
}

#[test]
fn a_save_that_is_throttled_when_it_is_requested_is_checked_in_its_turn() {
    let world = starved();
    let request = save_request("work", "kept");
    let planned = ask!(world, plan_save(&ADA, request.clone()));
    assert_eq!(planned.unwrap_err().code, Code::Throttled);
    let asked = || Asked::<BeginSave>::with(Nothing {}, request.clone());
    let begun = BeginSave::run(&world.service, &ADA, asked());
    let Either::Other(started) = world.must(begun) else {
        panic!("it was only planned");
    };
    let id = started.value.save_id;
    world.pass(60);
    assert!(record(&world, &id).awaited_turn().is_some());
    STARVED.set(false);
    world.clock.run_until_idle().unwrap();
    let record = world.record(&id).unwrap();
    assert_eq!(record.state, SaveState::Succeeded);
    clean::check(&world, &record);
}

#[test]
fn a_run_of_a_schedule_that_is_throttled_when_it_is_requested_is_checked_in_its_turn() {
    let world = starved();
    STARVED.set(false);
    let daily = schedule_request("daily", save_request("work", "kept"));
    ask!(world, create_schedule(&ADA, daily)).unwrap();
    STARVED.set(true);
    let name = "daily".parse().unwrap();
    let id = ask!(world, run_schedule(&ADA, &name, None))
        .unwrap()
        .save_id;
    world.pass(60);
    STARVED.set(false);
    world.pass(3600);
    assert_eq!(world.record(&id).unwrap().state, SaveState::Succeeded);
}

#[test]
fn a_save_that_is_throttled_for_hours_ends_untouched() {
    let world = starved();
    let id = begun(&world, save_request("work", "kept"));
    world.clock.run_until_idle().unwrap();
    let record = world.record(&id).unwrap();
    assert_eq!(record.failure.as_ref().unwrap().code, "QueueFull");
    let waited = seconds_between(record.started_at, record.ended_at.unwrap());
    assert!((5.5..6.1).contains(&(waited / 3600.0)), "{waited}");
    assert!(record.plan.is_none());
    STARVED.set(false);
    clean::check(&world, &record);
}

#[test]
fn a_save_whose_execution_ends_before_its_turn_is_reported_after_it() {
    let (world, id) = waiting(900);
    let stop = world.service.executions.stop(id.as_str(), "by the test");
    world.run(stop).unwrap();
    world.sweep(2);
    assert!(
        record(&world, &id).awaited_turn().is_some(),
        "nobody asks about it"
    );
    world.sweep(3);
    let record = world.record(&id).unwrap();
    assert_eq!(record.failure.as_ref().unwrap().code, "SaveInterrupted");
    clean::check(&world, &record);
}

#[test]
fn a_queue_of_a_clock_that_was_wrong_keeps_nobody_waiting() {
    let world = launched(Setup::seeded(5));
    turns::taken_for(&world, 365 * 24 * 3600);
    let id = begun(&world, save_request("work", "kept"));
    world.pass(3);
    assert!(record(&world, &id).stop_requested_at.is_some());
    // A turn within the limits may be another save's.
    let (world, id) = waiting(4 * 3600);
    world.pass(4 * 3600 - 10);
    assert!(record(&world, &id).awaited_turn().is_some());
}

#[test]
fn the_full_share_begins_twice_as_many() {
    let settings = Settings {
        ec2_share: "100".parse().unwrap(),
        ..Settings::default()
    };
    let mut setup = Setup::seeded(3);
    setup.settings = settings;
    let world = launched(setup);
    turns::taken_for(&world, 10);
    let turn = |template: &str| {
        let id = begun(&world, save_request("work", template));
        record(&world, &id).awaited_turn().unwrap().at
    };
    let (first, second, third) = (turn("one"), turn("two"), turn("three"));
    assert_eq!(second - first, TimeDelta::milliseconds(1079));
    assert_eq!(third - second, TimeDelta::milliseconds(1079));
}

#[test]
fn a_save_that_is_asked_for_again_takes_no_second_turn() {
    let (world, id) = waiting(60);
    let turn = record(&world, &id).turn;
    let before = turns::next(&world, "SAVES");
    let payload = serde_json::json!({
        "save_id": id, "execution": id, "caller": ADA.clone(), "request": save_request("work", "kept"),
    });
    let step = prism_functions::steps::find("PlanSave").unwrap();
    let again = world
        .run((step.invoke)(&world.service.env, payload))
        .unwrap();
    assert!(
        (55..=60).contains(&again["wait_s"].as_i64().unwrap()),
        "{again}"
    );
    assert_eq!(record(&world, &id).turn, turn);
    assert_eq!(before, turns::next(&world, "SAVES"));
}
