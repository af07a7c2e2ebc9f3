//! A caller's relations to a resource. They need at most two reads: the caller's memberships and the template's grants.
//! For a list of templates, only the grants to the caller are read.

use std::collections::BTreeSet;
use strum::VariantArray;

use super::caller::Caller;
use crate::domain::grant::{Grant, GrantState, Grantee};
use crate::domain::project::{Memberships, ProjectRole};
use crate::domain::save::SaveRecord;
use crate::domain::template::{Template, Visibility};
use crate::domain::{Problem, TemplateName};
use crate::registry::Registry;

/// A relation of a caller to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum Relation {
    /// The resource is the caller's own.
    Owner,
    /// An owner of the project, or of the template's or save's project.
    ProjectOwner,
    ProjectAdmin,
    /// A member of that project; for a template, only if it is shared with its own project.
    ProjectMember,
    /// A viewer of that project, likewise.
    ProjectViewer,
    /// The template is shared with the caller, or with another project in which the caller is more than a viewer.
    Grantee,
    /// The template is shared with another project in which the caller is a viewer.
    Onlooker,
    Public,
    /// None of these.
    Stranger,
}

impl Relation {
    pub const ALL: &[Self] = Self::VARIANTS;

    pub fn of_role(role: ProjectRole) -> Self {
        match role {
            ProjectRole::Owner => Self::ProjectOwner,
            ProjectRole::Admin => Self::ProjectAdmin,
            ProjectRole::Member => Self::ProjectMember,
            ProjectRole::Viewer => Self::ProjectViewer,
        }
    }
}

pub(super) fn known(caller: &Caller, template: &Template) -> BTreeSet<Relation> {
    let mut relations = BTreeSet::new();
    if template.owner == caller.user {
        relations.insert(Relation::Owner);
    }
    if template.visibility == Visibility::Public {
        relations.insert(Relation::Public);
    }
    if relations.is_empty() {
        relations.insert(Relation::Stranger);
    }
    relations
}

/// The number of projects up to which a user's grants are read one by one.
const FEW: usize = 4;

pub(super) async fn to_template(
    registry: &Registry,
    caller: &Caller,
    template: &Template,
) -> Result<BTreeSet<Relation>, Problem> {
    let read = async |_: &Memberships| registry.grants(&template.name).await;
    by_grants(registry, caller, template, read).await
}

/// Makes the same reads as [`to_template`], for a template that does not exist.
pub(super) async fn by_name(
    registry: &Registry,
    caller: &Caller,
    name: &TemplateName,
) -> Result<(), Problem> {
    registry.memberships(&caller.user).await?;
    registry.grants(name).await?;
    Ok(())
}

/// Returns the same for one template in a list. Instead of all grants of the template, only those to the caller and, if
/// there are few of them, to the caller's projects are read.
pub(super) async fn to_listed_template(
    registry: &Registry,
    caller: &Caller,
    template: &Template,
) -> Result<BTreeSet<Relation>, Problem> {
    let read = async |memberships: &Memberships| {
        // A private template has no grants, and the record that says so is as recent as they would be.
        if template.visibility == Visibility::Private {
            return Ok(Vec::new());
        }
        if memberships.roles.len() > FEW {
            return registry.grants(&template.name).await;
        }
        let projects = memberships.roles.keys().cloned().map(Grantee::Project);
        let mut grants = Vec::new();
        for to in projects.chain([Grantee::User(caller.user.clone())]) {
            grants.extend(registry.grant(&template.name, &to).await?);
        }
        Ok(grants)
    };
    by_grants(registry, caller, template, read).await
}

async fn by_grants(
    registry: &Registry,
    caller: &Caller,
    template: &Template,
    read: impl AsyncFnOnce(&Memberships) -> Result<Vec<Grant>, Problem>,
) -> Result<BTreeSet<Relation>, Problem> {
    let mut relations = known(caller, template);
    if relations.contains(&Relation::Owner) {
        return Ok(relations);
    }
    let memberships = registry.memberships(&caller.user).await?.value;
    let role_in_its_own = template
        .project
        .as_ref()
        .and_then(|project| memberships.roles.get(project));
    if let Some(role) = role_in_its_own.filter(|role| role.manages()) {
        relations.insert(Relation::of_role(*role));
    }
    for grant in read(&memberships).await? {
        if grant.state != GrantState::Open {
            continue;
        }
        let relation = match &grant.to {
            Grantee::User(user) if *user == caller.user => Relation::Grantee,
            Grantee::Project(project) => match memberships.roles.get(project) {
                None => continue,
                Some(role) if Some(project) == template.project.as_ref() => {
                    Relation::of_role(*role)
                }
                Some(ProjectRole::Viewer) => Relation::Onlooker,
                Some(_) => Relation::Grantee,
            },
            // Grants to AWS accounts concern launches in EC2; users of this deployment do not use them.
            Grantee::User(_) | Grantee::Account(_) | Grantee::Organization(_) => continue,
            Grantee::Public => Relation::Public,
        };
        relations.insert(relation);
    }
    Ok(relations)
}

/// Returns all relations of the caller to a save. Those who manage the paying project see the save once it is
/// established that the saver may charge the project.
pub(super) async fn to_save(
    registry: &Registry,
    caller: &Caller,
    record: &SaveRecord,
) -> Result<BTreeSet<Relation>, Problem> {
    if record.saved_by == caller.user {
        return Ok([Relation::Owner].into());
    }
    let mut relations = BTreeSet::from([Relation::Stranger]);
    // Read even if nobody manages the project, so that the response time does not reveal whether the save exists.
    let memberships = registry.memberships(&caller.user).await?.value;
    let role = record
        .charged()
        .and_then(|project| memberships.roles.get(project));
    if let Some(role) = role.filter(|role| role.manages()) {
        relations.insert(Relation::of_role(*role));
    }
    Ok(relations)
}
