//! Many members of a project at once, and their groups.

use std::collections::{BTreeMap, BTreeSet};

use prism_functions::domain::project::{MEMBERS, Member, ProjectRole};
use prism_functions::domain::{Code, Problem, ProjectName, UserId};
use prism_functions::operations::parts::{DryRun, Either, Paging};
use prism_functions::operations::{
    AddMembers, Asked, ChangeGroup, Group, GroupEdit, ListGroups, MembersAdded, MembersPlan,
    MembersRequest, NewMember, Operation as _, PlannedChange,
};
use prism_functions::rules::access::Caller;
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::interleaved::{Doing, interleave, yielding};
use prism_tests::world::{ADA, OLGA, World, caller, project_request};

use crate::{brain, project};

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// A member as `name`, `name:role` or `name:role:group`.
fn entry(text: &str) -> NewMember {
    let mut parts = text.split(':');
    NewMember {
        user: user(parts.next().unwrap()),
        role: parts
            .next()
            .filter(|it| !it.is_empty())
            .map(|it| it.parse().unwrap()),
        group: parts.next().map(|it| it.parse().unwrap()),
    }
}

fn request(entries: &[&str]) -> Asked<AddMembers> {
    let members = entries.iter().map(|text| entry(text)).collect();
    Asked::with(brain(), MembersRequest { members })
}

fn plan(world: &World, by: &Caller, entries: &[&str]) -> Result<MembersPlan, Problem> {
    let asked = request(entries).query(DryRun { dry_run: true });
    match world.run(AddMembers::run(&world.service, by, asked))? {
        Either::One(planned) => Ok(planned.value.plan),
        Either::Other(added) => panic!("it was not only planned: {added:?}"),
    }
}

fn add(world: &World, by: &Caller, entries: &[&str]) -> Result<MembersAdded, Problem> {
    match world.run(AddMembers::run(&world.service, by, request(entries)))? {
        Either::Other(added) => Ok(added.value),
        Either::One(plan) => panic!("it was only planned: {plan:?}"),
    }
}

fn members(world: &World) -> BTreeMap<String, Member> {
    let registry = &world.service.env.registry;
    let page = world.must(registry.members(&brain(), MEMBERS, None));
    let members = page.items.into_iter();
    members
        .map(|member| (member.user.to_string(), member))
        .collect()
}

fn count(world: &World) -> u32 {
    let stored = world.must(world.service.env.registry.project(&brain()));
    stored.unwrap().value.members
}

fn groups(world: &World, by: &Caller) -> Vec<(String, Vec<String>)> {
    let asked = Asked::<ListGroups>::by(brain(), Paging::new(Some(100), None));
    let page = world.must(ListGroups::run(&world.service, by, asked)).value;
    let text = |group: Group| {
        let members = group.members.iter().map(ToString::to_string);
        (group.name.to_string(), members.collect())
    };
    page.items.into_iter().map(text).collect()
}

fn change(world: &World, by: &Caller, add: &[&str], remove: &[&str]) -> Result<Group, Problem> {
    let users = |names: &[&str]| names.iter().map(|name| user(name)).collect::<BTreeSet<_>>();
    let edit = GroupEdit {
        add: users(add),
        remove: users(remove),
    };
    let asked = Asked::<ChangeGroup>::with((brain(), "lab1".parse().unwrap()), edit);
    Ok(world
        .run(ChangeGroup::run(&world.service, by, asked))?
        .value)
}

/// More than fit into one transaction, and into one page.
#[test]
fn a_whole_course_is_added_at_once_and_a_repetition_changes_nothing() {
    let world = World::new(5);
    project(&world);
    let names: Vec<String> = (0..400)
        .map(|number| format!("student-{number:03}::lab{}", number % 4))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let planned = plan(&world, &OLGA, &names).unwrap();
    assert_eq!((planned.members.len(), planned.refused.len()), (400, 0));
    assert!(
        planned
            .members
            .iter()
            .all(|it| it.change == PlannedChange::Add)
    );
    assert_eq!(count(&world), 4, "it was only planned");
    assert_eq!(add(&world, &OLGA, &names).unwrap().changed, 400);
    assert_eq!((count(&world), members(&world).len()), (404, 404));
    let memberships = world.must(world.service.env.registry.memberships(&user("student-399")));
    assert_eq!(memberships.value.roles[&brain()], ProjectRole::Member);
    let before = members(&world);
    assert_eq!(add(&world, &OLGA, &names).unwrap().changed, 0);
    assert_eq!(members(&world), before);
    let listed = groups(&world, &caller("vic"));
    let sizes: Vec<(&str, usize)> = listed
        .iter()
        .map(|it| (it.0.as_str(), it.1.len()))
        .collect();
    assert_eq!(
        sizes,
        [("lab0", 100), ("lab1", 100), ("lab2", 100), ("lab3", 100)]
    );
    let more: Vec<String> = (0..100)
        .map(|number| format!("other-{number:03}"))
        .collect();
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let full = add(&world, &OLGA, &more).unwrap_err();
    assert_eq!(full.code, Code::LimitReached);
    assert_eq!(count(&world), 404);
}

#[test]
fn who_is_there_keeps_the_role_unless_the_list_names_another() {
    let world = World::new(5);
    project(&world);
    add(
        &world,
        &OLGA,
        &["ada", "vic::lab1", "vic::lab2", "mia:viewer", "olga"],
    )
    .unwrap();
    let there = members(&world);
    let role = |name: &str| there[name].role;
    assert_eq!(role("olga"), ProjectRole::Owner);
    assert_eq!(
        (role("ada"), role("mia")),
        (ProjectRole::Member, ProjectRole::Viewer)
    );
    let labs: Vec<&str> = there["vic"]
        .groups
        .iter()
        .map(prism_functions::domain::GroupName::as_str)
        .collect();
    assert_eq!(
        (role("vic"), labs),
        (ProjectRole::Viewer, vec!["lab1", "lab2"])
    );
    // A change of the role keeps the groups.
    world.must(
        world
            .service
            .add_member(&OLGA, &brain(), &user("vic"), ProjectRole::Member),
    );
    assert_eq!(members(&world)["vic"].groups.len(), 2);
    // The last owner stays until there is another, in whichever order the list has them.
    let alone = add(&world, &OLGA, &["olga:member"]).unwrap_err();
    assert_eq!(alone.code, Code::OwnerNeeded);
    add(&world, &OLGA, &["olga:member", "ada:owner"]).unwrap();
    assert_eq!(members(&world)["olga"].role, ProjectRole::Member);
}

#[test]
fn every_entry_that_is_refused_is_named_and_then_nobody_is_added() {
    let world = World::new(5);
    project(&world);
    add(&world, &OLGA, &["adam:admin"]).unwrap();
    for number in 0..100 {
        let request = project_request(&format!("of-joe-{number}"));
        ask!(world, create_project(&caller("joe"), request)).unwrap();
    }
    let (adam, before) = (caller("adam"), members(&world));
    let entries = [
        "ben",
        "joe",
        "eve:admin",
        "olga:member",
        "zoe:member",
        "zoe:viewer",
    ];
    let planned = plan(&world, &adam, &entries).unwrap();
    let refused: Vec<(usize, &str)> = planned
        .refused
        .iter()
        .map(|it| (it.index, it.code.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            (1, "LimitReached"),
            (2, "NotAllowed"),
            (3, "NotAllowed"),
            (5, "InvalidInput")
        ]
    );
    let problem = add(&world, &adam, &entries).unwrap_err();
    assert_eq!(problem.code, Code::LimitReached);
    for index in [1, 2, 3, 5] {
        assert!(
            problem.message.contains(&format!("members[{index}]")),
            "{problem}"
        );
    }
    assert_eq!(members(&world), before);
    for by in [caller("mia"), caller("vic")] {
        let refused = plan(&world, &by, &["ben"]).unwrap_err();
        assert_eq!(refused.code, Code::NotAllowed);
        assert_eq!(
            change(&world, &by, &["ada"], &[]).unwrap_err().code,
            Code::NotAllowed
        );
    }
    let stranger = plan(&world, &caller("sue"), &["ben"]).unwrap_err();
    assert_eq!(stranger.code, Code::ProjectNotFound);
}

#[test]
fn members_are_grouped_and_strangers_are_not() {
    let world = World::new(5);
    project(&world);
    let group = change(&world, &OLGA, &["ada", "mia"], &[]).unwrap();
    assert_eq!(group.members, [user("ada"), user("mia")]);
    let refused = change(&world, &OLGA, &["vic", "sue", "zed"], &[]).unwrap_err();
    assert_eq!(refused.code, Code::MemberNotFound);
    assert!(refused.message.contains("sue, zed"), "{refused}");
    let group = change(&world, &OLGA, &["vic"], &["mia"]).unwrap();
    assert_eq!(group.members, [user("ada"), user("vic")]);
    let listed = groups(&world, &ADA);
    assert_eq!(
        listed,
        [("lab1".to_owned(), vec!["ada".to_owned(), "vic".to_owned()])]
    );
    change(&world, &OLGA, &[], &["ada", "vic"]).unwrap();
    assert_eq!(groups(&world, &ADA), []);
    assert_eq!(
        change(&world, &OLGA, &[], &[]).unwrap_err().code,
        Code::InvalidInput
    );
}

/// Two managers upload overlapping lists at once: both succeed or say so, and the counts are right.
#[test]
fn lists_that_are_added_at_once_are_counted_once() {
    for seed in 0..20 {
        let world = World::new(seed);
        project(&world);
        let service = yielding(&world);
        let names: Vec<String> = (0..60)
            .map(|number| format!("student-{number:03}"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let calls = [&names[..50], &names[10..]].map(|names| -> Doing<'_, _> {
            let (asked, service) = (request(names), &service);
            Box::pin(async move { AddMembers::run(service, &OLGA, asked).await.map(drop) })
        });
        let mut rng = fastrand::Rng::with_seed(seed);
        for ended in interleave(calls.into(), &mut rng) {
            if let Err::<(), Problem>(problem) = ended {
                assert_eq!(problem.code, Code::RegistryConflict);
            }
        }
        let there = members(&world).len();
        assert_eq!(count(&world), u32::try_from(there).unwrap(), "{seed}");
        add(&world, &OLGA, &names).unwrap();
        assert_eq!(count(&world), 64, "{seed}");
    }
}

#[test]
fn a_project_name_in_use_elsewhere_keeps_its_members() {
    let world = World::new(5);
    project(&world);
    let other: ProjectName = "other".parse().unwrap();
    ask!(world, create_project(&ADA, project_request("other"))).unwrap();
    add(&world, &OLGA, &["ada::lab1"]).unwrap();
    let member = world.must(world.service.env.registry.member(&other, &ADA.user));
    assert!(member.unwrap().groups.is_empty());
}
