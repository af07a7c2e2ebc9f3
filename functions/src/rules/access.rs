//! The access rules: one table, deny by default (promise P7).
//!
//! A caller can have several relations to a resource. An action is allowed if any of them allows it. The table in
//! `docs/access.md` is generated from this file.

use std::collections::BTreeSet;
use strum::VariantArray;

use super::relations;
use crate::domain::project::ProjectRole;
use crate::domain::save::SaveRecord;
use crate::domain::tags::OWNER_TAG;
use crate::domain::template::Template;
use crate::domain::{Code, Problem, ProjectName, TemplateName};
use crate::ports::Instance;
use crate::registry::Registry;

pub use super::caller::Caller;
pub use super::relations::Relation;

/// A kind of resource that an action applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum Resource {
    Template,
    Save,
    Instance,
    Schedule,
    Project,
}

/// An action that a caller can request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum Action {
    /// See that the resource exists, and read it.
    See,
    Launch,
    /// Save an instance as the next version of a template; save an instance.
    SaveVersion,
    Copy,
    /// Change how a template is described (description, notes, project), or the rules of a project.
    Edit,
    /// Set which version is a template's latest.
    Rollback,
    Deprecate,
    /// Create a version of another template from a template's AMIs, by importing its file.
    Import,
    /// Move a template, with its versions and their costs, out of its project, or into its first project.
    Move,
    Share,
    /// Open a template's AMIs in EC2 to principals outside this deployment, through any template that has these AMIs.
    Open,
    SeeShares,
    SeeAudit,
    Delete,
    /// Start, stop, terminate or customize an instance; pause a schedule, or run it now.
    Change,
    /// Stop an instance that somebody else launched for a project.
    Stop,
    /// See the state of a save's execution before the save has a record.
    Watch,
    Cancel,
    /// Recover a save immediately if no execution is working on it any more.
    Recover,
    /// Save and launch for a project, so that the project pays.
    Contribute,
    /// Launch instances for a project that belong to other members of it.
    LaunchFor,
    /// Move a template into a project, which pays for all of its versions from then on.
    MoveIn,
    SeeCosts,
    /// See what others do for a project: its saves, the schedules of its templates, and its instances.
    SeeActivity,
    Approve,
    Invite,
    /// Make a user an owner or admin of a project, and revoke that role.
    Appoint,
    SetBudget,
    /// Set when an instance or a project ends.
    SetEnd,
    Leave,
}

use Relation::{
    Grantee, Onlooker, Owner, ProjectAdmin, ProjectMember, ProjectOwner, ProjectViewer, Public,
};

/// An action on a kind of resource.
pub type Right = (Action, Resource);

/// The target of the trace events that report which rights are checked.
pub const CHECKS: &str = "prism::access";

type Row = (Resource, Action, &'static [Relation]);

/// The table of allowed relations. Whatever is not listed is denied.
const TABLE: &[Row] = &[
    (
        Resource::Template,
        Action::See,
        &[
            Owner,
            ProjectOwner,
            ProjectAdmin,
            ProjectMember,
            ProjectViewer,
            Grantee,
            Onlooker,
            Public,
        ],
    ),
    (Resource::Template, Action::Launch, USERS),
    (Resource::Template, Action::Import, USERS),
    (
        Resource::Template,
        Action::SaveVersion,
        &[Owner, ProjectOwner, ProjectAdmin, ProjectMember],
    ),
    (Resource::Template, Action::Copy, MANAGERS),
    (Resource::Template, Action::Edit, MANAGERS),
    (Resource::Template, Action::Rollback, MANAGERS),
    (Resource::Template, Action::Deprecate, MANAGERS),
    (Resource::Template, Action::Share, MANAGERS),
    (Resource::Template, Action::Open, MANAGERS),
    (Resource::Template, Action::SeeShares, MANAGERS),
    (Resource::Template, Action::SeeAudit, MANAGERS),
    // A user who moves a template to a project of their own can delete it there, so the two actions need the same
    // relations.
    (Resource::Template, Action::Move, &[Owner, ProjectOwner]),
    (Resource::Template, Action::Delete, &[Owner, ProjectOwner]),
    (Resource::Save, Action::See, MANAGERS),
    (Resource::Save, Action::SeeAudit, MANAGERS),
    (Resource::Save, Action::Watch, &[Owner]),
    (Resource::Save, Action::Cancel, &[Owner]),
    // Recovery only does earlier what the sweep would do anyway.
    (Resource::Save, Action::Recover, MANAGERS),
    // Who manages the project that an instance was launched for sees that it exists and may stop it, and no more: its data
    // belongs to its owner.
    (Resource::Instance, Action::See, MANAGERS),
    (Resource::Instance, Action::Stop, MANAGERS),
    (Resource::Instance, Action::Change, &[Owner]),
    (Resource::Instance, Action::SaveVersion, &[Owner]),
    (Resource::Instance, Action::SetEnd, MANAGERS),
    (Resource::Instance, Action::SeeAudit, &[Owner]),
    (Resource::Schedule, Action::See, &[Owner]),
    (Resource::Schedule, Action::Change, &[Owner]),
    (Resource::Schedule, Action::SeeAudit, &[Owner]),
    (Resource::Schedule, Action::Delete, &[Owner]),
    (Resource::Project, Action::See, EVERY_ROLE),
    (Resource::Project, Action::Leave, EVERY_ROLE),
    (Resource::Project, Action::Contribute, WORKERS),
    (Resource::Project, Action::LaunchFor, ADMINS),
    (Resource::Project, Action::MoveIn, WORKERS),
    (Resource::Project, Action::SeeCosts, WORKERS),
    (Resource::Project, Action::SeeActivity, ADMINS),
    (Resource::Project, Action::Approve, ADMINS),
    (Resource::Project, Action::Invite, ADMINS),
    (Resource::Project, Action::Edit, ADMINS),
    (Resource::Project, Action::SetBudget, ADMINS),
    (Resource::Project, Action::SetEnd, ADMINS),
    (Resource::Project, Action::SeeAudit, ADMINS),
    (Resource::Project, Action::Appoint, &[ProjectOwner]),
    (Resource::Project, Action::Delete, &[ProjectOwner]),
];

const USERS: &[Relation] = &[
    Owner,
    ProjectOwner,
    ProjectAdmin,
    ProjectMember,
    Grantee,
    Public,
];
/// The owner, and those who manage the project that pays.
const MANAGERS: &[Relation] = &[Owner, ProjectOwner, ProjectAdmin];
const ADMINS: &[Relation] = &[ProjectOwner, ProjectAdmin];
const WORKERS: &[Relation] = &[ProjectOwner, ProjectAdmin, ProjectMember];
const EVERY_ROLE: &[Relation] = &[ProjectOwner, ProjectAdmin, ProjectMember, ProjectViewer];

/// Returns whether this relation to a resource allows the action. Each check is traced, so that a test can compare the
/// checks of an operation with the rights that it declares.
pub fn allowed(relation: Relation, action: Action, resource: Resource) -> bool {
    tracing::trace!(target: CHECKS, ?action, ?resource);
    is_listed(relation, action, resource)
}

fn is_listed(relation: Relation, action: Action, resource: Resource) -> bool {
    let row = |row: &&Row| row.0 == resource && row.1 == action;
    TABLE
        .iter()
        .find(row)
        .is_some_and(|row| row.2.contains(&relation))
}

/// Returns whether a refusal may say that the resource exists. This is no right that the operation needs.
fn is_visible(relations: &BTreeSet<Relation>, resource: Resource) -> bool {
    let mut relations = relations.iter();
    relations.any(|relation| is_listed(*relation, Action::See, resource))
}

/// Returns whether any of these relations allows the action.
pub fn any_allowed(relations: &BTreeSet<Relation>, action: Action, resource: Resource) -> bool {
    relations
        .iter()
        .any(|relation| allowed(*relation, action, resource))
}

impl Resource {
    /// All kinds of resources, in the order of the documentation.
    pub const ALL: &[Self] = Self::VARIANTS;
}

impl Action {
    pub const ALL: &[Self] = Self::VARIANTS;
}

impl Caller {
    pub fn may(&self, action: Action, instance: &Instance) -> bool {
        let mine = instance
            .tags
            .get(OWNER_TAG)
            .is_some_and(|owner| owner == self.user.as_str());
        mine && allowed(Owner, action, Resource::Instance)
    }

    pub async fn may_template(
        &self,
        registry: &Registry,
        action: Action,
        template: &Template,
    ) -> Result<bool, Problem> {
        // Most actions are allowed by the template record itself, without a further read.
        let known = relations::known(self, template);
        if any_allowed(&known, action, Resource::Template) {
            return Ok(true);
        }
        let all = relations::to_template(registry, self, template).await?;
        Ok(any_allowed(&all, action, Resource::Template))
    }

    pub(crate) async fn sees_in_list(
        &self,
        registry: &Registry,
        template: &Template,
    ) -> Result<bool, Problem> {
        let known = relations::known(self, template);
        if any_allowed(&known, Action::See, Resource::Template) {
            return Ok(true);
        }
        let all = relations::to_listed_template(registry, self, template).await?;
        Ok(any_allowed(&all, Action::See, Resource::Template))
    }

    /// Checks that the caller may perform the action on a template. A template that the caller may not see is refused
    /// as one that does not exist; a template that the caller may only see is refused as not allowed.
    pub async fn check_template(
        &self,
        registry: &Registry,
        action: Action,
        template: &Template,
    ) -> Result<(), Problem> {
        let known = relations::known(self, template);
        if any_allowed(&known, action, Resource::Template) {
            return Ok(());
        }
        let all = relations::to_template(registry, self, template).await?;
        if any_allowed(&all, action, Resource::Template) {
            return Ok(());
        }
        if is_visible(&all, Resource::Template) {
            let message = format!(
                "The template {} belongs to {}.",
                template.name, template.owner
            );
            return Err(Problem::new(Code::NotAllowed, message));
        }
        Err(template_not_found(template.name.as_str()))
    }

    /// Returns the refusal of a template that does not exist. It makes as many reads as for a template that the caller
    /// may not see, so that the response time does not reveal the difference either.
    pub async fn no_template(&self, registry: &Registry, name: &TemplateName) -> Problem {
        let looked = relations::by_name(registry, self, name).await;
        looked
            .err()
            .unwrap_or_else(|| template_not_found(name.as_str()))
    }

    /// Returns the refusal of a save that does not exist, with the same number of reads as for one that the caller may
    /// not see.
    pub async fn no_save(&self, registry: &Registry, id: &str) -> Problem {
        let looked = registry.memberships(&self.user).await;
        looked.err().unwrap_or_else(|| save_not_found(id))
    }

    /// Checks that the caller may perform the action on a save. A save that the caller may not see is refused as one
    /// that does not exist.
    pub async fn check_save(
        &self,
        registry: &Registry,
        action: Action,
        record: &SaveRecord,
    ) -> Result<(), Problem> {
        let relations = relations::to_save(registry, self, record).await?;
        if any_allowed(&relations, action, Resource::Save) {
            return Ok(());
        }
        if is_visible(&relations, Resource::Save) {
            let message = format!("The save {} is {}'s.", record.save_id, record.saved_by);
            return Err(Problem::new(Code::NotAllowed, message));
        }
        Err(save_not_found(record.save_id.as_str()))
    }

    /// Checks that the caller may perform the action on a project, and returns the caller's role in it. A project that
    /// the caller has no role in is refused as one that does not exist.
    pub async fn check_project(
        &self,
        registry: &Registry,
        action: Action,
        project: &ProjectName,
    ) -> Result<ProjectRole, Problem> {
        let memberships = registry.memberships(&self.user).await?.value;
        let Some(role) = memberships.roles.get(project).copied() else {
            return Err(project_not_found(project));
        };
        if allowed(Relation::of_role(role), action, Resource::Project) {
            return Ok(role);
        }
        let message = format!("The role {role} of the project {project} does not allow this.");
        Err(Problem::new(Code::NotAllowed, message).hint("Ask an owner or admin of the project."))
    }
}

/// Returns the problem for a schedule that does not exist. Schedules are looked up under the caller's own name, so
/// another user's schedule is never found.
pub fn schedule_not_found(name: &str) -> Problem {
    Problem::new(
        Code::ScheduleNotFound,
        format!("You have no schedule {name}."),
    )
}

/// Returns the problem for a template that does not exist, or that the caller may not see.
pub fn template_not_found(name: &str) -> Problem {
    Problem::new(
        Code::TemplateNotFound,
        format!("There is no template {name}."),
    )
}

/// Returns the problem for a save that does not exist, or that the caller may not see.
pub fn save_not_found(id: &str) -> Problem {
    Problem::new(Code::SaveNotFound, format!("There is no save {id}."))
}

/// Returns the problem for a project that does not exist, or that the caller may not see.
pub fn project_not_found(name: &ProjectName) -> Problem {
    Problem::new(
        Code::ProjectNotFound,
        format!("You are not in a project {name}."),
    )
}

/// Returns the table as Markdown, for the documentation.
pub fn markdown() -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for &resource in Resource::ALL {
        let concerned = |relation: &&Relation| {
            let may = |action| is_listed(**relation, action, resource);
            Action::ALL.iter().copied().any(may)
        };
        let relations: Vec<&Relation> = Relation::ALL.iter().filter(concerned).collect();
        let heads: Vec<String> = relations.iter().map(|it| format!("{it:?}")).collect();
        let _ = writeln!(text, "| {resource:?} | {} |", heads.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(relations.len()));
        for &action in Action::ALL {
            let may = |relation: &&Relation| is_listed(**relation, action, resource);
            if !relations.iter().any(may) {
                continue;
            }
            let cells = relations.iter().map(|it| if may(it) { "yes" } else { "" });
            let cells: Vec<&str> = cells.collect();
            let _ = writeln!(text, "| {action:?} | {} |", cells.join(" | "));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
