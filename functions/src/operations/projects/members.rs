//! Members of projects.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::{as_expected, of_project};
use crate::domain::audit::AuditAction;
use crate::domain::project::{Member, Project, ProjectRole};
use crate::domain::{Code, Problem, ProjectName, UserId};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, IfMatch, Json, NoContent, Page, Paging};
use crate::operations::{Asked, Expected, Service};
use crate::registry::{MemberChange, Stored};
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};

/// A user to add to a project, with a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberRequest {
    /// The user to add.
    pub user: UserId,
    /// The role of the user.
    pub role: ProjectRole,
}

operation! {
    /// Lists the members of a project, by name
    ListMembers by list_members: Get "/v1/projects/{name}/members" of "projects",
    path: ProjectName, query: Paging,
    output: Found<Page<Member>>,
    rights: [See Project],
}

async fn list_members(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListMembers>,
) -> Answered<ListMembers> {
    let (limit, name) = (asked.query.limit()?, asked.path);
    service.project_for(caller, &name, Action::See).await?;
    let registry = &service.env.registry;
    let listed = registry.members(&name, limit, asked.query.cursor);
    Ok(Found::new(listed.await?.into()))
}

operation! {
    /// Adds a user to a project, or changes the user's role
    AddMember by add_member: Post "/v1/projects/{name}/members" of "projects",
    path: ProjectName, head: IfMatch, body: Json<MemberRequest>,
    output: Found<Member>,
    rights: [See Project, Invite Project, Appoint Project],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn add_member(
    service: &Service,
    caller: &Caller,
    asked: Asked<AddMember>,
) -> Answered<AddMember> {
    let (name, Json(MemberRequest { user, role })) = (asked.path, asked.body);
    let (_, own) = service.project_for(caller, &name, Action::See).await?;
    let event = of_project(service, caller, AuditAction::ProjectMember, &name)
        .with("user", &user)
        .with("role", role);
    let new = Member {
        user: user.clone(),
        role,
        added_by: caller.user.clone(),
        added_at: service.env.clock.now(),
        groups: BTreeSet::new(),
    };
    let change = |stored: &Stored<Project>, before: Option<&Member>| {
        as_expected(stored, asked.head.0.as_ref())?;
        check(&name, own, before.map(|member| member.role))?;
        check(&name, own, Some(role))?;
        let same = before.is_some_and(|member| member.role == role);
        let put = || Member {
            groups: before
                .map(|member| member.groups.clone())
                .unwrap_or_default(),
            ..new.clone()
        };
        Ok((!same).then(|| MemberChange::Put(put())))
    };
    let registry = &service.env.registry;
    let member = registry.change_member(&name, &user, &event, change).await?;
    Ok(Found::new(member.unwrap_or(new)))
}

/// The query that names a member.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Who {
    /// The name of the user.
    pub user: UserId,
}

operation! {
    /// Removes a user from a project
    ///
    /// Every member can leave a project.
    RemoveMember by remove_member: Delete "/v1/projects/{name}/members" of "projects",
    path: ProjectName, query: Who, head: IfMatch,
    output: NoContent,
    rights: [See Project, Leave Project, Invite Project, Appoint Project],
}

async fn remove_member(
    service: &Service,
    caller: &Caller,
    asked: Asked<RemoveMember>,
) -> Answered<RemoveMember> {
    let (name, Who { user }) = (&asked.path, &asked.query);
    let action = if *user == caller.user {
        Action::Leave
    } else {
        Action::See
    };
    let (_, own) = service.project_for(caller, name, action).await?;
    if *user != caller.user {
        let there = service.env.registry.member(name, user).await?;
        // A caller who may not remove anybody is told so, regardless of whether the user is a member.
        check(name, own, there.map(|member| member.role))?;
    }
    let removed = take_out(service, caller, name, user, asked.head.0.as_ref());
    removed.await.map(|()| NoContent)
}

/// Removes a user from a project. Fails if the project does not match `expected`.
pub(super) async fn take_out(
    service: &Service,
    caller: &Caller,
    name: &ProjectName,
    user: &UserId,
    expected: Option<&Expected>,
) -> Result<(), Problem> {
    let registry = &service.env.registry;
    let own = caller.check_project(registry, Action::See, name).await?;
    let event =
        of_project(service, caller, AuditAction::ProjectMemberRemoved, name).with("user", user);
    let change = |stored: &Stored<Project>, before: Option<&Member>| {
        as_expected(stored, expected)?;
        let Some(member) = before else {
            let message = format!("{user} is not in the project {name}.");
            return Err(Problem::new(Code::MemberNotFound, message));
        };
        if *user != caller.user {
            check(name, own, Some(member.role))?;
        }
        Ok(Some(MemberChange::Remove))
    };
    registry.change_member(name, user, &event, change).await?;
    Ok(())
}

/// Checks that a member with the role `own` may assign or revoke `role`; without a role, that they may add or remove
/// anybody at all.
pub(super) fn check(
    name: &ProjectName,
    own: ProjectRole,
    role: Option<ProjectRole>,
) -> Result<(), Problem> {
    let action = match role {
        Some(role) if role.manages() => Action::Appoint,
        _ => Action::Invite,
    };
    if allowed(Relation::of_role(own), action, Resource::Project) {
        return Ok(());
    }
    let whom = match action {
        Action::Appoint => "owners and admins",
        _ => "members",
    };
    let message =
        format!("Your role in the project {name} is {own}, which may not add or remove {whom}.");
    Err(Problem::new(Code::NotAllowed, message).hint("Ask an owner of the project."))
}
