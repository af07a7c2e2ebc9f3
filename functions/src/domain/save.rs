//! A save: what is asked, what is planned, and the record of how it went.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::audit::Origin;
use super::clock::is_future;
use super::copy::CopySource;
use super::ec2::StatusChecks;
use super::guide::shape::Guide;
use super::problem::{Code, Problem};
use super::{ImageId, Region, SaveId, ScheduleName, SnapshotId, Timestamp, UserId, VolumeId};

pub use super::clock::seconds_between;
pub use super::duty::{Discharge, Duty, Finding, Trouble};
pub use super::save_plan::{SavePlan, SavedInstance, TemplateMove, Warning, move_not_agreed};
pub use super::save_request::{COPY_REGIONS, SaveRequest, USER_TAGS};
pub use super::save_state::SaveState;
pub use super::text::{check_name, check_text};

/// How a Region's copy stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// The step.
    pub step: String,
}

/// The most moments that a record keeps.
pub const MOMENTS: usize = 100;

/// A save's turn to begin, where it had to wait for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Turn {
    /// When it is.
    pub at: Timestamp,
    /// How many it has had to take: EC2 may throttle a save in its turn too.
    pub taken: u32,
}

/// The record of a save: all that its steps know, and all that its callers see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// Its turn, where it could not begin at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// The plan; `None` while the save waits for its turn, and when it was refused before there was one.
    pub plan: Option<SavePlan>,
    /// When the plan was made, where that was not when the save began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_at: Option<Timestamp>,
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
    /// When the turn of a copy is, by its Region, where it was not at once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub copy_turns: BTreeMap<Region, Timestamp>,
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
            turn: None,
            plan: None,
            planned_at: None,
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
            copy_turns: BTreeMap::new(),
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

    /// Its turn, while it waits for it: nothing has been looked at or touched.
    pub fn awaited_turn(&self) -> Option<&Turn> {
        let waits = self.plan.is_none() && self.state == SaveState::Running;
        self.turn.as_ref().filter(|_| waits)
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
            &mut self.planned_at,
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

#[cfg(test)]
#[path = "save_clock_tests.rs"]
mod clock_tests;
