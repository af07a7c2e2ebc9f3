//! The runs of schedules: their owner sees their results, and also missed ones; they can be started by hand; and none
//! starts for a schedule that is deleted or paused, however late EventBridge is.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::SaveState;
use prism_functions::domain::schedule::{RUNS, Schedule, ScheduleRequest};
use prism_functions::domain::{Code, Problem, ScheduleName};
use prism_functions::operations::{SaveView, ScheduleView, Started};
use prism_functions::ports::Executions as _;
use prism_tests::asks::Asks as _;
use prism_tests::world::{Setup, World, caller, launched, region, save_request};

fn nightly() -> ScheduleName {
    "nightly".parse().unwrap()
}

fn world() -> World {
    launched(Setup::seeded(11))
}

fn create(world: &World, cadence: &str, jitter_minutes: u32) -> Schedule {
    let asked = ScheduleRequest {
        name: Some(nightly()),
        cadence: cadence.parse().unwrap(),
        timezone: "UTC".parse().unwrap(),
        jitter_minutes,
        keep: None,
        request: save_request("work", "kept"),
    };
    let ada = caller("ada");
    let made = world.service.create_schedule(&ada, asked);
    world.clock.run(made).unwrap()
}

fn shown(world: &World) -> ScheduleView {
    let (ada, name) = (caller("ada"), nightly());
    world
        .clock
        .run(world.service.schedule(&ada, &name))
        .unwrap()
}

fn pause(world: &World, paused: bool) {
    let (ada, name) = (caller("ada"), nightly());
    let done = world.service.pause_schedule(&ada, &name, paused);
    world.clock.run(done).unwrap();
}

fn delete(world: &World) {
    let (ada, name) = (caller("ada"), nightly());
    world
        .clock
        .run(world.service.delete_schedule(&ada, &name))
        .unwrap();
}

fn run_now(world: &World, request_id: Option<&str>) -> Result<Started, Problem> {
    let (ada, name) = (caller("ada"), nightly());
    world
        .clock
        .run(world.service.run_schedule(&ada, &name, request_id))
}

fn fire(world: &World) -> usize {
    let fired = world.clock.run(world.service.fire_due_schedules());
    world.clock.run_until_idle().unwrap();
    fired.unwrap().len()
}

/// A run as EventBridge Scheduler starts it: with the input of a schedule, and an execution name of its own.
fn event_bridge(world: &World, schedule: &Schedule, name: &str) -> SaveView {
    let started = world.executions.start(name, schedule.input());
    world.clock.run(started).unwrap();
    world.clock.run_until_idle().unwrap();
    saves(world).remove(0)
}

fn saves(world: &World) -> Vec<SaveView> {
    let ada = caller("ada");
    let listed = world.clock.run(world.service.saves(&ada, 100, None));
    listed.unwrap().items
}

fn state(world: &World) -> InstanceState {
    let ada = caller("ada");
    let home = region();
    let seen = world.service.instance(&ada, &home, "work");
    world.clock.run(seen).unwrap().state
}

#[test]
fn each_run_is_seen_with_its_save_and_its_end() {
    let world = world();
    let made = create(&world, "1d", 0);
    let view = shown(&world);
    assert!(view.runs.is_empty());
    let day = std::time::Duration::from_hours(24);
    assert_eq!(view.next_run, Some(made.created_at + day));
    world.pass(24 * 3600 + 60);
    assert_eq!(fire(&world), 1);
    let view = shown(&world);
    let [run] = view.runs.as_slice() else {
        panic!("{view:#?}")
    };
    let save = &saves(&world)[0];
    assert_eq!(
        (&run.save_id, run.state),
        (&save.save_id, SaveState::Succeeded)
    );
    assert_eq!(
        (run.began_at, run.ended_at),
        (save.started_at, save.ended_at)
    );
    assert_eq!((run.version, &run.failure), (Some(1), &None));
    assert_eq!((run.missed, view.missed), (0, 0));
    // The next run fails, and is the last one in the list.
    let (ada, home) = (caller("ada"), region());
    let gone = world.service.terminate_instance(&ada, &home, "work");
    world.clock.run(gone).unwrap();
    world.pass(24 * 3600);
    assert_eq!(fire(&world), 1);
    let listed = world.clock.run(world.service.schedules(&ada, 10, None));
    let [listed] = listed.unwrap().items.try_into().unwrap();
    assert_eq!(listed.runs.len(), 1);
    assert_eq!(
        listed.runs[0].failure.as_ref().unwrap().code,
        "InstanceNotFound"
    );
    let view = shown(&world);
    assert_eq!(view.runs.len(), 2);
    assert_eq!(view.runs[0], listed.runs[0]);
}

#[test]
fn a_run_is_visible_while_it_is_in_progress() {
    let world = world();
    create(&world, "1d", 0);
    run_now(&world, None).unwrap();
    world.pass(5);
    assert_eq!(shown(&world).runs[0].state, SaveState::Running);
}

#[test]
fn a_missed_run_is_shown_and_kept_with_the_run_that_replaced_it() {
    let world = world();
    create(&world, "1d", 0);
    world.pass(10 * 24 * 3600 + 3600);
    assert_eq!(shown(&world).missed, 10);
    assert_eq!(fire(&world), 1);
    let view = shown(&world);
    assert_eq!((view.missed, view.runs[0].missed), (0, 10));
}

#[test]
fn only_the_last_runs_are_kept() {
    let world = world();
    create(&world, "1d", 0);
    for _ in 0..RUNS + 2 {
        run_now(&world, None).unwrap();
        world.clock.run_until_idle().unwrap();
    }
    let view = shown(&world);
    assert_eq!(view.runs.len(), RUNS);
    assert_eq!(view.runs[0].version, Some(u32::try_from(RUNS).unwrap() + 2));
}

#[test]
fn a_later_schedule_of_the_same_name_has_runs_of_its_own() {
    let world = world();
    create(&world, "1d", 0);
    run_now(&world, None).unwrap();
    // The first save continues while its schedule is replaced.
    world.pass(5);
    delete(&world);
    create(&world, "2d", 0);
    assert!(shown(&world).runs.is_empty());
    world.clock.run_until_idle().unwrap();
    assert_eq!(saves(&world)[0].state, SaveState::Succeeded);
    assert!(shown(&world).runs.is_empty());
}

/// EventBridge Scheduler retries a start for half an hour. If the schedule no longer exists by then, nothing may be
/// changed.
#[test]
fn a_late_run_of_a_schedule_that_is_gone_paused_or_other_by_now_touches_nothing() {
    let refused = |act: &dyn Fn(&World), says: &str| {
        let world = world();
        let made = create(&world, "1d", 0);
        act(&world);
        let cloud = |world: &World| {
            let inventory = world.admin.inventory().unwrap();
            (inventory, world.cloud.events().unwrap())
        };
        let before = cloud(&world);
        let save = event_bridge(&world, &made, "0d4a5c9e-1f2b-4c3d-8e9f-a0b1c2d3e4f5");
        assert_eq!(save.state, SaveState::Failed);
        let failure = save.record.failure.unwrap();
        assert_eq!(failure.code, Code::ScheduleNotFound.as_str());
        assert!(failure.message.contains(says), "{}", failure.message);
        assert_eq!(
            (save.record.stop_requested_at, save.record.plan),
            (None, None)
        );
        assert_eq!(cloud(&world), before);
        assert_eq!(state(&world), InstanceState::Running);
    };
    refused(&|world| delete(world), "no longer exists");
    refused(&|world| pause(world, true), "is paused");
    refused(
        &|world| {
            delete(world);
            let other = ScheduleRequest {
                name: Some(nightly()),
                cadence: "1d".parse().unwrap(),
                timezone: "UTC".parse().unwrap(),
                jitter_minutes: 0,
                keep: None,
                request: save_request("work", "other"),
            };
            let ada = caller("ada");
            world
                .clock
                .run(world.service.create_schedule(&ada, other))
                .unwrap();
        },
        "requests a different save",
    );
    // If the schedule is unchanged it runs, however late.
    let world = world();
    let made = create(&world, "1d", 0);
    pause(&world, true);
    pause(&world, false);
    let save = event_bridge(&world, &made, "0d4a5c9e-1f2b-4c3d-8e9f-a0b1c2d3e4f5");
    assert_eq!(save.state, SaveState::Succeeded);
}

#[test]
fn a_run_by_hand_is_one_save_by_its_owner_alone_and_also_while_paused() {
    let world = world();
    create(&world, "1d", 0);
    pause(&world, true);
    let (bob, name) = (caller("bob"), nightly());
    let foreign = world.service.run_schedule(&bob, &name, None);
    let foreign = world.clock.run(foreign).unwrap_err();
    assert_eq!(foreign.code, Code::ScheduleNotFound);
    let started = run_now(&world, Some("once")).unwrap();
    assert!(!started.repeated);
    world.pass(5);
    let again = run_now(&world, Some("once")).unwrap();
    assert_eq!((again.save_id, again.repeated), (started.save_id, true));
    // Meanwhile another run is refused before it begins.
    let busy = run_now(&world, None).unwrap_err();
    assert_eq!(busy.code, Code::SaveInProgress);
    world.clock.run_until_idle().unwrap();
    let saves = saves(&world);
    let [save] = saves.as_slice() else {
        panic!("{saves:#?}")
    };
    assert_eq!(save.state, SaveState::Succeeded);
    assert_eq!(save.schedule, Some(nightly()));
    assert_eq!(shown(&world).runs[0].save_id, save.save_id);
    assert!(shown(&world).schedule.paused);
}

#[test]
fn jitter_puts_the_run_off_within_its_window() {
    let world = world();
    create(&world, "1d", 60);
    world.pass(24 * 3600 - 1);
    assert_eq!(fire(&world), 0);
    let mut seconds = 0;
    while fire(&world) == 0 {
        world.pass(60);
        seconds += 60;
        assert!(seconds <= 3660, "it has not begun within its window");
    }
    assert!(seconds > 60, "this seed puts it off");
    world.pass(3600);
    assert_eq!(fire(&world), 0, "it runs once");
    assert_eq!(shown(&world).missed, 0);
}
