//! Schedules: created, read, paused and deleted only by their owner, and never partially; each fires once when it is
//! due, as a save of its owner.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod interrupted;

use prism_functions::domain::save::SaveState;
use prism_functions::domain::schedule::{Schedule, ScheduleRequest, ScheduleState};
use prism_functions::domain::{Code, Problem, SaveId, ScheduleName, Timestamp};
use prism_functions::operations::{Fired, Keep, SaveView, ScheduleEdit};
use prism_functions::ports::Executions;
use prism_tests::asks::Asks as _;
use prism_tests::world::{Setup, World, caller, launched, region, save_request};

fn asked(cadence: &str) -> ScheduleRequest {
    ScheduleRequest {
        name: Some(name("nightly")),
        cadence: cadence.parse().unwrap(),
        timezone: "America/New_York".parse().unwrap(),
        jitter_minutes: 0,
        keep: None,
        request: save_request("work", "kept"),
    }
}

fn name(text: &str) -> ScheduleName {
    text.parse().unwrap()
}

fn world() -> World {
    launched(Setup::seeded(11))
}

fn create(world: &World, user: &str, asked: ScheduleRequest) -> Result<Schedule, Problem> {
    let user = caller(user);
    let create = world.service.create_schedule(&user, asked);
    world.clock.run(create)
}

fn delete(world: &World, user: &str) -> Result<(), Problem> {
    let (user, name) = (caller(user), name("nightly"));
    world.clock.run(world.service.delete_schedule(&user, &name))
}

fn fire(world: &World) -> Vec<Fired> {
    world.clock.run(world.service.fire_due_schedules()).unwrap()
}

/// Checks at this interval which schedules are due, as a server does.
fn serve(world: &World, hours: u64) -> Vec<Fired> {
    let mut fired = Vec::new();
    for _ in 0..hours * 12 {
        fired.extend(fire(world));
        world.pass(300);
    }
    fired
}

fn saves(world: &World, user: &str) -> Vec<SaveView> {
    let user = caller(user);
    let listed = world.clock.run(world.service.saves(&user, 100, None));
    listed.unwrap().items
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_schedule_saves_every_night_as_its_owner() {
    let world = world();
    let made = create(&world, "ada", asked("cron(0 3 ? * * *)")).unwrap();
    assert_eq!(made.state, ScheduleState::Active);
    assert!(fire(&world).is_empty());
    let fired = serve(&world, 48);
    // The world begins at nine in the morning of 5 January, in UTC; New York is five hours behind.
    let due: Vec<Timestamp> = fired.iter().map(|it| it.due).collect();
    assert_eq!(
        due,
        [at("2026-01-06T08:00:00Z"), at("2026-01-07T08:00:00Z")]
    );
    world.clock.run_until_idle().unwrap();
    let saves = saves(&world, "ada");
    assert_eq!(saves.len(), 2);
    for (save, fired) in saves.iter().rev().zip(&fired) {
        assert_eq!(save.state, SaveState::Succeeded, "{save:#?}");
        assert_eq!(save.schedule, Some(name("nightly")));
        assert_eq!(save.saved_by.as_str(), "ada");
        assert_eq!(save.execution, fired.execution);
        assert_eq!(
            save.save_id.as_str(),
            format!("save-{}", &fired.execution[..20])
        );
    }
    assert_eq!(saves[0].version, Some(2));
}

#[test]
fn a_rate_first_saves_when_it_has_passed_once() {
    let world = world();
    create(&world, "ada", asked("rate(6 hours)")).unwrap();
    assert!(serve(&world, 5).is_empty());
    assert_eq!(serve(&world, 2).len(), 1);
    assert_eq!(serve(&world, 12).len(), 2);
}

#[test]
fn missed_runs_are_replaced_by_one_save() {
    let world = world();
    create(&world, "ada", asked("rate(1 day)")).unwrap();
    world.pass(10 * 24 * 3600);
    assert_eq!(fire(&world).len(), 1);
    assert!(fire(&world).is_empty());
    world.clock.run_until_idle().unwrap();
    assert_eq!(saves(&world, "ada").len(), 1);
    // The rate keeps its rhythm.
    assert_eq!(serve(&world, 25).len(), 1);
}

#[test]
fn two_servers_fire_once() {
    let world = world();
    create(&world, "ada", asked("rate(1 day)")).unwrap();
    world.pass(25 * 3600);
    let both = futures::future::join(
        world.service.fire_due_schedules(),
        world.service.fire_due_schedules(),
    );
    let (one, other) = world.clock.run(both);
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 1);
    world.clock.run_until_idle().unwrap();
    assert_eq!(saves(&world, "ada").len(), 1);
}

/// A server died between the start of an execution and recording it. The next one starts nothing new.
#[test]
fn a_server_that_died_on_the_way_fires_nothing_twice() {
    let due = || {
        let world = world();
        let made = create(&world, "ada", asked("rate(1 day)")).unwrap();
        world.pass(25 * 3600);
        (world, made)
    };
    let (twin, _) = due();
    let execution = fire(&twin).remove(0).execution;
    let (world, made) = due();
    let started = world.executions.start(&execution, made.input());
    world.clock.run(started).unwrap();
    world.clock.run_until_idle().unwrap();
    assert_eq!(fire(&world).len(), 1);
    assert!(fire(&world).is_empty());
    world.clock.run_until_idle().unwrap();
    assert_eq!(saves(&world, "ada").len(), 1);
}

#[test]
fn the_owners_rights_are_those_of_the_moment_and_a_refused_run_shows() {
    let world = world();
    create(&world, "ada", asked("rate(1 day)")).unwrap();
    let ada = caller("ada");
    let home = region();
    let gone = world.service.terminate_instance(&ada, &home, "work");
    world.clock.run(gone).unwrap();
    world.pass(25 * 3600);
    assert_eq!(fire(&world).len(), 1);
    world.clock.run_until_idle().unwrap();
    let saves = saves(&world, "ada");
    let [refused] = saves.as_slice() else {
        panic!("{saves:#?}")
    };
    assert_eq!(refused.state, SaveState::Failed);
    assert_eq!(refused.schedule, Some(name("nightly")));
    assert_eq!(refused.failure.as_ref().unwrap().code, "InstanceNotFound");
}

#[test]
fn a_schedule_cannot_be_made_of_what_could_never_be_saved() {
    let world = world();
    let refused = |user: &str, asked: ScheduleRequest, code: Code| {
        let problem = create(&world, user, asked).unwrap_err();
        assert_eq!(problem.code, code, "{problem}");
        let listed = world
            .clock
            .run(world.service.schedules(&caller(user), 10, None));
        assert!(listed.unwrap().items.is_empty());
    };
    refused("bob", asked("1d"), Code::InstanceNotFound);
    refused("ada", asked("0 3 30 2 ? *"), Code::InvalidCadence);
    let mut other = asked("1d");
    other.request.template = "python-ml".parse().unwrap();
    refused("ada", other, Code::TemplateNameTaken);
    let mut other = asked("1d");
    other.request.region = "mars-north-1".parse().unwrap();
    refused("ada", other, Code::InvalidRegion);
    let mut other = asked("1d");
    other.request.description = "a\nb".to_owned();
    refused("ada", other, Code::InvalidDescription);
}

#[test]
fn the_same_again_is_the_same_schedule_and_another_of_its_name_is_refused() {
    let world = world();
    let made = create(&world, "ada", asked("1d")).unwrap();
    world.pass(100);
    assert_eq!(create(&world, "ada", asked("24 hours")).unwrap(), made);
    let problem = create(&world, "ada", asked("2d")).unwrap_err();
    assert_eq!(problem.code, Code::ScheduleNameTaken);
    let unnamed = ScheduleRequest {
        name: None,
        ..asked("2d")
    };
    assert_eq!(create(&world, "ada", unnamed).unwrap().name, name("kept"));
    let listed = world
        .clock
        .run(world.service.schedules(&caller("ada"), 1, None))
        .unwrap();
    assert_eq!(listed.items[0].schedule.name, name("kept"));
    let ada = caller("ada");
    let rest = world.service.schedules(&ada, 10, listed.cursor);
    assert_eq!(world.clock.run(rest).unwrap().items[0].schedule, made);
}

#[test]
fn nobody_else_sees_or_deletes_a_schedule() {
    let world = world();
    world.launch("bob", "ubuntu", "work");
    create(&world, "ada", asked("1d")).unwrap();
    let (bob, nightly) = (caller("bob"), name("nightly"));
    let shown = world.clock.run(world.service.schedule(&bob, &nightly));
    assert_eq!(shown.unwrap_err().code, Code::ScheduleNotFound);
    assert_eq!(
        delete(&world, "bob").unwrap_err().code,
        Code::ScheduleNotFound
    );
    // His schedule of the same name is independent.
    let mut his = asked("2d");
    his.request.template = "his".parse().unwrap();
    create(&world, "bob", his).unwrap();
    delete(&world, "bob").unwrap();
    let mine = world
        .clock
        .run(world.service.schedule(&caller("ada"), &nightly));
    assert_eq!(mine.unwrap().schedule.request.template.as_str(), "kept");
}

#[test]
fn a_paused_schedule_holds_still_and_makes_up_for_nothing() {
    let world = world();
    create(&world, "ada", asked("1d")).unwrap();
    let pause = |paused| {
        let (ada, nightly) = (caller("ada"), name("nightly"));
        let done = world.service.pause_schedule(&ada, &nightly, paused);
        world.clock.run(done).unwrap()
    };
    assert!(pause(true).paused);
    world.pass(60 * 3600);
    assert!(fire(&world).is_empty());
    assert!(!pause(false).paused);
    assert!(fire(&world).is_empty());
    assert_eq!(serve(&world, 24).len(), 1);
}

#[test]
fn a_deleted_schedule_does_not_fire_and_can_be_created_again() {
    let world = world();
    create(&world, "ada", asked("1d")).unwrap();
    delete(&world, "ada").unwrap();
    assert_eq!(
        delete(&world, "ada").unwrap_err().code,
        Code::ScheduleNotFound
    );
    world.pass(48 * 3600);
    assert!(fire(&world).is_empty());
    create(&world, "ada", asked("1d")).unwrap();
    assert!(fire(&world).is_empty());
}

#[test]
fn a_changed_schedule_is_due_at_its_new_times_and_misses_none_of_them() {
    let world = world();
    create(&world, "ada", asked("1d")).unwrap();
    world.pass(20 * 3600);
    let (ada, nightly) = (caller("ada"), name("nightly"));
    let edit = |edit: ScheduleEdit| {
        let edited = world.service.edit_schedule(&ada, &nightly, edit);
        world.clock.run(edited)
    };
    let hourly = ScheduleEdit {
        cadence: Some("1h".parse().unwrap()),
        ..ScheduleEdit::default()
    };
    edit(hourly).unwrap();
    let shown = || {
        world
            .clock
            .run(world.service.schedule(&ada, &nightly))
            .unwrap()
    };
    assert_eq!(shown().missed, 0);
    assert!(
        fire(&world).is_empty(),
        "hours that have passed are not repeated"
    );
    assert_eq!(serve(&world, 3).len(), 2);
    // Jitter that is longer than the rate is refused, and nothing has changed.
    let before = shown().schedule;
    let jitter = ScheduleEdit {
        jitter_minutes: Some(60),
        ..ScheduleEdit::default()
    };
    assert_eq!(edit(jitter).unwrap_err().code, Code::InvalidCadence);
    assert_eq!(shown().schedule, before);
    // The number of versions to keep does not affect the times.
    let keep = ScheduleEdit {
        keep: Some(Keep::Newest(2)),
        ..ScheduleEdit::default()
    };
    let after = edit(keep).unwrap();
    assert_eq!((after.keep, after.resumed_at), (Some(2), before.resumed_at));
}

/// Any execution name results in a save ID; EventBridge Scheduler uses a UUID.
#[test]
fn the_id_of_a_scheduled_save_is_made_of_the_executions_name() {
    for (execution, id) in [
        (
            "0d4a5c9e-1f2b-4c3d-8e9f-a0b1c2d3e4f5",
            "save-0d4a5c9e1f2b4c3d8e9f",
        ),
        (
            "0D4A5C9E-1F2B-4C3D-8E9F-A0B1C2D3E4F5",
            "save-0d4a5c9e1f2b4c3d8e9f",
        ),
        ("try-1", "save-100000000"),
        ("xyz", "save-00000000"),
    ] {
        let world = world();
        let input = create(&world, "ada", asked("1d")).unwrap().input();
        world
            .clock
            .run(world.executions.start(execution, input))
            .unwrap();
        world.clock.run_until_idle().unwrap();
        let id: SaveId = id.parse().unwrap();
        let record = world.record(&id).unwrap();
        assert_eq!(record.state, SaveState::Succeeded, "{record:#?}");
        assert_eq!(
            (record.execution.as_str(), record.schedule),
            (execution, Some(name("nightly")))
        );
    }
}
