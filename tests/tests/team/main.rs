//! Teamwork: shares open AMIs in every Region and close them again, project budgets, and who is recorded as having made
//! a change.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod audit;
mod budgets;
mod doctor;
mod imports;
mod lending;
mod members;
mod moves;
mod projects;
mod rights;
mod sharing;
mod strangers;
mod sums;
mod wrong_sums;

use std::collections::BTreeSet;

use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::template::Visibility;
use prism_functions::domain::{Problem, ProjectName, Region, TemplateName, UserId};
use prism_functions::operations::{LaunchRequest, ProjectRequest, Shared};
use prism_functions::ports::Ec2 as _;
use prism_tests::asks::Asks as _;
pub(crate) use prism_tests::world::share_request as to;
use prism_tests::world::{World, caller, launch_request, save_request};

pub(crate) const ACCOUNT: &str = "account:444455556666";
pub(crate) const ORGANIZATION: &str =
    "arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5";

pub(crate) fn kept() -> TemplateName {
    "kept".parse().unwrap()
}

pub(crate) fn west() -> Region {
    "us-west-2".parse().unwrap()
}

pub(crate) fn brain() -> ProjectName {
    "brain".parse().unwrap()
}

/// A save of Ada's with a copy in a second Region.
pub(crate) fn in_two_regions() -> SaveRequest {
    SaveRequest {
        copy_to: BTreeSet::from([west()]),
        ..save_request("work", "kept")
    }
}

pub(crate) fn saved(world: &World, request: SaveRequest) -> u32 {
    let record = world.save("ada", request).unwrap();
    record
        .version
        .unwrap_or_else(|| panic!("{:?}", record.failure))
}

pub(crate) fn share(world: &World, user: &str, whom: &str) -> Result<Shared, Problem> {
    let (by, kept, request) = (caller(user), kept(), to(whom));
    let shared = world.service.share(&by, &kept, &request);
    world.clock.run(shared)
}

pub(crate) fn unshare(world: &World, whom: &str) -> Result<Visibility, Problem> {
    let (by, kept, request) = (caller("ada"), kept(), to(whom));
    world
        .clock
        .run(world.service.unshare(&by, &kept, &request))?;
    let stored = world
        .clock
        .run(world.service.env.registry.template(&kept))?;
    Ok(stored.unwrap().value.visibility)
}

/// The accounts that a version's AMI is open to, in both Regions.
pub(crate) fn open_to(world: &World, number: u32) -> Vec<Vec<LaunchPermission>> {
    let registry = &world.service.env.registry;
    let version = world
        .clock
        .run(registry.version(&kept(), number))
        .unwrap()
        .unwrap();
    let open = |(region, amis): (&Region, &std::collections::BTreeMap<_, _>)| {
        let image = amis.values().next().unwrap();
        world
            .clock
            .run(world.ec2.launch_permissions(region, image))
            .unwrap()
    };
    version.amis.iter().map(open).collect()
}

pub(crate) fn account(digits: &str) -> LaunchPermission {
    LaunchPermission::Account(digits.parse().unwrap())
}

pub(crate) fn launch(user: &str, template: &str, world: &World) -> Result<(), Problem> {
    let by = caller(user);
    let request = launch_request(template, &format!("{user}-box"));
    let planned = world.service.plan_launch(&by, &request);
    world.clock.run(planned).map(drop)
}

pub(crate) fn project(world: &World) {
    let request = ProjectRequest {
        name: brain(),
        description: String::new(),
    };
    world
        .clock
        .run(world.service.create_project(&caller("olga"), request))
        .unwrap();
    let (olga, brain) = (caller("olga"), brain());
    for (user, role) in [
        ("ada", ProjectRole::Member),
        ("mia", ProjectRole::Member),
        ("vic", ProjectRole::Viewer),
    ] {
        let user: UserId = user.parse().unwrap();
        let added = world.service.add_member(&olga, &brain, &user, role);
        world.clock.run_it(added);
    }
}

/// Runs what must succeed.
pub(crate) trait RunIt {
    fn run_it<T>(&self, call: impl Future<Output = Result<T, Problem>>) -> T;
}

impl RunIt for prism_asl::VirtualClock {
    #[track_caller]
    fn run_it<T>(&self, call: impl Future<Output = Result<T, Problem>>) -> T {
        self.run(call)
            .unwrap_or_else(|problem| panic!("{}: {}", problem.code, problem.chain()))
    }
}

pub(crate) fn for_brain(request: SaveRequest) -> SaveRequest {
    SaveRequest {
        project: Some(brain()),
        // In case it is in no project yet.
        move_template: true,
        ..request
    }
}

pub(crate) fn launch_for_brain(user: &str, template: &str, world: &World) -> Result<(), Problem> {
    let request = LaunchRequest {
        project: Some(brain()),
        ..launch_request(template, &format!("{user}-box"))
    };
    let (by, service) = (caller(user), &world.service);
    world.clock.run(service.launch(&by, &request)).map(drop)
}
