//! What somebody asks for: a save.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::problem::{Code, Problem};
use super::text::{check_name, check_tag, check_text};
use super::{ProjectName, Region, SaveId, TemplateName};

/// The most Regions that one save copies to. It keeps the history of the longest execution under
/// Step Functions' 25,000 events.
pub const COPY_REGIONS: usize = 10;
/// The most tags of the user's own.
pub const USER_TAGS: usize = 20;

/// What somebody asks for: save this instance as that template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveRequest {
    /// The instance, by its name or its id.
    #[schema(min_length = 1, max_length = 128)]
    pub instance: String,
    /// The template that the save makes, or makes the next version of.
    pub template: TemplateName,
    /// The Region of the instance.
    pub region: Region,
    /// What the template is for, at most 255 characters.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub description: String,
    /// The Regions to copy the AMI to.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub copy_to: BTreeSet<Region>,
    /// Whether everybody may use the template.
    #[serde(default)]
    pub public: bool,
    /// The project that the template belongs to.
    #[serde(default)]
    pub project: Option<ProjectName>,
    /// Consent to what the plan says under `moves`: that the template goes to the named project with all of its
    /// versions and what they cost. Without it, such a save is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub move_template: bool,
    /// Tags of the user's own for the AMIs and their snapshots.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The name of the instance, given again by a user who accepts that the data in its instance
    /// store is lost.
    #[serde(default)]
    pub accept_instance_store_loss: Option<String>,
    /// Whether whoever asks consents to show files that are known to be sensitive, or that nobody has looked
    /// for, to all who see the template.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_sensitive: bool,
    /// Whether the AMI becomes that of a further architecture of a version that is there, rather
    /// than a version of its own.
    #[serde(default)]
    pub add_arch: bool,
    /// The version that `add_arch` adds to; the latest where none is named.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub version: Option<u32>,
}

impl SaveRequest {
    /// The name of its AMI in every Region, for the save of that id.
    pub(crate) fn image_name(&self, save: &SaveId) -> String {
        format!("prism-{}-{save}", self.template)
    }

    /// Checks what can be checked without asking anybody.
    pub fn check(&self) -> Result<(), Problem> {
        check_name("instance name or id", &self.instance)?;
        check_text("description", &self.description)?;
        if self.copy_to.len() > COPY_REGIONS {
            let message = format!(
                "{} Regions are named; a save copies to at most {COPY_REGIONS}.",
                self.copy_to.len()
            );
            return Err(Problem::new(Code::InvalidRegion, message));
        }
        if self.tags.len() > USER_TAGS {
            let message = format!(
                "{} tags are given; at most {USER_TAGS} can be.",
                self.tags.len()
            );
            return Err(Problem::new(Code::InvalidTag, message));
        }
        self.check_addition()?;
        self.tags
            .iter()
            .try_for_each(|(key, value)| check_tag(key, value))
    }

    /// Whether it is the same request. What was agreed to makes it no other one.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let bare = |request: &Self| Self {
            move_template: false,
            publish_sensitive: false,
            ..request.clone()
        };
        bare(self) == bare(other)
    }

    /// What is added to a version changes nothing else about it (promise P6).
    fn check_addition(&self) -> Result<(), Problem> {
        let wrong = match (self.add_arch, self.version) {
            (false, Some(_)) => Some(
                "version: a save makes the next version; only an architecture can be added to one that is there",
            ),
            (true, Some(0)) => Some("version: versions are numbered from 1"),
            (true, _) if self.public || self.project.is_some() || !self.description.is_empty() => {
                Some(
                    "add_arch: an added architecture changes no description, project or visibility",
                )
            }
            (false, None) | (true, _) => None,
        };
        wrong.map_or(Ok(()), |what| {
            let message = format!("The request cannot be met: {what}.");
            Err(Problem::new(Code::InvalidInput, message))
        })
    }
}
