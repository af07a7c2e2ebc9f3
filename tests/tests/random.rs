//! Small random scenarios: whatever goes wrong, and whenever, nothing stays down, locked or lost (promises P1, P4, P5).
//! A failure prints the scenario, which replays it.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::time::Duration;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::{SaveRecord, SaveRequest};
use prism_functions::domain::{InstanceId, SaveId};
use prism_local::ec2::Capacity;
use prism_tests::asks::Asks as _;
use prism_tests::clean;
use prism_tests::world::{Setup, World, begun, caller, region, save_request};
use proptest::prelude::*;

/// The length of the interesting part of a save, in seconds.
const SPAN_S: u64 = 260;

#[derive(Debug, Clone)]
struct Scenario {
    seed: u64,
    /// For each instance: whether it runs at first, when it is saved, and to how many Regions.
    instances: Vec<(bool, u64, usize)>,
    /// The time of each action, the index of its instance, and the action.
    acts: Vec<(u64, usize, Act)>,
}

#[derive(Debug, Clone)]
enum Act {
    Abort,
    Cancel,
    HandOver,
    Sweep,
    Start,
    Stop,
    Terminate,
    FailImage,
    FailCopy,
    FailSnapshot,
    Deny(&'static str),
    Allow(&'static str),
    Room(Capacity),
}

/// A fault, and what ends it if it does not end by itself.
fn act() -> impl Strategy<Value = (Act, Option<(u64, Act)>)> {
    let once = prop_oneof![
        3 => Just(Act::Abort),
        1 => Just(Act::Cancel),
        1 => Just(Act::HandOver),
        1 => Just(Act::Sweep),
        1 => Just(Act::Start),
        1 => Just(Act::Stop),
        1 => Just(Act::Terminate),
        1 => Just(Act::FailImage),
        1 => Just(Act::FailCopy),
        1 => Just(Act::FailSnapshot),
    ];
    let actions = [
        "CreateImage",
        "StopInstances",
        "StartInstances",
        "CopyImage",
    ];
    let denied = (prop::sample::select(actions.to_vec()), 1..4000_u64);
    let odd = Capacity::RefusedAs("SomethingNew".to_owned());
    let late = prop_oneof![
        Just(Capacity::Refused),
        Just(Capacity::FailsLate),
        Just(odd)
    ];
    prop_oneof![
        3 => once.prop_map(|act| (act, None)),
        1 => denied.prop_map(|(action, s)| (Act::Deny(action), Some((s, Act::Allow(action))))),
        1 => (late, 1..20_000_u64).prop_map(|(room, s)| {
            (Act::Room(room), Some((s, Act::Room(Capacity::Available))))
        }),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let instance = (prop::bool::weighted(0.8), 0..40_u64, 0..3_usize);
    let instances = prop::collection::vec(instance, 1..=3);
    let acts = prop::collection::vec((0..SPAN_S, 0..3_usize, act()), 0..=5);
    (any::<u64>(), instances, acts).prop_map(|(seed, instances, acts)| {
        let mut all = Vec::new();
        for (at, whom, (act, end)) in acts {
            let whom = whom % instances.len();
            all.push((at, whom, act));
            all.extend(end.map(|(after, act)| (at + after, whom, act)));
        }
        all.sort_by_key(|(at, ..)| *at);
        Scenario {
            seed,
            instances,
            acts: all,
        }
    })
}

/// An instance, and its save once that has begun.
struct Subject {
    name: String,
    id: InstanceId,
    save: Option<SaveId>,
}

fn settled(scenario: &Scenario) -> (World, Vec<Subject>) {
    // EC2 forgets terminated instances after an hour, but the checks at the end need them.
    let days = Duration::from_hours(24 * 30);
    let world = Setup::slow(scenario.seed, |d| d.terminated_visible = days).build();
    let mut subjects = Vec::new();
    for (n, (running, ..)) in scenario.instances.iter().enumerate() {
        let name = format!("work-{n}");
        let id = world.launch("ada", "ubuntu", &name).id;
        if !running {
            world.admin.stop(&id).unwrap();
            world.pass(60);
        }
        subjects.push(Subject {
            name,
            id,
            save: None,
        });
    }
    (world, subjects)
}

fn request(subject: &Subject, copies: usize) -> SaveRequest {
    let regions = ["us-west-2", "eu-west-1"];
    SaveRequest {
        copy_to: regions[..copies]
            .iter()
            .map(|r| r.parse().unwrap())
            .collect(),
        ..save_request(&subject.name, "kept")
    }
}

fn run(scenario: &Scenario) -> (World, Vec<Subject>) {
    let (world, mut subjects) = settled(scenario);
    let last = scenario.acts.last().map_or(0, |(at, ..)| *at);
    let moments: BTreeSet<u64> = (scenario.instances.iter().map(|(_, at, _)| *at))
        .chain(scenario.acts.iter().map(|(at, ..)| *at))
        .chain([last])
        .collect();
    let mut now = 0;
    for moment in moments {
        world.pass(moment - now);
        now = moment;
        for (subject, (_, at, copies)) in subjects.iter_mut().zip(&scenario.instances) {
            if *at == moment {
                subject.save = Some(begun(&world, request(subject, *copies)));
            }
        }
        for (_, whom, act) in scenario.acts.iter().filter(|(at, ..)| *at == moment) {
            perform(&world, &subjects[*whom], act.clone());
        }
    }
    for _ in 0..6 {
        world.clock.run_until_idle().unwrap();
        world.sweep(1);
        world.pass(6 * 3600);
    }
    world.clock.run_until_idle().unwrap();
    (world, subjects)
}

fn perform(world: &World, subject: &Subject, act: Act) {
    let admin = &world.admin;
    let ada = caller("ada");
    match (act, &subject.save) {
        (Act::Start, _) => admin.start(&subject.id).unwrap(),
        (Act::Stop, _) => admin.stop(&subject.id).unwrap(),
        (Act::Terminate, _) => admin.terminate(&subject.id).unwrap(),
        (Act::FailImage, _) => admin.fail_next_image("why").unwrap(),
        (Act::FailCopy, _) => admin.fail_next_copy("why").unwrap(),
        (Act::FailSnapshot, _) => admin.fail_next_snapshot("why").unwrap(),
        (Act::Deny(action), _) => admin.deny(action).unwrap(),
        (Act::Allow(action), _) => admin.allow(action).unwrap(),
        (Act::Room(room), _) => admin.set_capacity(&region(), "*", room).unwrap(),
        (Act::Sweep, _) => drop(world.clock.run(world.service.sweep()).unwrap()),
        (Act::Abort, Some(id)) => {
            let stored = world
                .clock
                .run(world.service.env.registry.save(id))
                .unwrap();
            let execution = stored.map_or(id.to_string(), |stored| stored.value.execution);
            let stop = world
                .service
                .executions
                .stop(&execution, "aborted by the test");
            world.clock.run(stop).unwrap();
        }
        // These are refused after the save has ended, or before its first step.
        (Act::Cancel, Some(id)) => drop(world.clock.run(world.service.cancel_save(&ada, id))),
        (Act::HandOver, Some(id)) => drop(world.clock.run(world.service.hand_over(&ada, id))),
        (Act::Abort | Act::Cancel | Act::HandOver, None) => {}
    }
}

/// Whether the instance was stopped, or a stopped one started, from outside: its state is then not the save's doing.
fn is_theirs(scenario: &Scenario, whom: usize) -> bool {
    let (running, ..) = scenario.instances[whom];
    scenario.acts.iter().any(|(_, other, act)| {
        let changes = if running {
            matches!(act, Act::Stop)
        } else {
            matches!(act, Act::Start)
        };
        changes && *other == whom
    })
}

fn check(scenario: &Scenario) {
    let (world, subjects) = run(scenario);
    let mut versions = BTreeSet::new();
    for (n, subject) in subjects.iter().enumerate() {
        let id = subject.save.as_ref().unwrap();
        let stored = world
            .clock
            .run(world.service.env.registry.save(id))
            .unwrap();
        let Some(record) = stored.map(|stored| stored.value) else {
            continue; // Aborted before its first step: nothing has happened.
        };
        if is_theirs(scenario, n) {
            clean::check_released(&world, &record);
        } else {
            clean::check(&world, &record);
            check_kept(&world, &record, subject);
        }
        if let Some(version) = record.version {
            assert!(versions.insert(version), "two saves are version {version}");
        }
    }
    let count = u32::try_from(versions.len()).unwrap();
    assert_eq!(versions, (1..=count).collect(), "versions have gaps");
}

/// A save of a running instance has left it running, unless it was ended from outside.
fn check_kept(world: &World, record: &SaveRecord, subject: &Subject) {
    let Ok(saved) = record.instance() else { return };
    let state = world.instance(subject.id.as_str()).state;
    if saved.original_state == InstanceState::Running {
        assert!(
            state == InstanceState::Running || state.is_gone(),
            "{state:?}: {record:#?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        // 64, or a quarter of PROPTEST_CASES.
        cases: ProptestConfig::default().cases / 4,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_failure_leaves_anything_behind(scenario in scenario()) {
        check(&scenario);
    }
}
