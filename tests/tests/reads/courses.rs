//! The operations for courses: many members, groups, join links, and instances of members.

use chrono::TimeDelta;
use prism_functions::domain::project::ProjectRole;
use prism_functions::operations::parts::{DryRun, InstanceName, Nothing, Paging};
use prism_functions::operations::{
    AddMembers, Asked, ChangeGroup, ClassLaunchRequest, CreateLink, GroupEdit, JoinProject,
    JoinRequest, LaunchRequest, LinkRequest, ListGroups, ListLinks, MembersRequest, NewMember,
    Operation as _, PlanClassLaunch, RevokeLink, StopProjectInstance, WhoseInstance,
};
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, caller, launch_request, region, share_request};

use super::Most::Few;
use super::{Limits, MANY, brain, deep, user};

pub(super) fn of_courses(limits: &mut Limits<'_>) {
    of_members(limits);
    of_links(limits);
    of_instances(limits);
}

fn of_members(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    let member = |number: usize, role: Option<ProjectRole>| NewMember {
        user: user(number),
        role,
        group: Some("lab1".parse().unwrap()),
    };
    let mut members: Vec<NewMember> = (0..MANY).map(|number| member(number, None)).collect();
    members.push(member(MANY + 1, None));
    members.push(member(MANY + 2, Some(ProjectRole::Admin)));
    let asked = Asked::<AddMembers>::with(brain(), MembersRequest { members });
    let planned = AddMembers::run(service, &ADA, asked.clone().query(DryRun { dry_run: true }));
    // All members are read.
    limits.reads("many members, planned", Few(8 + MANY), planned);
    // And the records of each, when they are written.
    limits.reads(
        "many members",
        Few(12 + 3 * (MANY + 4)),
        AddMembers::run(service, &ADA, asked),
    );
    let page = Asked::<ListGroups>::by(brain(), Paging::default());
    limits.reads(
        "groups",
        Few(6 + MANY),
        ListGroups::run(service, &ADA, page),
    );
    let edit = GroupEdit {
        remove: [user(0)].into(),
        ..GroupEdit::default()
    };
    let asked = Asked::<ChangeGroup>::with((brain(), "lab1".parse().unwrap()), edit);
    limits.reads(
        "group",
        Few(10 + MANY),
        ChangeGroup::run(service, &ADA, asked),
    );
}

fn of_links(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    let request = LinkRequest {
        uses: 2,
        until: limits.world.now() + TimeDelta::days(1),
        role: None,
        group: None,
    };
    let asked = Asked::<CreateLink>::with(brain(), request);
    let made = limits
        .reads("join link", Few(5), CreateLink::run(service, &ADA, asked))
        .value;
    let asked = Asked::<JoinProject>::with(Nothing {}, JoinRequest { code: made.code });
    let joe = caller("joe");
    let planned = asked.clone().query(DryRun { dry_run: true });
    let planned = JoinProject::run(service, &joe, planned);
    limits.reads("join, planned", Few(5), planned);
    limits.reads("join", Few(6), JoinProject::run(service, &joe, asked));
    let page = Asked::<ListLinks>::by(brain(), Paging::default());
    limits.reads("join links", Few(5), ListLinks::run(service, &ADA, page));
    let asked = Asked::<RevokeLink>::of((brain(), made.link.id));
    limits.reads(
        "join link revoked",
        Few(5),
        RevokeLink::run(service, &ADA, asked),
    );
    limits.allows(service.remove_member(&ADA, &brain(), &joe.user));
}

fn of_instances(limits: &mut Limits<'_>) {
    let service = &limits.world.service;
    let request = ClassLaunchRequest {
        template: deep().into(),
        region: region(),
        group: None,
        name: None,
        size: None,
        architecture: None,
        disk_gib: None,
        end: None,
    };
    let asked = Asked::<PlanClassLaunch>::with(brain(), request);
    let planned = PlanClassLaunch::run(service, &ADA, asked);
    // The template is shared with each member, and not with the project.
    let plan = limits.reads(
        "launches for all, planned",
        Few(30 + MANY * (MANY + 6)),
        planned,
    );
    assert!(plan.value.count >= MANY - 1, "{:?}", plan.value);
    let launch = LaunchRequest {
        project: Some(brain()),
        for_member: Some(user(1)),
        ..launch_request("deep", "for-one")
    };
    limits.world.pass(60);
    limits.reads(
        "launch for a member",
        Few(22 + 2 * MANY),
        service.launch(&ADA, &launch),
    );
    limits.world.pass(60);
    let query = WhoseInstance {
        region: region(),
        owner: Some(user(1)),
    };
    let path = (brain(), InstanceName("for-one".to_owned()));
    let asked = Asked::<StopProjectInstance>::by(path, query);
    limits.reads(
        "stop",
        Few(4),
        StopProjectInstance::run(service, &ADA, asked),
    );
    let mut share = share_request("project:brain");
    share.approve = true;
    limits.allows(service.share(&ADA, &"wide-007".parse().unwrap(), &share));
}
