//! Copying an existing version to further Regions, after its save has ended: the request and the source of the copy.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ec2::Architecture;
use super::save_plan::Warning;
use super::save_request::COPY_REGIONS;
use super::template::TemplateRef;
use super::{Code, ImageId, Problem, Region, TemplateName};

/// A request to copy a version to further Regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyRequest {
    pub template: TemplateName,
    pub version: u32,
    pub regions: BTreeSet<Region>,
    /// Whether the caller consents to show the version's sensitive files again to everyone who can see the version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_sensitive: bool,
}

impl CopyRequest {
    /// Checks everything that does not require other data.
    pub fn check(&self) -> Result<(), Problem> {
        let count = self.regions.len();
        if (1..=COPY_REGIONS).contains(&count) {
            return Ok(());
        }
        let message =
            format!("The request has {count} Regions; a copy must have 1 to {COPY_REGIONS}.");
        Err(Problem::new(Code::InvalidRegion, message))
    }

    /// The version in the form `name@3`.
    pub fn reference(&self) -> TemplateRef {
        TemplateRef {
            name: self.template.clone(),
            version: Some(self.version),
        }
    }
}

/// The source of a copy: an existing version and one of its AMIs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CopySource {
    /// The number of the version.
    pub version: u32,
    /// The Region of the source AMI.
    pub region: Region,
    /// The source AMI.
    pub image: ImageId,
    /// The architecture of the AMI. Absent in older records, which means the version's own architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// By destination Region, the AMIs of the version that no longer exist there. The copy replaces them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replaces: BTreeMap<Region, ImageId>,
}

/// What a copy will do, computed before the copy begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CopyPlan {
    /// The name of the template.
    pub template: TemplateName,
    /// The version and AMI that are copied.
    pub source: CopySource,
    /// The destination Regions.
    pub regions: BTreeSet<Region>,
    /// The maximum amount of data that is copied to each Region, in bytes.
    pub bytes: u64,
    /// The maximum total cost of the copies in all destination Regions, in USD per month at the prices of us-east-1.
    pub usd_per_month_at_most: f64,
    /// The KMS keys that encrypt the copies, by Region: the ARN of a key, or `aws/ebs` for the AWS managed key. Copies in
    /// other Regions are not encrypted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub copy_keys: BTreeMap<Region, String>,
    /// Warnings that do not prevent the copy.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// The command line that copies a version to another Region.
pub fn command(template: &TemplateName, version: u32, region: &Region) -> String {
    format!("prism template copy {template}@{version} --region {region}")
}
