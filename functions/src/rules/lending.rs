//! AMIs that a template has from another template, by an import. A user who imported them may launch them, but has no
//! right to share them: that is decided by those who may open the AMIs of the template that created them (promise P10).
//!
//! If the importer might open the AMIs as well, the imported version is like any other. If the importer might only
//! launch them, the version is borrowed: only the importer can use it, and only while the other template exists and
//! lets them launch it.

use std::collections::BTreeSet;

use super::access::{Action, Caller};
use crate::domain::template::{Template, TemplateRef, TemplateState, Version};
use crate::domain::{Code, ImageId, Problem, Region, TemplateName};
use crate::registry::{Registry, Stored};

/// The maximum number of versions of one AMI that are read.
const USERS: usize = 200;

/// Returns the templates, except `but`, that decide about an AMI: those whose saves created it or, if no save did or
/// that template is gone, all templates that have it.
pub(crate) async fn lenders(
    registry: &Registry,
    region: &Region,
    image: &ImageId,
    but: &TemplateName,
) -> Result<Vec<Template>, Problem> {
    let makers = makers(registry, region, image, but).await?;
    if makers.is_empty() {
        return havers(registry, region, image, but).await;
    }
    Ok(makers)
}

/// Returns the templates, except `but`, that have an AMI without borrowing it.
async fn havers(
    registry: &Registry,
    region: &Region,
    image: &ImageId,
    but: &TemplateName,
) -> Result<Vec<Template>, Problem> {
    let users = registry.users_of(region, image, USERS).await?;
    let mut names: BTreeSet<_> = users.into_iter().map(|user| user.name).collect();
    names.remove(but);
    templates(registry, names).await
}

/// Returns the templates, except `but`, whose saves created an AMI.
async fn makers(
    registry: &Registry,
    region: &Region,
    image: &ImageId,
    but: &TemplateName,
) -> Result<Vec<Template>, Problem> {
    let mut names = BTreeSet::new();
    for user in registry.users_of(region, image, USERS).await? {
        let Some(number) = user.version.filter(|_| user.name != *but) else {
            continue;
        };
        let version = registry.version(&user.name, number).await?;
        if version.is_some_and(|version| version.imported_by.is_none()) {
            names.insert(user.name);
        }
    }
    templates(registry, names).await
}

async fn templates(
    registry: &Registry,
    names: BTreeSet<TemplateName>,
) -> Result<Vec<Template>, Problem> {
    let mut found = Vec::new();
    for name in names {
        let stored = registry.template(&name).await?.map(|stored| stored.value);
        found.extend(stored.filter(|it| it.state != TemplateState::Deleted));
    }
    Ok(found)
}

pub(crate) async fn may_all(
    registry: &Registry,
    caller: &Caller,
    action: Action,
    templates: &[Template],
) -> Result<bool, Problem> {
    for template in templates {
        if !caller.may_template(registry, action, template).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(crate) async fn may_any(
    registry: &Registry,
    caller: &Caller,
    action: Action,
    templates: &[Template],
) -> Result<bool, Problem> {
    for template in templates {
        if caller.may_template(registry, action, template).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether the AMIs of a version are borrowed from a template that its importer might not open. If this was not
/// recorded at the import, the current rights of the importer decide.
pub(crate) async fn is_borrowed(registry: &Registry, version: &Version) -> Result<bool, Problem> {
    match (&version.imported_by, version.borrowed) {
        (None, _) => Ok(false),
        (Some(_), Some(borrowed)) => Ok(borrowed),
        (Some(importer), None) => {
            let importer = Caller::new(importer.clone());
            Ok(!may_open(registry, &importer, version).await?)
        }
    }
}

/// Returns whether the caller may open the AMIs of an imported version, as far as other templates decide that.
async fn may_open(
    registry: &Registry,
    caller: &Caller,
    version: &Version,
) -> Result<bool, Problem> {
    for (region, image) in version.images() {
        let makers = makers(registry, region, image, &version.template).await?;
        if !may_all(registry, caller, Action::Open, &makers).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns those of the templates with an AMI whose grants decide whom it is open to: all that do not borrow it.
pub(crate) async fn of_their_own<'a>(
    registry: &Registry,
    users: &'a [TemplateRef],
) -> Result<BTreeSet<&'a TemplateName>, Problem> {
    // An AMI that only one template has is its own.
    if users.iter().all(|user| user.name == users[0].name) {
        return Ok(users.iter().map(|user| &user.name).collect());
    }
    let mut names = BTreeSet::new();
    for user in users {
        let version = match user.version {
            Some(number) => registry.version(&user.name, number).await?,
            None => None,
        };
        let lent = match version {
            Some(version) => is_borrowed(registry, &version).await?,
            None => false,
        };
        if !lent {
            names.insert(&user.name);
        }
    }
    Ok(names)
}

/// Refuses to share a template, or to move it to a project, if it has AMIs of others that the caller may not open.
pub(crate) async fn check_given(
    registry: &Registry,
    caller: &Caller,
    template: &Template,
) -> Result<(), Problem> {
    if !template.borrows {
        return Ok(());
    }
    let versions = registry.all_versions(&template.name).await?;
    check_versions_given(registry, caller, &versions).await
}

/// Refuses the same for versions. If it was not recorded whether they are borrowed, only their AMIs can show it.
pub(crate) async fn check_versions_given(
    registry: &Registry,
    caller: &Caller,
    versions: &[Version],
) -> Result<(), Problem> {
    for version in versions.iter().filter(|it| it.imported_by.is_some()) {
        let lent = is_borrowed(registry, version).await?;
        if lent || !may_open(registry, caller, version).await? {
            return Err(not_to_give(version));
        }
    }
    Ok(())
}

/// Refuses to import borrowed AMIs into a template that is shared or belongs to a project.
pub(crate) async fn check_borrowing(
    registry: &Registry,
    caller: &Caller,
    before: Option<&Stored<Template>>,
    borrowed: bool,
) -> Result<(), Problem> {
    let there = before.map(|stored| &stored.value);
    let there = there.filter(|it| borrowed && it.state != TemplateState::Deleted);
    let Some(template) = there else {
        return Ok(());
    };
    let alone = template.owner == caller.user && template.project.is_none();
    if alone && registry.grants(&template.name).await?.is_empty() {
        return Ok(());
    }
    let message = format!(
        "The file has AMIs of a template that you may not share, and {} is visible to others.",
        template.name
    );
    Err(Problem::new(Code::ShareImpossible, message)
        .hint("Import it under another name with --name."))
}

fn not_to_give(version: &Version) -> Problem {
    let message = format!(
        "{} has AMIs of another template, which you may not share.",
        version.reference()
    );
    Problem::new(Code::ShareImpossible, message)
        .hint("Launch it and save the instance as another template, or delete the version first.")
}

/// Refuses to launch an AMI of a version that borrows it from a template which the caller may not launch.
pub(crate) async fn check_lent(
    registry: &Registry,
    caller: &Caller,
    version: &Version,
    region: &Region,
    image: &ImageId,
) -> Result<(), Problem> {
    if version.imported_by.is_none() || version.borrowed == Some(false) {
        return Ok(());
    }
    let but = &version.template;
    let allowed = if version.borrowed == Some(true) {
        let havers = havers(registry, region, image, but).await?;
        may_any(registry, caller, Action::Launch, &havers).await?
    } else {
        let makers = makers(registry, region, image, but).await?;
        makers.is_empty()
            || !is_borrowed(registry, version).await?
            || may_any(registry, caller, Action::Launch, &makers).await?
    };
    if allowed {
        return Ok(());
    }
    let message = format!(
        "{} has the AMI {image} from another template, which you may no longer launch.",
        version.reference()
    );
    Err(Problem::new(Code::ImageNotUsable, message)
        .hint("Ask the owner of the template that it was imported from to share it with you."))
}
