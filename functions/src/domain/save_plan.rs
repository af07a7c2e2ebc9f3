//! What a save will do, known before anything is touched.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ec2::{Architecture, InstanceState};
use super::save_request::SaveRequest;
use super::sensitive::ShownFile;
use super::{Code, InstanceId, Problem, ProjectName, SaveId, TemplateName, UserId, VolumeId};

/// The instance as it was when the save was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SavedInstance {
    /// Its id.
    pub id: InstanceId,
    /// Its name, or its id where it has none.
    pub name: String,
    /// Running or stopped: the state it returns to.
    pub original_state: InstanceState,
    /// Its type.
    pub instance_type: String,
    /// Its architecture.
    pub architecture: Architecture,
    /// The name of its root device.
    pub root_device: String,
    /// Its volumes and their sizes in GiB.
    pub volumes: BTreeMap<VolumeId, u32>,
    /// The size of its root volume in GiB.
    pub root_size_gib: u32,
    /// The template it was launched from, where it says so: `name@version`.
    pub launched_from: Option<String>,
    /// The user to log in as.
    pub login: Option<String>,
    /// The TCP ports that are open.
    pub ports: Vec<u16>,
}

/// Something to know before the save begins that does not prevent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Warning {
    /// A stable name, such as `PublicIpChanges`.
    pub code: String,
    /// A sentence.
    pub text: String,
}

/// What a save will do, known before anything is touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SavePlan {
    /// The save.
    pub save_id: SaveId,
    /// What was asked.
    pub request: SaveRequest,
    /// Who asked.
    pub saved_by: UserId,
    /// The instance.
    pub instance: SavedInstance,
    /// The version that it will most likely be; the true one is known at the end.
    pub next_version: u32,
    /// The version that it adds an architecture to, where it makes none of its own.
    #[serde(default)]
    pub adds_to: Option<u32>,
    /// The steps in their order, as sentences.
    pub steps: Vec<String>,
    /// How long the instance is likely to be down, in seconds; 0 when it is stopped already.
    pub expected_downtime_s: u32,
    /// At most what the snapshots will cost a month in all Regions, in USD.
    pub usd_per_month_at_most: f64,
    /// The project that pays for that: the one that is named, or the template's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_by: Option<ProjectName>,
    /// What moves to that project with the save, where the template is in another one, or in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<TemplateMove>,
    /// What else to know.
    pub warnings: Vec<Warning>,
    /// The sensitive files that others will see, all of them. It is made for whoever asks, and not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shows: Vec<ShownFile>,
}

/// A template that goes to another project, with all of its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateMove {
    /// The project that it leaves, where it is in one.
    #[serde(default)]
    pub from: Option<ProjectName>,
    /// The project that it goes to.
    pub to: ProjectName,
    /// The number of its newest version: those up to it that are there move.
    pub up_to_version: u32,
    /// At most what these cost a month, in USD: the other project pays for them from then on.
    pub usd_per_month: f64,
}

impl SavePlan {
    /// Refuses what moves a template to another project where nobody has agreed to that.
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

/// The refusal of a save that would move its template without anybody's word.
pub fn move_not_agreed(
    name: &TemplateName,
    from: Option<&ProjectName>,
    to: &ProjectName,
) -> Problem {
    let from = from.map_or("no project".to_owned(), |it| format!("the project {it}"));
    let message = format!(
        "The template {name} is in {from}: the save would move it to the project {to}, with all of its versions and what they cost."
    );
    Problem::new(Code::MoveNotAgreed, message)
}
