//! Teamwork: shares open AMIs in every Region and close them again, project budgets, and who is recorded as having made
//! a change.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

mod audit;
mod budgets;
mod class;
mod doctor;
mod imports;
mod lending;
mod links;
mod managers;
mod members;
mod moves;
mod projects;
mod rights;
mod roster;
mod sharing;
mod snapshots;
mod strangers;
mod sums;
mod wrong_sums;

use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::template::Visibility;
use prism_functions::domain::{Problem, Region, UserId};
use prism_functions::operations::{LaunchRequest, Shared};
use prism_functions::ports::Ec2 as _;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
pub(crate) use prism_tests::world::share_request as to;
use prism_tests::world::{
    ADA, OLGA, World, brain, caller, copied, kept, launch_request, project_request, save_request,
};

pub(crate) const ACCOUNT: &str = "account:444455556666";
pub(crate) const ORGANIZATION: &str =
    "arn:aws:organizations::123456789012:organization/o-a1b2c3d4e5";

/// A save of Ada's with a copy in a second Region.
pub(crate) fn in_two_regions() -> SaveRequest {
    copied(save_request("work", "kept"), &["us-west-2"])
}

pub(crate) fn share(world: &World, user: &str, whom: &str) -> Result<Shared, Problem> {
    ask!(world, share(&caller(user), &kept(), &to(whom)))
}

pub(crate) fn unshare(world: &World, whom: &str) -> Result<Visibility, Problem> {
    let (by, kept, request) = (ADA.clone(), kept(), to(whom));
    ask!(world, unshare(&by, &kept, &request))?;
    let stored = world.run(world.service.env.registry.template(&kept))?;
    Ok(stored.unwrap().value.visibility)
}

/// The accounts that a version's AMI is open to, in both Regions.
pub(crate) fn open_to(world: &World, number: u32) -> Vec<Vec<LaunchPermission>> {
    let version = world.version("kept", number);
    let open = |(region, amis): (&Region, &std::collections::BTreeMap<_, _>)| {
        let image = amis.values().next().unwrap();
        world
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
    ask!(world, plan_launch(&by, &request)).map(drop)
}

pub(crate) fn project(world: &World) {
    ask!(world, create_project(&OLGA, project_request("brain"))).unwrap();
    let brain = brain();
    for (user, role) in [
        ("ada", ProjectRole::Member),
        ("mia", ProjectRole::Member),
        ("vic", ProjectRole::Viewer),
    ] {
        let user: UserId = user.parse().unwrap();
        world.must(world.service.add_member(&OLGA, &brain, &user, role));
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
    ask!(world, launch(&caller(user), &request)).map(drop)
}
