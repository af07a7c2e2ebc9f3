//! Projects: create, list, show, change and delete. Members, templates and costs have files of their own.

mod activity;
mod approvals;
mod budgets;
mod costs;
mod groups;
mod history;
mod links;
mod members;
mod roster;
mod stops;
mod templates;

use std::collections::BTreeSet;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::expected::{check, tag};
use super::parts::{Created, Found, IfMatch, Json, NoContent, Page, Paging};
use super::{Asked, Expected, Service};
use crate::domain::audit::{AuditAction, AuditEvent, Subject};
use crate::domain::grant::Grantee;
use crate::domain::limits::Limits;
use crate::domain::project::{Member, Project, ProjectRole};
use crate::domain::save::check_text;
use crate::domain::{Code, Problem, ProjectName};
use crate::operations::operation::{Answered, operation};
use crate::registry::{GrantChange, Stored, TRIES};
use crate::rules::access::{Action, Caller, Relation, Resource, allowed, project_not_found};

pub use activity::{
    ListProjectInstances, ListProjectSaves, ListProjectSchedules, ProjectInstance,
    ProjectInstances, ProjectSchedule,
};
pub use approvals::{ApproveTemplate, DisapproveTemplate, ListApprovals};
pub use budgets::{LiftBudget, SetBudget};
pub use costs::{
    ComputeCosts, PersonCost, ProjectCosts, RegionCost, ShowProjectCosts, TemplateCost, VersionCost,
};
pub use groups::{ChangeGroup, Group, GroupEdit, ListGroups};
pub use history::{CostHistory, HistoryQuery, MonthCost, ShowCostHistory};
pub use links::{
    CreateLink, JoinPlan, JoinProject, JoinRequest, LinkCreated, LinkRequest, ListLinks, RevokeLink,
};
pub use members::{AddMember, ListMembers, MemberRequest, RemoveMember, Who};
pub use roster::{
    AddMembers, MembersAdded, MembersPlan, MembersRequest, NewMember, PlannedChange, PlannedMember,
    RefusedMember,
};
pub use stops::{StopProjectInstance, WhoseInstance};
pub use templates::{ListProjectTemplates, ProjectTemplateView};

/// The number of records that are read at once when a project is deleted.
const PAGE: usize = 100;

/// A project to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectRequest {
    /// The name of the project.
    pub name: ProjectName,
    /// What it is for, at most 255 characters.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub description: String,
}

/// Changes to a project. Omitted fields do not change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectEdit {
    /// What it is for, at most 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255)]
    pub description: Option<String>,
    /// Whether launches for the project require approved templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_only: Option<bool>,
    /// What each member may launch for the project. The limits replace those before; without any, none applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// A project as a member sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProjectView {
    /// The project. The budget is omitted for callers who may not see the costs.
    pub project: Project,
    /// The caller's role in the project.
    pub role: ProjectRole,
}

fn view(mut project: Project, role: ProjectRole) -> ProjectView {
    if !allowed(Relation::of_role(role), Action::SeeCosts, Resource::Project) {
        project.budget = None;
    }
    ProjectView { project, role }
}

/// Returns a project with its tag.
pub(super) fn found(stored: Stored<Project>, role: ProjectRole) -> Found<ProjectView> {
    let tag = tag(&stored);
    Found::new(view(stored.value, role)).tagged(Some(tag))
}

/// Refuses to change a project that does not match `expected`.
pub(super) fn as_expected(
    stored: &Stored<Project>,
    expected: Option<&Expected>,
) -> Result<(), Problem> {
    let what = format!("The project {}", stored.value.name);
    check(expected, &what, &tag(stored))
}

operation! {
    /// Lists the projects that you are in, by name
    ListProjects by list_projects: Get "/v1/projects" of "projects",
    query: Paging,
    output: Found<Page<ProjectView>>,
    rights: [SeeCosts Project],
}

async fn list_projects(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListProjects>,
) -> Answered<ListProjects> {
    asked.query.limit()?;
    let registry = &service.env.registry;
    let memberships = registry.memberships(&caller.user).await?.value;
    let read = memberships.roles.iter().map(|(name, role)| async move {
        let stored = registry.project(name).await?;
        Ok::<_, Problem>(stored.map(|stored| view(stored.value, *role)))
    });
    let all = try_join_all(read).await?.into_iter().flatten().collect();
    let key = |view: &ProjectView| [view.project.name.to_string(), String::new()];
    asked.query.of("projects", all, key).map(Found::new)
}

operation! {
    /// Creates a project and makes you its owner
    ///
    /// The name of a project is never used again for another project, even after the project is deleted.
    CreateProject by create_project: Post "/v1/projects" of "projects",
    body: Json<ProjectRequest>,
    output: Created<ProjectView>,
    rights: [SeeCosts Project],
}

async fn create_project(
    service: &Service,
    caller: &Caller,
    asked: Asked<CreateProject>,
) -> Answered<CreateProject> {
    let Json(ProjectRequest { name, description }) = asked.body;
    check_text("description", &description)?;
    let now = service.env.clock.now();
    let event = of_project(service, caller, AuditAction::ProjectCreate, &name);
    let place = format!("/v1/projects/{name}");
    let project = Project {
        name,
        description,
        created_by: caller.user.clone(),
        created_at: now,
        updated_at: now,
        approved_only: false,
        limits: Limits::default(),
        budget: None,
        end: None,
        members: 1,
        owners: 1,
        deleted_at: None,
    };
    let owner = Member {
        user: caller.user.clone(),
        role: ProjectRole::Owner,
        added_by: caller.user.clone(),
        added_at: now,
        groups: BTreeSet::new(),
    };
    let registry = &service.env.registry;
    registry.add_project(&project, &owner, &event).await?;
    Ok(Created::new(view(project, ProjectRole::Owner)).at(place))
}

operation! {
    /// Returns a project that you are in
    ShowProject by show_project: Get "/v1/projects/{name}" of "projects",
    path: ProjectName,
    output: Found<ProjectView>,
    rights: [See Project, SeeCosts Project],
}

async fn show_project(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowProject>,
) -> Answered<ShowProject> {
    let shown = service.project_for(caller, &asked.path, Action::See);
    let (stored, role) = shown.await?;
    Ok(found(stored, role))
}

operation! {
    /// Changes the description of a project, its limits, and whether it requires approved templates
    EditProject by edit_project: Patch "/v1/projects/{name}" of "projects",
    path: ProjectName, head: IfMatch, body: Json<ProjectEdit>,
    output: Found<ProjectView>,
    rights: [Edit Project, SeeCosts Project],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn edit_project(
    service: &Service,
    caller: &Caller,
    asked: Asked<EditProject>,
) -> Answered<EditProject> {
    let (name, Json(edit)) = (&asked.path, &asked.body);
    if let Some(description) = &edit.description {
        check_text("description", description)?;
    }
    if let Some(limits) = &edit.limits {
        limits.check()?;
    }
    let (_, role) = service.project_for(caller, name, Action::Edit).await?;
    let now = service.env.clock.now();
    let event = of_project(service, caller, AuditAction::ProjectEdit, name).with("changes", edit);
    let change = |stored: &Stored<Project>, project: &mut Project| {
        as_expected(stored, asked.head.0.as_ref())?;
        let before = project.clone();
        if let Some(description) = &edit.description {
            project.description.clone_from(description);
        }
        if let Some(approved_only) = edit.approved_only {
            project.approved_only = approved_only;
        }
        if let Some(limits) = &edit.limits {
            project.limits.clone_from(limits);
        }
        if *project != before {
            project.updated_at = now;
        }
        Ok(())
    };
    let registry = &service.env.registry;
    let project = registry.change_project(name, Some(&event), change).await?;
    Ok(found(project, role))
}

operation! {
    /// Deletes a project that has no templates
    DeleteProject by delete_project: Delete "/v1/projects/{name}" of "projects",
    path: ProjectName, head: IfMatch,
    output: NoContent,
    rights: [Delete Project],
}

async fn delete_project(
    service: &Service,
    caller: &Caller,
    asked: Asked<DeleteProject>,
) -> Answered<DeleteProject> {
    let (name, expected) = (&asked.path, asked.head.0.as_ref());
    let (before, _) = service.project_for(caller, name, Action::Delete).await?;
    as_expected(&before, expected)?;
    service.check_unused(name).await?;
    let registry = &service.env.registry;
    let event = of_project(service, caller, AuditAction::ProjectDelete, name);
    // If a member joins or a save begins until the last moment, the project is kept.
    for _ in 0..TRIES {
        // First, so that nobody adds anything in the meantime.
        service.empty_project(caller, name).await?;
        // If anything changes after this point, the removal fails and is tried again.
        let mark = registry.pledge_mark(name).await?;
        let (stored, _) = service.project_for(caller, name, Action::Delete).await?;
        service.check_unused(name).await?;
        if stored.value.members > 1 {
            continue;
        }
        let now = service.env.clock.now();
        let gone = registry.remove_project(&stored, mark, &caller.user, now, &event);
        if gone.await? {
            return Ok(NoContent);
        }
    }
    let message = format!("Other requests kept changing the project {name}.");
    Err(Problem::new(Code::RegistryConflict, message))
}

/// Creates an event about a project, now.
fn of_project(
    service: &Service,
    caller: &Caller,
    action: AuditAction,
    name: &ProjectName,
) -> AuditEvent {
    let event = service.event(caller, action, Subject::Project(name.clone()));
    event.of_project(Some(name))
}

impl Service {
    /// Returns a project if the caller may perform `action` on it.
    pub(super) async fn project_for(
        &self,
        caller: &Caller,
        name: &ProjectName,
        action: Action,
    ) -> Result<(Stored<Project>, ProjectRole), Problem> {
        let registry = &self.env.registry;
        let role = caller.check_project(registry, action, name).await?;
        let stored = registry.project(name).await?;
        Ok((stored.ok_or_else(|| project_not_found(name))?, role))
    }

    /// Refuses to delete a project that templates belong to, or will belong to. Saves are checked first, because a save
    /// that has ended by then has registered its template.
    async fn check_unused(&self, name: &ProjectName) -> Result<(), Problem> {
        let registry = &self.env.registry;
        if let Some(save) = registry.pledged_by(name).await? {
            let message = format!("The save {save} is in progress for the project {name}.");
            return Err(Problem::new(Code::ProjectInUse, message).hint(format!(
                "Wait for it, or ask the user who started it to cancel it: prism saves cancel {save}"
            )));
        }
        let templates = registry.templates_of_project(name, 1, None).await?;
        let Some(place) = templates.items.first() else {
            return Ok(());
        };
        let message = format!(
            "The template {} belongs to the project {name}.",
            place.template
        );
        Err(Problem::new(Code::ProjectInUse, message)
            .hint("Delete its templates first, or move them to another project."))
    }

    /// Removes everybody else from a project, and revokes the shares with it.
    async fn empty_project(&self, caller: &Caller, name: &ProjectName) -> Result<(), Problem> {
        let registry = &self.env.registry;
        // The caller stays, so every page with more than one member contains somebody to remove.
        loop {
            let members = registry.members(name, PAGE, None).await?.items;
            let others: Vec<&Member> = members
                .iter()
                .filter(|member| member.user != caller.user)
                .collect();
            if others.is_empty() {
                break;
            }
            for member in others {
                members::take_out(self, caller, name, &member.user, None).await?;
            }
        }
        let given = Grantee::Project(name.clone());
        loop {
            // The index may still contain a share that was just revoked, so the grant itself decides.
            let grants = registry.given_to(&given, PAGE, None).await?.items;
            let mut taken = 0;
            for grant in &grants {
                let subject = Subject::Template(grant.template.clone());
                let event = self
                    .event(caller, AuditAction::TemplateUnshare, subject)
                    .with("to", &grant.to)
                    .with("because", "the project is deleted");
                let change = |_: &_, grants: &[crate::domain::grant::Grant]| {
                    let there = grants.iter().any(|it| it.to == given);
                    taken += u32::from(there);
                    Ok(there.then(|| GrantChange::Remove(given.clone())))
                };
                match registry
                    .change_grant(&grant.template, Some(&event), change)
                    .await
                {
                    Ok(_) => {}
                    Err(gone) if gone.code == Code::TemplateNotFound => {}
                    Err(problem) => return Err(problem),
                }
            }
            if taken == 0 {
                return Ok(());
            }
        }
    }
}
