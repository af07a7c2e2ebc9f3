//! Groups of the members of a project, such as the labs of a course.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::members::check;
use super::of_project;
use super::roster::{check_groups, interrupted};
use crate::domain::audit::AuditAction;
use crate::domain::project::{MEMBERS, Member, Project};
use crate::domain::{Code, GroupName, Problem, ProjectName, UserId};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, Json, Page, Paging};
use crate::operations::{Asked, Service};
use crate::rules::access::{Action, Caller};

/// A group of members. A group exists as long as it has members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// The name of the group, unique in the project.
    pub name: GroupName,
    /// Its members, by name.
    pub members: Vec<UserId>,
}

/// A change of a group. Users who are in it already, or not in it, are no error.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupEdit {
    /// The members of the project to add to the group.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(value_type = Vec<UserId>, max_items = 500)]
    pub add: BTreeSet<UserId>,
    /// The members to remove from the group.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(value_type = Vec<UserId>, max_items = 500)]
    pub remove: BTreeSet<UserId>,
}

operation! {
    /// Lists the groups of a project with their members, by name
    ListGroups by list_groups: Get "/v1/projects/{name}/groups" of "projects",
    path: ProjectName, query: Paging,
    output: Found<Page<Group>>,
    rights: [See Project],
}

async fn list_groups(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListGroups>,
) -> Answered<ListGroups> {
    let (name, paging) = (asked.path, asked.query);
    paging.limit()?;
    service.project_for(caller, &name, Action::See).await?;
    let mut groups: BTreeMap<GroupName, Vec<UserId>> = BTreeMap::new();
    for member in service.env.registry.all_members(&name).await? {
        for group in &member.groups {
            let members = groups.entry(group.clone()).or_default();
            members.push(member.user.clone());
        }
    }
    let groups = groups.into_iter();
    let groups: Vec<Group> = groups
        .map(|(name, members)| Group { name, members })
        .collect();
    let key = |group: &Group| [group.name.to_string(), String::new()];
    let page = paging.of(&format!("groups of {name}"), groups, key);
    page.map(Found::new)
}

operation! {
    /// Adds members of a project to a group, or removes them from it
    ///
    /// All of them are checked first. Should writing many of them be interrupted, the problem says how many are done, and
    /// repeating the request does the rest.
    ChangeGroup by change_group: Patch "/v1/projects/{name}/groups/{group}" of "projects",
    path: (ProjectName, GroupName), body: Json<GroupEdit>,
    output: Found<Group>,
    rights: [See Project, Invite Project],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn change_group(
    service: &Service,
    caller: &Caller,
    asked: Asked<ChangeGroup>,
) -> Answered<ChangeGroup> {
    let ((name, group), Json(edit)) = (asked.path, asked.body);
    let (_, own) = service.project_for(caller, &name, Action::See).await?;
    check(&name, own, None)?;
    let registry = &service.env.registry;
    let there = registry.all_members(&name).await?;
    let users = edit.users(&name, &there)?;
    let event = |member: &Member| {
        of_project(service, caller, AuditAction::ProjectGroup, &name)
            .with("user", &member.user)
            .with("groups", &member.groups)
    };
    let change = |_: &Project, user: &UserId, before: Option<&Member>| {
        let Some(before) = before else {
            return Err(not_a_member(&name, &[user]));
        };
        let mut after = before.clone();
        if edit.add.contains(user) {
            after.groups.insert(group.clone());
        } else {
            after.groups.remove(&group);
        }
        check_groups(&after.groups)?;
        Ok((*before != after).then_some(after))
    };
    let changed = registry.change_members(&name, &users, event, change);
    changed.await.map_err(|it| interrupted(it, &users))?;
    let members = there.into_iter().filter(|member| {
        let there = member.groups.contains(&group) && !edit.remove.contains(&member.user);
        there || edit.add.contains(&member.user)
    });
    let members = members.map(|member| member.user).collect();
    Ok(Found::new(Group {
        name: group,
        members,
    }))
}

impl GroupEdit {
    /// Returns the users that the request names, all of whom must be members.
    fn users(&self, name: &ProjectName, there: &[Member]) -> Result<Vec<UserId>, Problem> {
        if let Some(user) = self.add.intersection(&self.remove).next() {
            let message = format!("The user {user} is in both lists, add and remove.");
            return Err(Problem::new(Code::InvalidInput, message));
        }
        let users: BTreeSet<&UserId> = self.add.union(&self.remove).collect();
        if !(1..=MEMBERS).contains(&users.len()) {
            let message = format!(
                "The lists add and remove have {} users: they must have 1 to {MEMBERS}.",
                users.len()
            );
            return Err(Problem::new(Code::InvalidInput, message));
        }
        let members: BTreeSet<&UserId> = there.iter().map(|member| &member.user).collect();
        let missing: Vec<&UserId> = users.difference(&members).copied().collect();
        if !missing.is_empty() {
            return Err(not_a_member(name, &missing));
        }
        Ok(users.into_iter().cloned().collect())
    }
}

/// The problem of users who are in no group, because they are not in the project.
fn not_a_member(name: &ProjectName, users: &[&UserId]) -> Problem {
    const NAMED: usize = 10;
    let named = users.iter().take(NAMED).map(ToString::to_string);
    let named = named.collect::<Vec<_>>().join(", ");
    let more = if users.len() > NAMED { ", …" } else { "" };
    let message = format!("Not in the project {name}: {named}{more}. Nobody was changed.");
    Problem::new(Code::MemberNotFound, message)
}
