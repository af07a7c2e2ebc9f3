//! What happened before a path begins, and what others do during it.

use std::collections::BTreeSet;

use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::schedule::{Cadence, ScheduleRequest, TimeZone};
use prism_functions::domain::tags::OWNER_TAG;
use prism_functions::domain::{How, InstanceId, ProjectName};
use prism_functions::operations::ProjectRequest;
use prism_functions::ports::{Encryption, Reservation};
use prism_local::ec2::{AtReboot, Capacity, InstanceSpec};

use crate::ask;
use crate::asks::Asks as _;
use crate::sums;
use crate::world::{World, caller, region, save_request, share_request};

pub(crate) const PROJECT: &str = "lab";
/// An account that a template is shared with before a path begins.
pub(crate) const ACCOUNT: &str = "account:444455556666";
/// An account that it is shared with during the path.
pub(crate) const ANOTHER: &str = "account:777788889999";
pub(crate) const SCHEDULE: &str = "kept";

pub(crate) const OWNER: &str = "ada";

pub(crate) const REGIONS: [&str; 3] = [crate::world::REGION, "us-west-2", "eu-west-1"];

/// Another user, who owns what the owner of the path does not.
pub(crate) const OTHER: &str = "bob";

pub(crate) fn project() -> ProjectName {
    PROJECT.parse().expect("it is a project's name")
}

pub(crate) fn add_instance(world: &World, name: &str, running: bool) -> InstanceId {
    let mut spec = InstanceSpec::named(name);
    spec.tags.insert(OWNER_TAG.to_owned(), OWNER.to_owned());
    spec.stopped = !running;
    let added = world.admin.add_instance(&region(), &spec);
    added.expect("there is room")
}

pub(crate) fn at_reboot(world: &World, id: &InstanceId, what: AtReboot) {
    let edited = world.admin.edit(id, |facts| facts.at_reboot = what);
    edited.expect("it is there");
}

pub(crate) fn room(world: &World, room: Capacity) {
    let set = world.admin.set_capacity(&region(), "*", room);
    set.expect("it is there");
}

pub(crate) const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

pub(crate) fn under_a_key(world: &World, id: &InstanceId) {
    for attached in world.instance(id.as_str()).volumes {
        let encryption = Encryption::CustomerKey(KEY.to_owned());
        let encrypted = world.admin.set_encryption(&attached.volume, encryption);
        encrypted.expect("the volume is there");
    }
}

pub(crate) fn open(world: &World) {
    for name in REGIONS {
        let region = name.parse().expect("it is a Region");
        let opened = world.admin.block_public_images(&region, false);
        opened.expect("it is there");
    }
}

pub(crate) fn shared(world: &World, _: &InstanceId) {
    saved(world);
    share(world, OWNER, ACCOUNT);
}

pub(crate) fn public(world: &World, _: &InstanceId) {
    open(world);
    saved(world);
    share(world, OWNER, "public");
}

fn share(world: &World, owner: &str, to: &str) {
    let template = "kept".parse().expect("it is a template's name");
    let mut to = share_request(to);
    to.with_snapshots = to.to == ACCOUNT;
    ask!(world, share(&caller(owner), &template, &to)).expect("the template is shared");
}

pub(crate) fn saved(world: &World) {
    let saved = world.save(OWNER, save_request("work", "kept"));
    let record = saved.expect("the save begins");
    assert_eq!(record.version, Some(1), "{:?}", record.failure);
}

pub(crate) fn in_project(world: &World, _: &InstanceId) {
    create_project(world, OWNER);
    budget(world, 1000.0, 80);
}

/// Creates a project with a sufficient budget, for which a single version causes a notification.
pub(crate) fn told_of_costs(world: &World, _: &InstanceId) {
    create_project(world, OWNER);
    budget(world, 10.0, 1);
}

/// Creates a project whose budget is used up.
pub(crate) fn budget_used_up(world: &World, _: &InstanceId) {
    create_project(world, OWNER);
    budget(world, 0.01, 80);
}

fn create_project(world: &World, owner: &str) {
    let request = ProjectRequest {
        name: project(),
        description: String::new(),
    };
    ask!(world, create_project(&caller(owner), request)).expect("the project is new");
}

fn budget(world: &World, limit_usd: f64, alert_percent: u16) {
    let budget = BudgetRequest {
        limit_usd,
        alerts: BTreeSet::from([alert_percent]),
        hard_stop: true,
    };
    let (owner, project) = (caller(OWNER), project());
    ask!(world, set_budget(&owner, &project, budget)).expect("the owner sets the budget");
}

/// Starts a save of another instance that moves the template into a project.
pub(crate) fn moves_to_a_project(world: &World, _: &InstanceId) {
    create_project(world, OWNER);
    budget(world, 1000.0, 80);
    add_instance(world, "other", false);
    // Stopping the instance at this very instant would count as a change from outside during the save.
    world.pass(10);
    let mut request = save_request("other", "kept");
    request.project = Some(project());
    request.move_template = true;
    ask!(world, start_save(&caller(OWNER), request, Some("other"))).expect("the save begins");
}

/// Resets the project to the format before its costs were summed up.
pub(crate) fn without_sums(world: &World) {
    let template = "kept".parse().expect("it is a template's name");
    sums::forget(world, &project(), &template);
}

/// Gives the template another owner, in a project in which the owner of the path is a member.
pub(crate) fn of_another(world: &World, _: &InstanceId) {
    made_by_another(world, ProjectRole::Member);
}

/// The same, and the owner of the path is an admin of the project.
pub(crate) fn managed(world: &World, _: &InstanceId) {
    made_by_another(world, ProjectRole::Admin);
}

fn made_by_another(world: &World, role: ProjectRole) {
    create_project(world, OTHER);
    let mut spec = InstanceSpec::named("theirs");
    spec.tags.insert(OWNER_TAG.to_owned(), OTHER.to_owned());
    let added = world.admin.add_instance(&region(), &spec);
    added.expect("there is room");
    let mut request = save_request("theirs", "kept");
    request.project = Some(project());
    request.move_template = true;
    let record = world.save(OTHER, request).expect("the save begins");
    assert_eq!(record.version, Some(1), "{:?}", record.failure);
    share(world, OTHER, &format!("project:{PROJECT}"));
    let (other, project) = (caller(OTHER), project());
    let owner = caller(OWNER).user;
    ask!(world, add_member(&other, &project, &owner, role)).expect("the project adds a member");
}

/// Removes the owner of the path from the project.
pub(crate) fn removed_from_the_project(world: &World) {
    let (other, project) = (caller(OTHER), project());
    let owner = caller(OWNER).user;
    ask!(world, remove_member(&other, &project, &owner)).expect("the project removes a member");
}

/// Gives the template a version, and adds an instance of another architecture called `arm`.
pub(crate) fn another_architecture(world: &World, _: &InstanceId) {
    saved(world);
    let mut spec = InstanceSpec::named("arm");
    spec.tags.insert(OWNER_TAG.to_owned(), OWNER.to_owned());
    spec.parameter = spec.parameter.replace("amd64", "arm64");
    "t4g.large".clone_into(&mut spec.instance_type);
    let added = world.admin.add_instance(&region(), &spec);
    added.expect("there is room");
}

pub(crate) fn scheduled(world: &World, _: &InstanceId) {
    schedule(world, None, How::Stop);
}

/// The same with a schedule that reboots the instance.
pub(crate) fn scheduled_to_reboot(world: &World, _: &InstanceId) {
    schedule(world, None, How::Reboot);
}

/// The same with a schedule that keeps one version, and has made one before.
pub(crate) fn keeps_one(world: &World, _: &InstanceId) {
    schedule(world, Some(1), How::Stop);
    let (owner, name) = (caller(OWNER), SCHEDULE.parse().expect("a schedule's name"));
    ask!(world, run_schedule(&owner, &name, None)).expect("the schedule is there");
    world.pass(1000);
}

fn schedule(world: &World, keep: Option<u32>, how: How) {
    let request = save_request("work", "kept");
    let request = ScheduleRequest {
        name: Some(SCHEDULE.parse().expect("it is a schedule's name")),
        cadence: Cadence::Rate { minutes: 1440 },
        timezone: TimeZone::default(),
        jitter_minutes: 0,
        keep,
        request: SaveRequest { how, ..request },
    };
    ask!(world, create_schedule(&caller(OWNER), request)).expect("the schedule is new");
}

/// Puts the instance into a fleet that does not replace it, and into a capacity reservation that it must start in.
pub(super) fn tied(world: &World, id: &InstanceId) {
    let open = Reservation {
        active: true,
        ends_at: None,
    };
    world.admin.set_reservation("cr-1", open).expect("there");
    let edited = world.admin.edit(id, |facts| {
        facts.fleet = Some("fleet-1".to_owned());
        facts.ties.reservation = Some("cr-1".to_owned());
    });
    edited.expect("the instance is there");
}
