//! The request for a save.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::how::How;
use super::problem::{Code, Problem};
use super::text::{check_name, check_tag, check_text};
use super::{ProjectName, Region, SaveId, TemplateName};

/// The maximum number of Regions that one save copies to. It keeps the history of the longest execution below the Step
/// Functions limit of 25,000 events.
pub const COPY_REGIONS: usize = 10;
/// The maximum number of volumes that a save leaves out. Most instance types can have at most 40 volumes.
const EXCLUDED_VOLUMES: usize = 40;
/// The maximum number of user-defined tags.
pub const USER_TAGS: usize = 20;

/// A request to save an instance as a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveRequest {
    /// The name or ID of the instance.
    #[schema(min_length = 1, max_length = 128)]
    pub instance: String,
    /// The template to create, or to create the next version of.
    pub template: TemplateName,
    /// The Region of the instance.
    pub region: Region,
    /// How the instance is captured if it is running.
    #[serde(default, skip_serializing_if = "How::is_stop")]
    pub how: How,
    /// The purpose of the template, at most 255 characters.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub description: String,
    /// The Regions to copy the AMI to.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub copy_to: BTreeSet<Region>,
    /// Whether to make the template public. The deployment's settings say who can then use it.
    #[serde(default)]
    pub public: bool,
    /// The project to put the template into. By default, an existing template stays where it is.
    #[serde(default)]
    pub project: Option<ProjectName>,
    /// Consent to the move described under `moves` in the plan: the template moves to the named project with all of
    /// its versions and their costs. Without consent, such a save is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub move_template: bool,
    /// The volumes to leave out of the AMI, each by its device name, such as `/dev/sdf`, or its ID. The root volume cannot
    /// be left out.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(max_items = 40)]
    pub exclude_volumes: BTreeSet<String>,
    /// User-defined tags for the AMIs and their snapshots.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The name of the instance, repeated to confirm that the data in its instance store may be lost.
    #[serde(default)]
    pub accept_instance_store_loss: Option<String>,
    /// Consent to show sensitive files to everyone who can see the template. This includes files that are known to be
    /// sensitive, and instances whose files were not checked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_sensitive: bool,
    /// Whether the template's latest version stays the one that it is. The name of the template refers to the new version
    /// only after a rollback to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclude_from_latest: bool,
    /// Whether to add the AMI as a further architecture to an existing version instead of creating a version.
    #[serde(default)]
    pub add_arch: bool,
    /// The version that `add_arch` adds to. Defaults to the latest version.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub version: Option<u32>,
}

/// Checks the volumes to leave out: device names and volume IDs.
pub(crate) fn check_excluded(volumes: &BTreeSet<String>) -> Result<(), Problem> {
    if volumes.len() > EXCLUDED_VOLUMES {
        let message = format!(
            "There are {} volumes to leave out (exclude_volumes); the maximum is {EXCLUDED_VOLUMES}.",
            volumes.len()
        );
        return Err(Problem::new(Code::InvalidInput, message));
    }
    let what = "device name or volume ID (exclude_volumes)";
    volumes
        .iter()
        .try_for_each(|volume| check_name(what, volume))
}

impl SaveRequest {
    /// The name of the AMI in every Region for the save with this ID.
    pub(crate) fn image_name(&self, save: &SaveId) -> String {
        format!("prism-{}-{save}", self.template)
    }

    /// Checks everything that does not require other data.
    pub fn check(&self) -> Result<(), Problem> {
        check_name("instance name or ID", &self.instance)?;
        check_text("description", &self.description)?;
        if self.copy_to.len() > COPY_REGIONS {
            let message = format!(
                "The request has {} Regions; a save can copy to at most {COPY_REGIONS}.",
                self.copy_to.len()
            );
            return Err(Problem::new(Code::InvalidRegion, message));
        }
        check_excluded(&self.exclude_volumes)?;
        if self.tags.len() > USER_TAGS {
            let message = format!(
                "There are {} tags; the maximum is {USER_TAGS}.",
                self.tags.len()
            );
            return Err(Problem::new(Code::InvalidTag, message));
        }
        self.check_addition()?;
        self.tags
            .iter()
            .try_for_each(|(key, value)| check_tag(key, value))
    }

    /// Whether the other request asks for the same save. Consents are not compared.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let bare = |request: &Self| Self {
            move_template: false,
            publish_sensitive: false,
            ..request.clone()
        };
        bare(self) == bare(other)
    }

    /// Adding an architecture must not change anything else about the version (promise P6).
    fn check_addition(&self) -> Result<(), Problem> {
        let wrong = match (self.add_arch, self.version) {
            (false, Some(_)) => Some(
                "version: a save creates the next version; only an architecture can be added to an existing one",
            ),
            (true, Some(0)) => Some("version: versions are numbered from 1"),
            (true, _) if self.public || self.project.is_some() || !self.description.is_empty() => {
                Some(
                    "add_arch: an added architecture cannot change the description, project or visibility",
                )
            }
            (true, _) if self.exclude_from_latest => {
                Some("exclude_from_latest: an added architecture creates no version")
            }
            (false, None) | (true, _) => None,
        };
        wrong.map_or(Ok(()), |what| {
            let message = format!("The request is not valid: {what}.");
            Err(Problem::new(Code::InvalidInput, message))
        })
    }
}
