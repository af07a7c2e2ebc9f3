//! The plan of a save, created before the instance is touched.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ec2::{Architecture, InstanceState};
use super::how::How;
use super::save_request::SaveRequest;
use super::sensitive::ShownFile;
use super::{
    Code, InstanceId, Problem, ProjectName, Region, SaveId, TemplateName, UserId, VolumeId,
};

/// A volume of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SavedVolume {
    /// The ID of the volume.
    pub id: VolumeId,
    /// The device name, such as `/dev/sdf`.
    pub device: String,
    /// The size in GiB.
    pub size_gib: u32,
}

/// The instance at the time when the save was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SavedInstance {
    /// The instance ID.
    pub id: InstanceId,
    /// The name of the instance, or its ID if it has no name.
    pub name: String,
    /// The state to which the instance returns: running or stopped.
    pub original_state: InstanceState,
    /// The instance type.
    pub instance_type: String,
    /// The processor architecture.
    pub architecture: Architecture,
    /// The name of the root device.
    pub root_device: String,
    /// The volumes that the AMI contains, and their sizes in GiB.
    pub volumes: BTreeMap<VolumeId, u32>,
    /// The size of the root volume in GiB.
    pub root_size_gib: u32,
    /// The volumes that the AMI contains, with their device names. Empty in records from earlier releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captured: Vec<SavedVolume>,
    /// The volumes that are left out of the AMI.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<SavedVolume>,
    /// The template version that the instance was launched from, in the form `name@version`, if known.
    pub launched_from: Option<String>,
    /// The user name to log in with.
    pub login: Option<String>,
    /// The open TCP ports.
    pub ports: Vec<u16>,
}

/// A warning that does not prevent the save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Warning {
    /// A stable code, such as `PublicIpChanges`.
    pub code: String,
    /// The warning, in a sentence.
    pub text: String,
}

/// The plan of a save, created before the instance is touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SavePlan {
    /// The ID of the save.
    pub save_id: SaveId,
    /// The request.
    pub request: SaveRequest,
    /// The user who requested the save.
    pub saved_by: UserId,
    /// The instance to save.
    pub instance: SavedInstance,
    /// The number that the version will most likely have. The actual number is assigned at the end.
    pub next_version: u32,
    /// The version that the save adds an architecture to, if it does not create a version.
    #[serde(default)]
    pub adds_to: Option<u32>,
    /// The steps in order, as sentences.
    pub steps: Vec<String>,
    /// The expected downtime of the instance, in seconds; 0 if it is already stopped.
    pub expected_downtime_s: u32,
    /// The KMS keys that encrypt the copies, by Region: the ARN of a key, or `aws/ebs` for the AWS managed key. Copies in
    /// other Regions are not encrypted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub copy_keys: BTreeMap<Region, String>,
    /// The maximum cost of the snapshots in all Regions, in USD per month at the prices of us-east-1.
    pub usd_per_month_at_most: f64,
    /// The project that pays for the snapshots: the one named in the request, or the template's project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_by: Option<ProjectName>,
    /// The move of the template to that project, if the template is in another project or in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<TemplateMove>,
    /// Warnings that do not prevent the save.
    pub warnings: Vec<Warning>,
    /// Who else will be able to launch the version, in words, such as `the user ben` or `everybody`; absent if nobody else
    /// will. Those with whom the template is shared are named only to callers who may see its shares. The list is created
    /// for the caller and is not stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visible_to: Vec<String>,
    /// All of the sensitive files that others will see. The list is created for the caller and is not stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shows: Vec<ShownFile>,
}

/// The move of a template, with all of its versions, to another project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateMove {
    /// The project that the template leaves, if any.
    #[serde(default)]
    pub from: Option<ProjectName>,
    /// The project that the template moves to.
    pub to: ProjectName,
    /// The number of the newest version. All existing versions up to this number move.
    pub up_to_version: u32,
    /// The maximum cost of the versions that move, in USD per month at the prices of us-east-1. The new project pays it
    /// from then on.
    pub usd_per_month: f64,
}

impl SavePlan {
    /// Whether the save stops the instance, and starts it again.
    pub fn stops(&self) -> bool {
        self.captures_running(How::Stop)
    }

    /// Whether the save has EC2 reboot the instance.
    pub fn reboots(&self) -> bool {
        self.captures_running(How::Reboot)
    }

    fn captures_running(&self, how: How) -> bool {
        self.instance.original_state == InstanceState::Running && self.request.how == how
    }

    /// Returns an error if the save moves a template to another project without the caller's agreement.
    pub fn check_agreed(&self) -> Result<(), Problem> {
        match &self.moves {
            Some(moves) if !self.request.move_template => {
                let name = &self.request.template;
                Err(move_not_agreed(name, moves.from.as_ref(), &moves.to))
            }
            _ => Ok(()),
        }
    }
}

/// The error for a save that would move its template without the caller's agreement.
pub fn move_not_agreed(
    name: &TemplateName,
    from: Option<&ProjectName>,
    to: &ProjectName,
) -> Problem {
    let from = from.map_or("no project".to_owned(), |it| format!("the project {it}"));
    let message = format!(
        "The template {name} is in {from}: the save would move it to the project {to}, with all of its versions and their costs."
    );
    Problem::new(Code::MoveNotAgreed, message)
}
