//! A save: its request, its plan, and the record of its progress.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::audit::Origin;
use super::clock::is_future;
use super::copy::CopySource;
use super::ec2::StatusChecks;
use super::how::How;
use super::problem::{Code, Problem};
use super::{
    AccountId, ImageId, Region, SaveId, ScheduleName, SnapshotId, StepName, Timestamp, UserId,
    VolumeId,
};

pub use super::clock::seconds_between;
pub use super::duty::{Discharge, Duty, Finding, Trouble};
pub use super::save_plan::{
    SavePlan, SavedInstance, SavedVolume, TemplateMove, Warning, move_not_agreed,
};
pub(crate) use super::save_request::check_excluded;
pub use super::save_request::{COPY_REGIONS, SaveRequest, USER_TAGS};
pub use super::save_state::SaveState;
pub use super::text::{check_name, check_text};

/// The state of the copy of an AMI to a Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RegionCopy {
    /// The copy is in progress.
    Copying {
        /// The AMI in the destination Region.
        image: ImageId,
    },
    /// The copy can be launched.
    Available {
        /// The AMI in the destination Region.
        image: ImageId,
    },
    /// The copy failed. The version is available in its other Regions.
    Failed {
        /// The error code.
        code: String,
        /// The cause of the failure.
        cause: String,
    },
}

/// Why a save did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Failure {
    /// The error code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The step that was in progress, if it is known.
    pub step: String,
}

/// A step that the save reached, for the history that `saves show` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Moment {
    /// When the step was reached.
    pub at: Timestamp,
    /// The name of the step.
    pub step: String,
}

/// The maximum number of moments in a record.
pub const MOMENTS: usize = 100;

/// The turn of a save that could not begin immediately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Turn {
    /// The time of the turn.
    pub at: Timestamp,
    /// How many turns the save has taken: EC2 can throttle a save even during its turn.
    pub taken: u32,
}

/// The record of a save: everything that its steps need and that its callers see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SaveRecord {
    /// The ID of the save.
    pub save_id: SaveId,
    /// The request.
    pub request: SaveRequest,
    /// The user who requested the save.
    pub saved_by: UserId,
    /// The user's schedule that requested the save, if any.
    #[serde(default)]
    pub schedule: Option<ScheduleName>,
    /// Where the request came from.
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
    /// The source, if this is a copy of a version rather than a save of an instance. A copy has no plan.
    #[serde(default)]
    pub copy_of: Option<CopySource>,
    /// The execution that currently works on the save.
    pub execution: String,
    /// The number of executions that have worked on the save. Steps of earlier executions can no longer change it.
    pub epoch: u32,
    /// When the most recent further execution was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_at: Option<Timestamp>,
    /// The state of the save.
    pub state: SaveState,
    /// The current or last step.
    pub step: String,
    /// The steps that were reached.
    pub moments: Vec<Moment>,
    /// Whether the caller consented to showing the files on the instance that are known to be sensitive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub consented: bool,
    /// The save's turn, if it could not begin immediately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// The plan; null while the save waits for its turn, and if it was refused before it was planned.
    pub plan: Option<SavePlan>,
    /// When the plan was created, if this was later than the beginning of the save.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_at: Option<Timestamp>,
    /// When the save began.
    pub started_at: Timestamp,
    /// When the record last changed.
    pub updated_at: Timestamp,
    /// When the save ended.
    pub ended_at: Option<Timestamp>,
    /// When the save was about to request the stop. The instance may be down from this time on.
    pub stop_requested_at: Option<Timestamp>,
    /// When the stop was last requested again because there was no response. The earlier request may still take
    /// effect.
    #[serde(default)]
    pub stop_repeated_at: Option<Timestamp>,
    /// When the instance was first seen stopped.
    pub stopped_at: Option<Timestamp>,
    /// When the save was about to call CreateImage.
    pub image_requested_at: Option<Timestamp>,
    /// When CreateImage was last called again because there was no response. The earlier request may still take
    /// effect.
    #[serde(default)]
    pub image_repeated_at: Option<Timestamp>,
    /// The volumes that were attached when CreateImage was last called. The AMI contains these volumes, which can
    /// differ from those in the plan if a volume was attached or detached in the meantime.
    #[serde(default)]
    pub captured_volumes: Option<BTreeSet<VolumeId>>,
    /// How often the save was about to call CreateImage.
    #[serde(default)]
    pub image_attempts: u32,
    /// The number of the CreateImage request that created the AMI; null if the AMI does not have this information.
    #[serde(default)]
    pub image_attempt: Option<u32>,
    /// When all volumes were first seen to have a snapshot.
    pub snapshots_at: Option<Timestamp>,
    /// When EC2 began the last of those snapshots, by its own clock.
    #[serde(default)]
    pub captured_at: Option<Timestamp>,
    /// When the save was about to request the start.
    pub start_requested_at: Option<Timestamp>,
    /// When the save was last about to request the start again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_repeated_at: Option<Timestamp>,
    /// When the instance was first seen running again.
    pub running_at: Option<Timestamp>,
    /// How long the instance was down, in seconds: from the request to stop it until it was first seen running. For a
    /// reboot, until its snapshots were first seen, because EC2 does not show when its operating system has booted; `None`
    /// if the save failed before.
    pub downtime_s: Option<f64>,
    /// The status checks when the instance was seen running.
    pub status_checks: Option<StatusChecks>,
    /// The AMI in the instance's Region.
    pub image: Option<ImageId>,
    /// The snapshots of the AMI.
    pub snapshots: Vec<SnapshotId>,
    /// The progress of the snapshots, in percent.
    pub progress_percent: Option<u8>,
    /// The full size of the snapshots in bytes, once it is known.
    pub snapshot_bytes: Option<u64>,
    /// By destination Region, the time of a copy's turn, if the copy could not begin immediately.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub copy_turns: BTreeMap<Region, Timestamp>,
    /// When the save was last about to request a copy.
    pub copy_requested_at: Option<Timestamp>,
    /// The copies by destination Region.
    pub copies: BTreeMap<Region, RegionCopy>,
    /// By Region, the recipients of the template for whom EC2 refused to add launch permissions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub closed_in: BTreeMap<Region, String>,
    /// When the launch permissions of the AMIs were last about to be changed. An interrupted run of RegisterTemplate
    /// may still change them for a while afterwards.
    #[serde(default)]
    pub opening_at: Option<Timestamp>,
    /// The accounts that the snapshots of the AMIs were about to be shared with. They are not read from EC2 again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub copied_by: BTreeSet<AccountId>,
    /// The number of the registered version.
    pub version: Option<u32>,
    /// The maximum cost of the version in all of its Regions, in USD per month at the prices of us-east-1.
    pub usd_per_month: Option<f64>,
    /// The user who cancelled the save.
    pub cancelled_by: Option<UserId>,
    /// When the save was cancelled.
    #[serde(default)]
    pub cancelled_at: Option<Timestamp>,
    /// The finding that discharged the duty to bring the instance back.
    #[serde(default)]
    pub finding: Option<Finding>,
    /// What currently keeps the instance from starting.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// When the restore began.
    pub restore_began_at: Option<Timestamp>,
    /// Why the save failed.
    pub failure: Option<Failure>,
    /// When everything that the save had created was removed again.
    #[serde(default)]
    pub discarded_at: Option<Timestamp>,
    /// What could not be cleaned up, in one sentence.
    pub leftovers: Option<String>,
}

impl SaveRecord {
    /// Creates the record of a save that is about to begin.
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
            step: StepName::PlanSave.to_string(),
            moments: vec![Moment {
                at,
                step: StepName::PlanSave.to_string(),
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
            captured_at: None,
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
            copied_by: BTreeSet::new(),
            version: None,
            usd_per_month: None,
            cancelled_by: None,
            cancelled_at: None,
            finding: None,
            trouble: None,
            restore_began_at: None,
            failure: None,
            discarded_at: None,
            leftovers: None,
        }
    }

    /// The name of the save's AMI in every Region. It is derived from the save ID, so that a repeated CreateImage
    /// finds the AMI of the first call (EC2 fact 3).
    pub fn image_name(&self) -> String {
        self.request.image_name(&self.save_id)
    }

    /// The save's turn while the save waits for it. Nothing has been read or changed yet.
    pub fn awaited_turn(&self) -> Option<&Turn> {
        let waits = self.plan.is_none() && self.state == SaveState::Running;
        self.turn.as_ref().filter(|_| waits)
    }

    /// The plan. Every step after PlanSave can rely on it.
    pub fn plan(&self) -> Result<&SavePlan, Problem> {
        self.plan.as_ref().ok_or_else(|| self.lacks("plan"))
    }

    /// The instance as planned.
    pub fn instance(&self) -> Result<&SavedInstance, Problem> {
        self.plan().map(|plan| &plan.instance)
    }

    /// The AMI. Every step after CreateImage can rely on it.
    pub fn image(&self) -> Result<&ImageId, Problem> {
        self.image.as_ref().ok_or_else(|| self.lacks("AMI"))
    }

    /// The kind of record: `save` or `copy`.
    pub fn kind(&self) -> &'static str {
        if self.copy_of.is_some() {
            "copy"
        } else {
            "save"
        }
    }

    /// The AMI that is copied to other Regions, and its Region.
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

    pub fn reach(&mut self, step: StepName, at: Timestamp) {
        if *self.step == step {
            return;
        }
        self.step = step.to_string();
        if self.moments.len() >= MOMENTS {
            // The first and last moments are the most useful; the repeated ones in between can be dropped.
            self.moments.remove(MOMENTS / 2);
        }
        // Each branch of a Map state reads the clock before it writes, so the times can arrive out of order.
        let at = self.moments.last().map_or(at, |last| last.at.max(at));
        self.moments.push(Moment {
            at,
            step: step.to_string(),
        });
    }

    /// Sets recorded times that are in the future to `now`. Such times occur after a clock was set back; ages are
    /// computed from them, and would not increase until the clock has caught up. Ordinary differences of seconds
    /// between the clocks of machines are left alone.
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

    /// Whether the save has EC2 reboot the instance.
    pub fn reboots(&self) -> bool {
        self.plan.as_ref().is_some_and(SavePlan::reboots)
    }

    /// How the AMI captured the instance. A stopped instance was captured without a reboot.
    pub fn captured_by(&self) -> How {
        if self.reboots() {
            How::Reboot
        } else {
            How::Stop
        }
    }

    /// When the save was about to take the instance down, by a stop or by a reboot.
    pub fn down_since(&self) -> Option<Timestamp> {
        let rebooted = self.image_requested_at.filter(|_| self.reboots());
        self.stop_requested_at.or(rebooted)
    }

    /// Whether a rebooted instance boots by itself: it has not powered itself off, so the save has not started it.
    pub fn boots_by_itself(&self) -> bool {
        self.reboots() && self.start_requested_at.is_none()
    }

    /// How long the instance was down if it is seen running at that time, in seconds; `None` if it is not known, because
    /// the save of a rebooted instance failed before its snapshots were seen.
    pub fn downtime_until(&self, running: Timestamp) -> Option<f64> {
        let since = self.down_since()?;
        let until = if self.boots_by_itself() {
            self.snapshots_at?
        } else {
            running
        };
        Some(seconds_between(since, until))
    }

    /// How long the instance has been down so far, in seconds; `None` if it is not down.
    pub fn down_for_s(&self, now: Timestamp) -> Option<f64> {
        let booted = self.snapshots_at.filter(|_| self.boots_by_itself());
        match (self.down_since(), booted.or(self.running_at)) {
            (Some(since), None) => Some(seconds_between(since, now)),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "save_clock_tests.rs"]
mod clock_tests;
