//! The tags by which Prism recognizes its own resources.

use std::collections::BTreeSet;

use crate::domain::resource_tags::ResourceTags;
use crate::domain::save::{SaveRecord, SaveRequest};
use crate::domain::tags::{
    ATTEMPT_TAG, DEPLOYMENT_TAG, OWNER_TAG, PROJECT_TAG, SAVE_TAG, TEMPLATE_TAG,
};
use crate::domain::{DeploymentId, InstanceId, SaveId, UserId, text};
use crate::ports::{NewImage, Tags};

#[derive(Debug, Clone, Copy)]
pub(super) struct AskedFor<'a> {
    pub(super) deployment: &'a DeploymentId,
    pub(super) save: &'a SaveId,
    pub(super) by: &'a UserId,
    pub(super) request: &'a SaveRequest,
    pub(super) instance: &'a InstanceId,
    pub(super) named: &'a str,
    pub(super) reboot: bool,
    /// The device names of the volumes to leave out.
    pub(super) exclude: &'a BTreeSet<String>,
    /// The deployment's own tags.
    pub(super) tags: &'a ResourceTags,
}

impl AskedFor<'_> {
    /// Returns the CreateImage request of the given attempt; the DryRun before the stop uses the first.
    pub(super) fn image(self, attempt: u32) -> NewImage {
        let mut tags = of(self.deployment, self.save, self.by, self.request, self.tags);
        tags.insert(ATTEMPT_TAG.to_owned(), attempt.to_string());
        NewImage {
            instance: self.instance.clone(),
            name: self.request.image_name(self.save),
            description: describe(self.request, self.named),
            tags,
            reboot: self.reboot,
            exclude: self.exclude.clone(),
        }
    }
}

/// Returns the tags of the copies of a save's AMI and of their snapshots.
pub(super) fn of_image(record: &SaveRecord, deployment: &DeploymentId, own: &ResourceTags) -> Tags {
    of(
        deployment,
        &record.save_id,
        &record.saved_by,
        &record.request,
        own,
    )
}

fn of(
    deployment: &DeploymentId,
    save: &SaveId,
    by: &UserId,
    request: &SaveRequest,
    own: &ResourceTags,
) -> Tags {
    let mut tags: Tags = request.tags.clone();
    tags.extend(own.all().clone());
    tags.insert("Name".to_owned(), request.image_name(save));
    tags.insert(DEPLOYMENT_TAG.to_owned(), deployment.to_string());
    tags.insert(SAVE_TAG.to_owned(), save.to_string());
    tags.insert(TEMPLATE_TAG.to_owned(), request.template.to_string());
    tags.insert(OWNER_TAG.to_owned(), by.to_string());
    if let Some(project) = &request.project {
        tags.insert(PROJECT_TAG.to_owned(), project.to_string());
    }
    tags
}

/// Returns the number of the CreateImage request that created the resource, if its tags contain it.
pub(super) fn attempt(tags: &Tags) -> Option<u32> {
    tags.get(ATTEMPT_TAG)?.parse().ok()
}

pub(super) fn description(record: &SaveRecord) -> String {
    let named = record.plan.as_ref().map(|plan| &plan.instance.name);
    describe(&record.request, named.unwrap_or(&record.request.instance))
}

/// Returns the user's description, or otherwise a description of the source.
fn describe(request: &SaveRequest, named: &str) -> String {
    if request.description.is_empty() {
        text::ascii(&format!("Saved from {named}"))
    } else {
        text::ascii(&request.description)
    }
}
