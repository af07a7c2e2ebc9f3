//! A copy of a version to further Regions, long after its save: what is asked, and what it copies.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ec2::Architecture;
use super::save_plan::Warning;
use super::save_request::COPY_REGIONS;
use super::template::TemplateRef;
use super::{Code, ImageId, Problem, Region, TemplateName};

/// What somebody asks for: this version in those Regions too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyRequest {
    /// The template.
    pub template: TemplateName,
    /// The number of the version.
    pub version: u32,
    /// The Regions that it lacks.
    pub regions: BTreeSet<Region>,
    /// Whether whoever asks consents to show the sensitive files of the version once more to all who see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_sensitive: bool,
}

impl CopyRequest {
    /// Checks what can be checked without asking anybody.
    pub fn check(&self) -> Result<(), Problem> {
        let count = self.regions.len();
        if (1..=COPY_REGIONS).contains(&count) {
            return Ok(());
        }
        let message = format!("{count} Regions are named; a copy takes 1 to {COPY_REGIONS}.");
        Err(Problem::new(Code::InvalidRegion, message))
    }

    /// The version, as it is typed.
    pub fn reference(&self) -> TemplateRef {
        TemplateRef {
            name: self.template.clone(),
            version: Some(self.version),
        }
    }
}

/// What a copy copies: a version that is there, by one of its AMIs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CopySource {
    /// The number of the version.
    pub version: u32,
    /// The Region of the AMI.
    pub region: Region,
    /// The AMI.
    pub image: ImageId,
    /// The architecture that it is for; none in records that are older than this, of which it is the version's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The AMIs that were gone where it is copied to, by Region: the copy takes their place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replaces: BTreeMap<Region, ImageId>,
}

/// What a copy will do, known before anything is begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CopyPlan {
    /// The template.
    pub template: TemplateName,
    /// What is copied.
    pub source: CopySource,
    /// The Regions that it is copied to.
    pub regions: BTreeSet<Region>,
    /// How much is copied to each Region, in bytes, at most.
    pub bytes: u64,
    /// At most what the copies will cost a month in all these Regions together, in USD.
    pub usd_per_month_at_most: f64,
    /// What does not prevent the copy and should be known.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// The command that copies a version to a Region that it lacks.
pub fn command(template: &TemplateName, version: u32, region: &Region) -> String {
    format!("prism template copy {template}@{version} --region {region}")
}
