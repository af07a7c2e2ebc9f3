//! The hard stop of a budget, with concurrent saves and saves under way.

use std::collections::BTreeSet;

use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::save::{SaveRequest, SaveState};
use prism_functions::domain::{Code, Problem, SaveId};
use prism_functions::operations::{LaunchRequest, save_id_of};
use prism_functions::ports::{Index, Query, SortKeys, Table as _};
use prism_functions::rules::Env;
use prism_functions::steps;
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, interleave, yielding};
use prism_tests::story::to_the_end;
use prism_tests::turns;
use prism_tests::world::{
    Setup, World, begun, caller, copy_request, launch_request, launched, save_request,
};
use serde_json::{Value, json};

use crate::{RunIt as _, brain, for_brain, in_two_regions, launch_for_brain, project, saved};

const AT_ONCE: usize = 6;

pub(crate) fn hard_stop(world: &World, limit_usd: f64) {
    let request = BudgetRequest {
        limit_usd,
        alerts: BTreeSet::new(),
        hard_stop: true,
    };
    let (olga, service) = (caller("olga"), &world.service);
    world
        .clock
        .run_it(service.set_budget(&olga, &brain(), request));
}

/// The maximum cost of a save of Ada's in one Region.
fn one(world: &World) -> f64 {
    let (ada, service) = (caller("ada"), &world.service);
    let plan = service.plan_save(&ada, save_request("work", "another"));
    world.clock.run_it(plan).usd_per_month_at_most
}

/// Runs a step as the definition does, which retries conflicts.
async fn step(env: &Env, name: &str, payload: Value) -> Result<Value, Problem> {
    let step = steps::find(name).unwrap();
    for _ in 0..20 {
        match (step.invoke)(env, payload.clone()).await {
            Err(problem) if problem.code == Code::RegistryConflict => {}
            end => return end,
        }
    }
    panic!("{name} never gets through");
}

fn begins(user: &str, number: usize) -> Value {
    let id = format!("once-{number}");
    let save_id: SaveId = save_id_of(&user.parse().unwrap(), &id).unwrap();
    let request = for_brain(save_request(
        &format!("work-{number}"),
        &format!("kept-{number}"),
    ));
    json!({ "save_id": save_id, "execution": save_id, "caller": caller(user), "request": request })
}

pub(crate) fn room_for(saves: f64) -> World {
    let mut setup = Setup::seeded(5);
    setup.cloud.throttles.enabled = false;
    let world = launched(setup);
    project(&world);
    hard_stop(&world, one(&world) * saves);
    world
}

#[test]
fn saves_that_begin_at_once_never_exceed_the_budget_together() {
    for seed in 0..20 {
        let world = room_for(2.5);
        for number in 0..AT_ONCE {
            world.launch("ada", "ubuntu", &format!("work-{number}"));
        }
        // All of them wait for their turns, which have come when they are checked.
        turns::taken_for(&world, 600);
        for number in 0..AT_ONCE {
            let queued = step(&world.service.env, "PlanSave", begins("ada", number));
            assert!(world.clock.run(queued).unwrap()["wait_s"].as_u64() >= Some(600));
        }
        world.pass(1200);
        let env = yielding(&world).env;
        let calls = (0..AT_ONCE).map(|number| -> Doing<'_, _> {
            Box::pin(step(&env, "PlanSave", begins("ada", number)))
        });
        let ends = interleave(calls.collect(), &mut fastrand::Rng::with_seed(seed));
        let begun = ends.iter().filter(|end| end.is_ok()).count();
        assert_eq!(begun, 2, "seed {seed}");
        for end in ends.into_iter().filter_map(Result::err) {
            assert_eq!(end.code, Code::BudgetExceeded, "seed {seed}: {end:?}");
        }
    }
}

#[test]
fn a_save_in_progress_counts_until_it_ends() {
    let world = room_for(1.5);
    let (ada, service) = (caller("ada"), &world.service);
    world.launch("ada", "ubuntu", "play");
    let other = || for_brain(save_request("play", "played"));
    let planned = || world.clock.run(service.plan_save(&ada, other()));
    let first = begun(&world, for_brain(save_request("work", "kept")));
    world.pass(5);
    let refused = planned().unwrap_err();
    assert_eq!(refused.code, Code::BudgetExceeded);
    assert!(refused.message.contains("saves in progress"), "{refused}");
    // A cancelled save releases its budget, and so does one whose execution dies.
    world.clock.run_it(service.cancel_save(&ada, &first));
    to_the_end(&world, &first);
    planned().unwrap();
    let second = begun(&world, for_brain(save_request("work", "kept")));
    world.pass(5);
    assert_eq!(planned().unwrap_err().code, Code::BudgetExceeded);
    let stopped = service.executions.stop(second.as_str(), "aborted");
    world.clock.run(stopped).unwrap();
    world.sweep(12);
    let record = world.record(&second).unwrap();
    assert_eq!(record.state, SaveState::Failed);
    planned().unwrap();
    // A registered save counts once, through its version.
    let third = begun(&world, for_brain(save_request("work", "kept")));
    to_the_end(&world, &third);
    let (costs, more) = (costs(&world), one(&world));
    hard_stop(&world, costs + more * 1.01);
    planned().unwrap();
    hard_stop(&world, costs + more * 0.99);
    let refused = planned().unwrap_err();
    assert_eq!(refused.code, Code::BudgetExceeded);
    assert!(!refused.message.contains("saves in progress"), "{refused}");
    assert_eq!(pledges(&world), 0);
}

fn costs(world: &World) -> f64 {
    let registry = &world.service.env.registry;
    world.clock.run_it(registry.project_usd(&brain()))
}

pub(crate) fn pledges(world: &World) -> usize {
    let query = Query {
        index: Index::Primary,
        pk: "PROJECT#brain".to_owned(),
        sort_keys: SortKeys::BeginsWith("PLEDGE#".to_owned()),
        descending: false,
        limit: 100,
        cursor: None,
    };
    let page = world.clock.run(world.table.query(&query)).unwrap();
    page.items.len()
}

#[test]
fn a_used_up_budget_stops_launches_while_it_is_being_used_up() {
    let world = room_for(1.0);
    launch_for_brain("ada", "ubuntu", &world).unwrap();
    begun(&world, for_brain(save_request("work", "kept")));
    world.pass(5);
    let refused = launch_for_brain("mia", "ubuntu", &world).unwrap_err();
    assert_eq!(refused.code, Code::BudgetExceeded);
}

#[test]
fn copies_and_added_architectures_keep_to_the_budget() {
    let world = room_for(1.5);
    let (ada, service) = (caller("ada"), &world.service);
    saved(&world, for_brain(save_request("work", "kept")));
    let version = costs(&world);
    hard_stop(&world, version * 1.5);
    let request = copy_request("kept", 1, &["us-west-2"]);
    let refused = world.clock.run(service.plan_copy(&ada, &request));
    assert_eq!(refused.unwrap_err().code, Code::BudgetExceeded);
    let refused = world.clock.run(service.start_copy(&ada, &request, None));
    assert_eq!(refused.unwrap_err().code, Code::BudgetExceeded);
    let arm = LaunchRequest {
        architecture: Some(Architecture::Arm64),
        ..launch_request("ubuntu", "arm")
    };
    world.clock.run_it(service.launch(&ada, &arm));
    world.pass(300);
    let added = SaveRequest {
        add_arch: true,
        ..save_request("arm", "kept")
    };
    let refused = world.clock.run(service.plan_save(&ada, added.clone()));
    assert_eq!(refused.unwrap_err().code, Code::BudgetExceeded);
    // With budget for only one of them, the other is refused while that one is under way.
    hard_stop(&world, version * 1.5 + one(&world));
    let planned = || world.clock.run(service.plan_save(&ada, added.clone()));
    planned().unwrap();
    let copy = world.clock.run_it(service.start_copy(&ada, &request, None));
    world.pass(5);
    assert_eq!(planned().unwrap_err().code, Code::BudgetExceeded);
    to_the_end(&world, &copy.save_id);
    assert_eq!(pledges(&world), 0);
}

#[test]
fn a_template_that_moves_brings_its_costs_along() {
    let world = room_for(1.05);
    let ada = caller("ada");
    saved(&world, in_two_regions());
    // There is budget for a new version, but not for the existing one in two Regions.
    let alone = for_brain(save_request("work", "another"));
    let planned = world.service.plan_save(&ada, alone);
    world.clock.run_it(planned);
    let moved = for_brain(save_request("work", "kept"));
    let refused = world
        .clock
        .run(world.service.plan_save(&ada, moved.clone()));
    assert_eq!(refused.unwrap_err().code, Code::BudgetExceeded);
    hard_stop(&world, one(&world) * 1.5);
    saved(&world, moved);
}
