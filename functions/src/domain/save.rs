//! A save: what is asked, what is planned, and the record of how it went.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::audit::Origin;
use super::clock::is_future;
use super::copy::CopySource;
use super::guide::Guide;
use super::problem::{Code, Problem};
use super::text::check_tag;
use super::{
    ImageId, ProjectName, Region, SaveId, ScheduleName, SnapshotId, TemplateName, Timestamp,
    UserId, VolumeId,
};
use crate::ports::StatusChecks;

pub use super::duty::{Discharge, Duty, Finding, Trouble};
pub use super::save_plan::{SavePlan, SavedInstance, TemplateMove, Warning, move_not_agreed};
pub use super::save_state::SaveState;
pub use super::text::{check_name, check_text};

/// The most Regions that one save copies to. It keeps the history of the longest execution under
/// Step Functions' 25,000 events.
pub const COPY_REGIONS: usize = 10;
/// The most tags of the user's own.
pub const USER_TAGS: usize = 20;

/// What somebody asks for: save this instance as that template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SaveRequest {
    /// The instance, by its name or its id.
    #[cfg_attr(feature = "api", schema(min_length = 1, max_length = 128))]
    pub instance: String,
    /// The template that the save makes, or makes the next version of.
    pub template: TemplateName,
    /// The Region of the instance.
    pub region: Region,
    /// What the template is for, at most 255 characters.
    #[serde(default)]
    #[cfg_attr(feature = "api", schema(max_length = 255))]
    pub description: String,
    /// The Regions to copy the AMI to.
    #[serde(default)]
    #[cfg_attr(feature = "api", schema(max_items = 10))]
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
    #[cfg_attr(feature = "api", schema(minimum = 1))]
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

/// How a Region's copy stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RegionCopy {
    /// It is under way.
    Copying {
        /// The AMI.
        image: ImageId,
    },
    /// It can be launched.
    Available {
        /// The AMI.
        image: ImageId,
    },
    /// It failed; the version stands in its other Regions.
    Failed {
        /// The code of the failure.
        code: String,
        /// Its cause.
        cause: String,
    },
}

/// How a save ended when it did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct Failure {
    /// The code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The step that was under way, as far as it is known.
    pub step: String,
}

/// A step that was reached, for the story that `saves status` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// The step.
    pub step: String,
}

/// The most moments that a record keeps.
pub const MOMENTS: usize = 100;

/// The record of a save: all that its steps know, and all that its callers see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct SaveRecord {
    /// The save.
    pub save_id: SaveId,
    /// What was asked.
    pub request: SaveRequest,
    /// Who asked.
    pub saved_by: UserId,
    /// The schedule of theirs that asked for them.
    #[serde(default)]
    pub schedule: Option<ScheduleName>,
    /// From where it was asked for.
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
    /// What it copies, where it is the copy of a version and no save of an instance. It has no plan.
    #[serde(default)]
    pub copy_of: Option<CopySource>,
    /// The execution that works on it now.
    pub execution: String,
    /// Counts the executions that have worked on it. A step of an earlier one changes nothing.
    pub epoch: u32,
    /// When the last of the further ones was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_at: Option<Timestamp>,
    /// How it stands.
    pub state: SaveState,
    /// The step that is under way or was last.
    pub step: String,
    /// The steps that were reached.
    pub moments: Vec<Moment>,
    /// Whether whoever asked has consented to show what is known to be sensitive on the instance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub consented: bool,
    /// The plan; `None` when the save was refused before there was one.
    pub plan: Option<SavePlan>,
    /// When it began.
    pub started_at: Timestamp,
    /// When the record last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When the stop was about to be asked for. From here on the instance may be down.
    pub stop_requested_at: Option<Timestamp>,
    /// When the stop was last asked for again, for want of an answer: an earlier one may still take effect.
    #[serde(default)]
    pub stop_repeated_at: Option<Timestamp>,
    /// When the instance was first seen stopped.
    pub stopped_at: Option<Timestamp>,
    /// When CreateImage was about to be asked for.
    pub image_requested_at: Option<Timestamp>,
    /// When CreateImage was last asked for again, because no answer was known: an earlier request may
    /// still take effect.
    #[serde(default)]
    pub image_repeated_at: Option<Timestamp>,
    /// The volumes that were attached then, or when it was last asked for again: the AMI has these,
    /// and not those of the plan, where somebody has attached or detached one meanwhile.
    #[serde(default)]
    pub captured_volumes: Option<BTreeSet<VolumeId>>,
    /// How often CreateImage was about to be asked for.
    #[serde(default)]
    pub image_attempts: u32,
    /// Which of those requests made the AMI; `None` where the AMI does not tell.
    #[serde(default)]
    pub image_attempt: Option<u32>,
    /// When every volume was first seen to have its snapshot.
    pub snapshots_at: Option<Timestamp>,
    /// When the start was about to be asked for.
    pub start_requested_at: Option<Timestamp>,
    /// When it was last about to be asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_repeated_at: Option<Timestamp>,
    /// When the instance was first seen running again.
    pub running_at: Option<Timestamp>,
    /// How long the instance was down, in seconds, from the stop to the first sight of it running.
    pub downtime_s: Option<f64>,
    /// The status checks when it was seen running.
    pub status_checks: Option<StatusChecks>,
    /// The AMI in the instance's own Region.
    pub image: Option<ImageId>,
    /// The snapshots behind it.
    pub snapshots: Vec<SnapshotId>,
    /// How much of the snapshots is copied, in percent.
    pub progress_percent: Option<u8>,
    /// The full size of the snapshots in bytes, once known.
    pub snapshot_bytes: Option<u64>,
    /// When a copy was last about to be asked for.
    pub copy_requested_at: Option<Timestamp>,
    /// The copies by Region.
    pub copies: BTreeMap<Region, RegionCopy>,
    /// Where EC2 would not open its AMIs to all of those whom the template is shared with, and to whom not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub closed_in: BTreeMap<Region, String>,
    /// When it was last about to be changed whom its AMIs are open to. A run of RegisterTemplate that
    /// came to no end may still change it for a while after.
    #[serde(default)]
    pub opening_at: Option<Timestamp>,
    /// The version that was registered.
    pub version: Option<u32>,
    /// At most what the version costs a month in all its Regions, in USD.
    pub usd_per_month: Option<f64>,
    /// Who cancelled it.
    pub cancelled_by: Option<UserId>,
    /// When.
    #[serde(default)]
    pub cancelled_at: Option<Timestamp>,
    /// What ended the duty to bring the instance back.
    #[serde(default)]
    pub finding: Option<Finding>,
    /// What keeps the instance from being started, while something does.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// When the restore began.
    pub restore_began_at: Option<Timestamp>,
    /// How it failed.
    pub failure: Option<Failure>,
    /// What to do about an instance that does not come back. It is made for whoever reads the record,
    /// and not kept in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guide: Option<Guide>,
    /// When everything that the save had made was removed again.
    #[serde(default)]
    pub discarded_at: Option<Timestamp>,
    /// What could not be cleaned up, in a sentence.
    pub leftovers: Option<String>,
}

impl SaveRecord {
    /// A record at the very beginning of a save.
    pub fn new(
        save_id: SaveId,
        request: SaveRequest,
        saved_by: UserId,
        execution: String,
        at: Timestamp,
    ) -> Self {
        Self {
            save_id,
            request,
            saved_by,
            schedule: None,
            origin: Origin::default(),
            copy_of: None,
            execution,
            epoch: 1,
            recovered_at: None,
            state: SaveState::Running,
            step: "PlanSave".to_owned(),
            moments: vec![Moment {
                at,
                step: "PlanSave".to_owned(),
            }],
            consented: false,
            plan: None,
            started_at: at,
            updated_at: at,
            ended_at: None,
            stop_requested_at: None,
            stop_repeated_at: None,
            stopped_at: None,
            image_requested_at: None,
            image_repeated_at: None,
            captured_volumes: None,
            image_attempts: 0,
            image_attempt: None,
            snapshots_at: None,
            start_requested_at: None,
            start_repeated_at: None,
            running_at: None,
            downtime_s: None,
            status_checks: None,
            image: None,
            snapshots: Vec::new(),
            progress_percent: None,
            snapshot_bytes: None,
            copy_requested_at: None,
            copies: BTreeMap::new(),
            closed_in: BTreeMap::new(),
            opening_at: None,
            version: None,
            usd_per_month: None,
            cancelled_by: None,
            cancelled_at: None,
            finding: None,
            trouble: None,
            restore_began_at: None,
            failure: None,
            guide: None,
            discarded_at: None,
            leftovers: None,
        }
    }

    /// The name of the save's AMI in every Region: derived from the save id, so that a repeated
    /// CreateImage finds what the first one made (EC2 fact 3).
    pub fn image_name(&self) -> String {
        self.request.image_name(&self.save_id)
    }

    /// The plan, which every step after PlanSave can count on.
    pub fn plan(&self) -> Result<&SavePlan, Problem> {
        self.plan.as_ref().ok_or_else(|| self.lacks("plan"))
    }

    /// The instance as planned.
    pub fn instance(&self) -> Result<&SavedInstance, Problem> {
        self.plan().map(|plan| &plan.instance)
    }

    /// The AMI, which every step after CreateImage can count on.
    pub fn image(&self) -> Result<&ImageId, Problem> {
        self.image.as_ref().ok_or_else(|| self.lacks("AMI"))
    }

    /// What it is: `save` or `copy`.
    pub fn kind(&self) -> &'static str {
        if self.copy_of.is_some() {
            "copy"
        } else {
            "save"
        }
    }

    /// The AMI that copies are made of, and its Region.
    pub fn copied(&self) -> Result<(&Region, &ImageId), Problem> {
        match &self.copy_of {
            Some(source) => Ok((&source.region, &source.image)),
            None => Ok((&self.request.region, self.image()?)),
        }
    }

    fn lacks(&self, what: &str) -> Problem {
        Problem::new(
            Code::Internal,
            format!("The record of {} has no {what} yet.", self.save_id),
        )
    }

    /// Notes that a step was reached.
    pub fn reach(&mut self, step: &str, at: Timestamp) {
        if self.step == step {
            return;
        }
        step.clone_into(&mut self.step);
        if self.moments.len() >= MOMENTS {
            // The beginning and the end tell the story; what repeats in between can go.
            self.moments.remove(MOMENTS / 2);
        }
        // The branches of a Map look at the clock before they write, each for itself.
        let at = self.moments.last().map_or(at, |last| last.at.max(at));
        self.moments.push(Moment {
            at,
            step: step.to_owned(),
        });
    }

    /// Brings to `now` what is noted for the future, where a clock was set back: ages are counted from it, and none
    /// would pass until that clock has caught up. Clocks of machines differ by seconds without that.
    pub fn heed_clock(&mut self, now: Timestamp) {
        let noted = [
            &mut self.stop_requested_at,
            &mut self.stop_repeated_at,
            &mut self.stopped_at,
            &mut self.image_requested_at,
            &mut self.image_repeated_at,
            &mut self.snapshots_at,
            &mut self.start_requested_at,
            &mut self.running_at,
            &mut self.copy_requested_at,
            &mut self.opening_at,
            &mut self.recovered_at,
            &mut self.restore_began_at,
        ];
        for at in noted.into_iter().flatten() {
            if is_future(*at, now) {
                *at = now;
            }
        }
    }

    /// For how long the instance has been down by now, in seconds; `None` when it is not.
    pub fn down_for_s(&self, now: Timestamp) -> Option<f64> {
        match (self.stop_requested_at, self.running_at) {
            (Some(since), None) => Some(seconds_between(since, now)),
            _ => None,
        }
    }
}

/// The seconds from one instant to a later one; 0 if it is not later.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (to - from).to_std().map_or(0.0, |d| d.as_secs_f64())
}

#[cfg(test)]
#[path = "save_clock_tests.rs"]
mod clock_tests;
