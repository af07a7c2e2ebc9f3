//! What a caller is to a thing: in two reads at most, the caller's memberships and the template's grants. In a
//! list of templates, those of its grants alone that are to the caller.

use std::collections::BTreeSet;
use strum::VariantArray;

use super::caller::Caller;
use crate::domain::grant::{Grant, GrantState, Grantee};
use crate::domain::project::{Memberships, ProjectRole};
use crate::domain::save::SaveRecord;
use crate::domain::template::{Template, Visibility};
use crate::domain::{Problem, TemplateName};
use crate::registry::Registry;

/// What the caller is to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum Relation {
    /// It is the caller's own.
    Owner,
    /// An owner of the project; of a template's or save's project too.
    ProjectOwner,
    /// An admin of it.
    ProjectAdmin,
    /// A member of it; to a template only where that is shared with its project.
    ProjectMember,
    /// A viewer of it, likewise.
    ProjectViewer,
    /// A template is shared with the caller, or with another project that the caller works in.
    Grantee,
    /// A template is shared with another project that the caller looks on.
    Onlooker,
    /// It is open to everybody.
    Public,
    /// None of these.
    Stranger,
}

impl Relation {
    /// All relations, from the nearest to the farthest.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// What a role in a project is to it, and to what belongs to it.
    pub fn of_role(role: ProjectRole) -> Self {
        match role {
            ProjectRole::Owner => Self::ProjectOwner,
            ProjectRole::Admin => Self::ProjectAdmin,
            ProjectRole::Member => Self::ProjectMember,
            ProjectRole::Viewer => Self::ProjectViewer,
        }
    }
}

/// What the template itself says.
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

/// In how many projects somebody may be for whom the grants of a template are read one by one.
const FEW: usize = 4;

/// All that the caller is to a template.
pub(super) async fn to_template(
    registry: &Registry,
    caller: &Caller,
    template: &Template,
) -> Result<BTreeSet<Relation>, Problem> {
    let read = async |_: &Memberships| registry.grants(&template.name).await;
    by_grants(registry, caller, template, read).await
}

/// Reads what [`to_template`] does, of a template that is not there.
pub(super) async fn by_name(
    registry: &Registry,
    caller: &Caller,
    name: &TemplateName,
) -> Result<(), Problem> {
    registry.memberships(&caller.user).await?;
    registry.grants(name).await?;
    Ok(())
}

/// The same of one template among many: not all that it was given to is read, but what was given to the caller
/// and, where they are few, to the caller's projects.
pub(super) async fn to_listed_template(
    registry: &Registry,
    caller: &Caller,
    template: &Template,
) -> Result<BTreeSet<Relation>, Problem> {
    let read = async |memberships: &Memberships| {
        // Of a private template there are no grants to read; the record that says so is as new as they.
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
            // AWS lets other accounts launch; users of this deployment are none of theirs.
            Grantee::User(_) | Grantee::Account(_) | Grantee::Organization(_) => continue,
            Grantee::Public => Relation::Public,
        };
        relations.insert(relation);
    }
    Ok(relations)
}

/// All that the caller is to a save. Who manages the project that pays for it sees it, once it was
/// found that its saver may have the project pay.
pub(super) async fn to_save(
    registry: &Registry,
    caller: &Caller,
    record: &SaveRecord,
) -> Result<BTreeSet<Relation>, Problem> {
    if record.saved_by == caller.user {
        return Ok([Relation::Owner].into());
    }
    let mut relations = BTreeSet::from([Relation::Stranger]);
    // Also where nobody manages it: how long it takes does not tell what there is.
    let memberships = registry.memberships(&caller.user).await?.value;
    let role = record
        .charged()
        .and_then(|project| memberships.roles.get(project));
    if let Some(role) = role.filter(|role| role.manages()) {
        relations.insert(Relation::of_role(*role));
    }
    Ok(relations)
}
