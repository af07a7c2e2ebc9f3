//! Who may do what: one table, deny by default (promise P7).
//!
//! A caller stands in relations to a thing, perhaps in several; what any of them may do, the caller
//! may. `docs/access.md` shows the table, made from this file.

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

/// What is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum Resource {
    /// A template, with its versions.
    Template,
    /// A save.
    Save,
    /// An instance.
    Instance,
    /// A schedule.
    Schedule,
    /// A project.
    Project,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum Action {
    /// See that it exists, and read it.
    See,
    /// Launch a template.
    Launch,
    /// Save an instance as the next version of a template; save an instance.
    SaveVersion,
    /// Copy a version to further Regions.
    Copy,
    /// Change what a thing says of itself: description, notes, project; a project's rules.
    Edit,
    /// Move a template's latest version.
    Rollback,
    /// Deprecate a version or a template, or restore it.
    Deprecate,
    /// Make a version of another template of a template's AMIs, by importing its file.
    Import,
    /// Move a template out of its project, or into a first one, with its versions and what they cost.
    Move,
    /// Give a template to others, and take it back.
    Share,
    /// Open a template's AMIs in EC2 to others than this deployment, through whichever template has them.
    Open,
    /// See whom a template is given to.
    SeeShares,
    /// See who changed a thing.
    SeeAudit,
    /// Delete it.
    Delete,
    /// Start, stop, terminate or customise an instance; pause a schedule, run it now.
    Change,
    /// See how the execution of a save stands that has no record yet.
    Watch,
    /// Ask a save to end.
    Cancel,
    /// Have a save recovered at once that nobody works on any more.
    Recover,
    /// Save and launch for a project, so that it pays.
    Contribute,
    /// Move a template into a project, which pays for all of its versions from then on.
    MoveIn,
    /// See what a project costs.
    SeeCosts,
    /// Approve templates for a project, and withdraw that.
    Approve,
    /// Add members and viewers to a project, and remove them.
    Invite,
    /// Make somebody an owner or admin of a project, and unmake them.
    Appoint,
    /// Set a project's budget.
    SetBudget,
    /// Leave a project.
    Leave,
}

use Relation::{
    Grantee, Onlooker, Owner, ProjectAdmin, ProjectMember, ProjectOwner, ProjectViewer, Public,
};

type Row = (Resource, Action, &'static [Relation]);

/// The table: who may. Whatever is not in it is denied.
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
    // Whoever takes a template to a project of their own can delete it there.
    (Resource::Template, Action::Move, &[Owner, ProjectOwner]),
    (Resource::Template, Action::Delete, &[Owner, ProjectOwner]),
    (Resource::Save, Action::See, MANAGERS),
    (Resource::Save, Action::SeeAudit, MANAGERS),
    (Resource::Save, Action::Watch, &[Owner]),
    (Resource::Save, Action::Cancel, &[Owner]),
    // It does what the sweep does later.
    (Resource::Save, Action::Recover, MANAGERS),
    (Resource::Instance, Action::See, &[Owner]),
    (Resource::Instance, Action::Change, &[Owner]),
    (Resource::Instance, Action::SaveVersion, &[Owner]),
    (Resource::Instance, Action::SeeAudit, &[Owner]),
    (Resource::Schedule, Action::See, &[Owner]),
    (Resource::Schedule, Action::Change, &[Owner]),
    (Resource::Schedule, Action::SeeAudit, &[Owner]),
    (Resource::Schedule, Action::Delete, &[Owner]),
    (Resource::Project, Action::See, EVERY_ROLE),
    (Resource::Project, Action::Leave, EVERY_ROLE),
    (Resource::Project, Action::Contribute, WORKERS),
    (Resource::Project, Action::MoveIn, WORKERS),
    (Resource::Project, Action::SeeCosts, WORKERS),
    (Resource::Project, Action::Approve, ADMINS),
    (Resource::Project, Action::Invite, ADMINS),
    (Resource::Project, Action::Edit, ADMINS),
    (Resource::Project, Action::SetBudget, ADMINS),
    (Resource::Project, Action::SeeAudit, ADMINS),
    (Resource::Project, Action::Appoint, &[ProjectOwner]),
    (Resource::Project, Action::Delete, &[ProjectOwner]),
];

/// Who may work with a template.
const USERS: &[Relation] = &[
    Owner,
    ProjectOwner,
    ProjectAdmin,
    ProjectMember,
    Grantee,
    Public,
];
/// Whose it is, and who manages the project that pays for it.
const MANAGERS: &[Relation] = &[Owner, ProjectOwner, ProjectAdmin];
/// Who manages a project.
const ADMINS: &[Relation] = &[ProjectOwner, ProjectAdmin];
/// Who works in a project.
const WORKERS: &[Relation] = &[ProjectOwner, ProjectAdmin, ProjectMember];
/// Everybody in a project.
const EVERY_ROLE: &[Relation] = &[ProjectOwner, ProjectAdmin, ProjectMember, ProjectViewer];

/// Whether somebody who stands in this relation to a thing may do it.
pub fn allowed(relation: Relation, action: Action, resource: Resource) -> bool {
    let row = |row: &&Row| row.0 == resource && row.1 == action;
    TABLE
        .iter()
        .find(row)
        .is_some_and(|row| row.2.contains(&relation))
}

/// Whether any of these relations allows it.
pub fn any_allowed(relations: &BTreeSet<Relation>, action: Action, resource: Resource) -> bool {
    relations
        .iter()
        .any(|relation| allowed(*relation, action, resource))
}

impl Resource {
    /// All kinds, in the order of the documentation.
    pub const ALL: &[Self] = Self::VARIANTS;
}

impl Action {
    /// All actions.
    pub const ALL: &[Self] = Self::VARIANTS;
}

impl Caller {
    /// Whether the caller may do it to an instance.
    pub fn may(&self, action: Action, instance: &Instance) -> bool {
        let mine = instance
            .tags
            .get(OWNER_TAG)
            .is_some_and(|owner| owner == self.user.as_str());
        mine && allowed(Owner, action, Resource::Instance)
    }

    /// Whether the caller may do it to a template.
    pub async fn may_template(
        &self,
        registry: &Registry,
        action: Action,
        template: &Template,
    ) -> Result<bool, Problem> {
        // Most are allowed by what the template itself says, without a further read.
        let known = relations::known(self, template);
        if any_allowed(&known, action, Resource::Template) {
            return Ok(true);
        }
        let all = relations::to_template(registry, self, template).await?;
        Ok(any_allowed(&all, action, Resource::Template))
    }

    /// Whether the caller may see a template that is one of many in a list.
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

    /// Refuses a template that the caller may not see as one that does not exist, and one that the
    /// caller may see but not use as that.
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
        if any_allowed(&all, Action::See, Resource::Template) {
            let message = format!(
                "The template {} belongs to {}.",
                template.name, template.owner
            );
            return Err(Problem::new(Code::NotAllowed, message));
        }
        Err(template_not_found(template.name.as_str()))
    }

    /// The refusal of a template that does not exist: after as many reads as of one that the caller may not see, so that
    /// the time it takes does not tell them apart either.
    pub async fn no_template(&self, registry: &Registry, name: &TemplateName) -> Problem {
        let looked = relations::by_name(registry, self, name).await;
        looked
            .err()
            .unwrap_or_else(|| template_not_found(name.as_str()))
    }

    /// The same of a save.
    pub async fn no_save(&self, registry: &Registry, id: &str) -> Problem {
        let looked = registry.memberships(&self.user).await;
        looked.err().unwrap_or_else(|| save_not_found(id))
    }

    /// Refuses a save that the caller may not see as one that does not exist.
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
        if any_allowed(&relations, Action::See, Resource::Save) {
            let message = format!("The save {} is {}'s.", record.save_id, record.saved_by);
            return Err(Problem::new(Code::NotAllowed, message));
        }
        Err(save_not_found(record.save_id.as_str()))
    }

    /// Refuses a project that the caller is not in as one that does not exist. It answers the role.
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
        let message = format!("As {role} of the project {project} you may not do that.");
        Err(Problem::new(Code::NotAllowed, message).hint("Ask an owner or admin of the project."))
    }
}

/// The answer for a schedule that is not there. Schedules are looked up under the caller's own name:
/// another's is never found.
pub fn schedule_not_found(name: &str) -> Problem {
    Problem::new(
        Code::ScheduleNotFound,
        format!("There is no schedule {name} of yours."),
    )
}

/// The answer for a template that is not there, or not for the caller.
pub fn template_not_found(name: &str) -> Problem {
    Problem::new(
        Code::TemplateNotFound,
        format!("There is no template {name}."),
    )
}

/// The answer for a save that is not there, or not for the caller.
pub fn save_not_found(id: &str) -> Problem {
    Problem::new(Code::SaveNotFound, format!("There is no save {id}."))
}

/// The answer for a project that is not there, or not for the caller.
pub fn project_not_found(name: &ProjectName) -> Problem {
    Problem::new(
        Code::ProjectNotFound,
        format!("There is no project {name} that you are in."),
    )
}

/// The table as Markdown, for the documentation.
pub fn markdown() -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for &resource in Resource::ALL {
        let concerned = |relation: &&Relation| {
            let may = |action| allowed(**relation, action, resource);
            Action::ALL.iter().copied().any(may)
        };
        let relations: Vec<&Relation> = Relation::ALL.iter().filter(concerned).collect();
        let heads: Vec<String> = relations.iter().map(|it| format!("{it:?}")).collect();
        let _ = writeln!(text, "| {resource:?} | {} |", heads.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(relations.len()));
        for &action in Action::ALL {
            let may = |relation: &&Relation| allowed(**relation, action, resource);
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
