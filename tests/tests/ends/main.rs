//! Instances and projects that end by themselves.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod crashes;
mod instances;
mod launching;
mod projects;
mod rights;
mod saves;

use chrono::TimeDelta;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::end::{End, EndRequest, InstanceEnd};
use prism_functions::domain::{InstanceId, NoticeEvent, Problem, Timestamp};
use prism_functions::operations::parts::{InRegion, InstanceName};
use prism_functions::operations::{
    Asked, Ended, Operation as _, RemoveInstanceEnd, SetInstanceEnd, ShowInstanceEnd,
};
use prism_functions::ports::{Instance, Notice};
use prism_functions::rules::access::Caller;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, World, launch_request, region};

fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

/// An end at that time, at which the instance is stopped.
fn at(at: Timestamp) -> EndRequest {
    EndRequest {
        at: Some(at),
        ..EndRequest::default()
    }
}

fn set(world: &World, by: &Caller, name: &str, request: EndRequest) -> Result<End, Problem> {
    let path = InstanceName(name.to_owned());
    let asked = Asked::<SetInstanceEnd> {
        path,
        query: InRegion { region: region() },
        head: prism_functions::operations::parts::Nothing {},
        body: prism_functions::operations::parts::Json(request),
    };
    let set = world.run(world.service.told(by, asked))?;
    Ok(set.end.unwrap())
}

fn shown(world: &World, by: &Caller, name: &str) -> Result<Option<End>, Problem> {
    let path = InstanceName(name.to_owned());
    let asked = Asked::<ShowInstanceEnd>::by(path, InRegion { region: region() });
    Ok(world.run(world.service.told(by, asked))?.end)
}

fn remove(world: &World, by: &Caller, name: &str) -> Result<(), Problem> {
    let path = InstanceName(name.to_owned());
    let asked = Asked::<RemoveInstanceEnd>::by(path, InRegion { region: region() });
    world
        .run(RemoveInstanceEnd::run(&world.service, by, asked))
        .map(drop)
}

/// What runs every minute.
fn minute(world: &World) -> Vec<Ended> {
    let ended = world.must(world.service.sweep_ends(TimeDelta::seconds(45)));
    world.pass(60);
    ended
}

/// Lets the ends run for some minutes.
fn pass(world: &World, minutes: u32) -> Vec<Ended> {
    (0..minutes).flat_map(|_| minute(world)).collect()
}

/// A world in which Ada has launched an instance with an end.
fn ending(world: &World, request: EndRequest) -> Instance {
    let mut launch = launch_request("ubuntu", "work");
    launch.end = Some(request);
    let (_, view) = world.must(world.service.launch(&ADA, &launch));
    world.pass(60);
    world.instance(&view.id)
}

fn state(world: &World, instance: &Instance) -> InstanceState {
    world.instance(instance.id.as_str()).state
}

/// The end of an instance, as the registry has it.
fn stored(world: &World, id: &InstanceId) -> Option<InstanceEnd> {
    let region = region();
    let stored = world.must(world.service.env.registry.end(&region, id));
    stored.map(|stored| stored.value)
}

fn notices(world: &World, of: NoticeEvent) -> Vec<Notice> {
    let all = world.notices.0.lock().unwrap();
    all.iter().filter(|it| it.event == of).cloned().collect()
}
