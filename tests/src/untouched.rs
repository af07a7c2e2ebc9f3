//! Plans a save and asserts that this changed nothing in EC2 and nothing in the table.

use prism_functions::domain::save::{SavePlan, SaveRequest};
use prism_functions::domain::{Code, InstanceId, Problem};
use prism_functions::rules::{PublicScope, Settings};
use prism_functions::steps;
use prism_local::ec2::{Event, InstanceFacts, Inventory};
use serde_json::json;

use crate::asks::Asks as _;
use crate::turns;
use crate::world::{World, caller, save_request};

#[derive(Debug, PartialEq)]
pub struct Sight {
    inventory: Inventory,
    events: Vec<Event>,
    writes: usize,
    notices: usize,
}

pub fn sight(world: &World) -> Sight {
    let notices = world.notices.0.lock();
    Sight {
        inventory: world.admin.inventory().expect("the cloud answers"),
        events: world.cloud.events().expect("the cloud answers"),
        writes: world.table.writes(),
        notices: notices.expect("no test panics while it holds them").len(),
    }
}

/// Plans a save: as a dry run, or, if `real`, with the step that would begin it, which must refuse.
pub fn plan(
    world: &World,
    user: &str,
    request: &SaveRequest,
    real: bool,
) -> Result<SavePlan, Problem> {
    if real {
        turns::forget(world, user);
    }
    let before = sight(world);
    let planned = if real {
        let payload = json!({
            "save_id": "save-0123456789abcdef0123",
            "execution": "save-0123456789abcdef0123",
            "caller": caller(user),
            "request": request,
        });
        let step = steps::find("PlanSave").expect("PlanSave is a step");
        let output = (step.invoke)(&world.service.env, payload);
        world.clock.run(output).map(|output| {
            serde_json::from_value(output["plan"].clone()).expect("the output has the plan")
        })
    } else {
        let caller = caller(user);
        let asked = world.service.plan_save(&caller, request.clone());
        world.clock.run(asked)
    };
    if !real || planned.is_err() {
        assert_eq!(sight(world), before);
    }
    planned
}

pub fn world() -> (World, InstanceId) {
    with(Settings::default())
}

pub fn open_world() -> (World, InstanceId) {
    with(Settings {
        public_scope: PublicScope::World,
        ..Settings::default()
    })
}

fn with(settings: Settings) -> (World, InstanceId) {
    let world = World::with(7, prism_local::ec2::Settings::default(), settings);
    let id = world.launch("ada", "ubuntu", "work").id;
    (world, id)
}

pub fn edited(change: impl FnOnce(&mut InstanceFacts)) -> (World, InstanceId) {
    let (world, id) = world();
    world.admin.edit(&id, change).expect("the instance exists");
    (world, id)
}

pub fn ask() -> SaveRequest {
    save_request("work", "kept")
}

/// Asserts that Ada's request is refused with this code, a message with this name, and a hint, and that nothing
/// changed.
#[track_caller]
pub fn refuses(world: &World, request: &SaveRequest, code: Code, names: &str) -> Problem {
    refuses_to(world, "ada", request, code, names)
}

#[track_caller]
pub fn refuses_to(
    world: &World,
    user: &str,
    request: &SaveRequest,
    code: Code,
    names: &str,
) -> Problem {
    let refused = |real| {
        let problem = plan(world, user, request, real).expect_err("it should be refused");
        assert_eq!(problem.code, code, "{}", problem.chain());
        assert!(problem.message.contains(names), "{}", problem.message);
        assert!(!problem.advice().is_empty(), "{code}");
        problem
    };
    refused(false);
    refused(true)
}

/// Asserts that Ada's request has a plan, and that nothing changed.
#[track_caller]
pub fn plans(world: &World, request: &SaveRequest) -> SavePlan {
    plan(world, "ada", request, false).expect("it should be planned")
}
