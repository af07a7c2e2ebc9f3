//! Versions and templates that are being deleted.

use super::Env;
use crate::domain::template::{Template, TemplateState, Version};
use crate::domain::{Code, InstanceId, Problem, Timestamp};
use crate::registry::{Batch, Stored, version_changed};

/// Creates the problem that a template is being deleted. For the owner, it says what blocks the deletion.
pub(crate) fn being_deleted(code: Code, template: &Template, to_owner: bool) -> Problem {
    let name = &template.name;
    match template.stuck.as_ref().filter(|_| to_owner) {
        Some(stuck) => {
            let message = format!(
                "The template {name} is being deleted, but the deletion cannot continue: {}",
                stuck.message
            );
            Problem::new(code, message).hint(format!(
                "{} The deletion then continues automatically, or immediately: prism template delete {name}",
                stuck.hint
            ))
        }
        None => Problem::new(code, format!("The template {name} is being deleted."))
            .hint("Try again in a few minutes."),
    }
}

/// Returns the writes that mark a version's record as deleted and leave everything else in it unchanged.
pub(crate) fn deleted(before: &Stored<Version>, at: Timestamp) -> Result<Batch, Problem> {
    let mut after = before.value.clone();
    after.state = TemplateState::Deleted;
    after.deleted_at = Some(at);
    version_changed(before, &after)
}

/// Returns the instance that a version was saved from, if it is known.
pub(crate) async fn saved_from(
    env: &Env,
    version: &Version,
) -> Result<Option<InstanceId>, Problem> {
    if version.saved_from_id.is_some() || version.imported_by.is_some() {
        return Ok(version.saved_from_id.clone());
    }
    let save = env.registry.save(&version.save_id).await?;
    Ok(save.and_then(|save| Some(save.value.instance().ok()?.id.clone())))
}
