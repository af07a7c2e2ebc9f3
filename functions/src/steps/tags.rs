//! The tags by which Prism knows its own again.

use crate::domain::save::SaveRecord;
use crate::ports::Tags;
use crate::service::access::OWNER_TAG;

/// On AMIs and snapshots: the save that made them.
pub const SAVE_TAG: &str = "prism:save-id";
/// On the AMI of a save and its snapshots: which of the save's requests for the AMI made them, counted from 1.
pub const ATTEMPT_TAG: &str = "prism:attempt";
/// On instances, AMIs and snapshots: the template.
pub const TEMPLATE_TAG: &str = "prism:template";
/// On instances, AMIs and snapshots: the project.
pub const PROJECT_TAG: &str = "prism:project";
/// On instances: the user to log in as.
pub const LOGIN_TAG: &str = "prism:login";
/// On instances: the open TCP ports, with spaces between.
pub const PORTS_TAG: &str = "prism:ports";

/// The tags of the AMI of a save and of its snapshots.
pub(super) fn of_image(record: &SaveRecord) -> Tags {
    let request = &record.request;
    let mut tags: Tags = request.tags.clone();
    tags.insert("Name".to_owned(), record.image_name());
    tags.insert(SAVE_TAG.to_owned(), record.save_id.to_string());
    tags.insert(TEMPLATE_TAG.to_owned(), request.template.to_string());
    tags.insert(OWNER_TAG.to_owned(), record.saved_by.to_string());
    if let Some(project) = &request.project {
        tags.insert(PROJECT_TAG.to_owned(), project.to_string());
    }
    tags
}

/// Which request for an AMI made what has these tags, where they tell.
pub(super) fn attempt(tags: &Tags) -> Option<u32> {
    tags.get(ATTEMPT_TAG)?.parse().ok()
}

/// The description of the AMI: what the user wrote, or where it comes from.
pub(super) fn description(record: &SaveRecord) -> String {
    let request = &record.request;
    if request.description.is_empty() {
        // An AMI's description may have 255 characters; an instance's name has at most 128.
        let named = record.plan.as_ref().map(|plan| &plan.instance.name);
        format!("Saved from {}", named.unwrap_or(&request.instance))
    } else {
        request.description.clone()
    }
}
