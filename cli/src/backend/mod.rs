//! The backend: Prism as one caller sees it, wherever it runs.
//!
//! [`Backend`] has exactly the calls that commands make, each with the caller filled in. The embedded
//! cloud on this machine is [`Local`].

pub(crate) mod api;
#[cfg(feature = "aws")]
pub(crate) mod aws;
mod local;
mod pace;
mod served;
pub(crate) mod team;

use async_trait::async_trait;
use prism_functions::domain::audit::AuditEvent;
use prism_functions::domain::copy::{CopyPlan, CopyRequest};
use prism_functions::domain::diff::TemplateDiff;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::inventory::Inventory;
use prism_functions::domain::save::{SavePlan, SaveRecord, SaveRequest};
use prism_functions::domain::schedule::{Schedule, ScheduleRequest};
use prism_functions::domain::template::{TemplateRef, Version};
use prism_functions::domain::{
    InstanceId, Problem, Region, SaveId, ScheduleName, TemplateName, Timestamp, UserId,
};
use prism_functions::operations::{
    AuditFilter, Deletion, ImportRequest, Imported, InstanceView, LaunchPlan, LaunchRequest,
    Lineage, Recovery, RolledBack, ScheduleEdit, ScheduleView, Started, TemplateEdit,
    TemplateFilter, TemplateSummary, TemplateView,
};
use prism_functions::ports::Instance;
use prism_functions::registry::Listed;

pub(crate) use local::Local;
pub(crate) use pace::{Looks, Pace};
pub(crate) use team::Team;

/// Where a save is carried out, where that is a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this process, which waits for it.
    Here,
    /// In a process of its own, which outlives this one.
    Detached,
}

/// An instance at one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its id.
    pub(crate) id: InstanceId,
    /// Its state.
    pub(crate) state: InstanceState,
    /// Why it is in that state, in a sentence.
    pub(crate) state_reason: Option<String>,
    /// Its public address.
    pub(crate) public_ip: Option<String>,
}

impl From<Instance> for Seen {
    fn from(instance: Instance) -> Self {
        Self {
            id: instance.id,
            state: instance.state,
            state_reason: instance.state_reason.map(|reason| reason.message),
            public_ip: instance.public_ip,
        }
    }
}

pub(crate) use prism_functions::operations::Unrecorded;

/// What commands ask for.
#[async_trait]
pub(crate) trait Backend: Team {
    /// The embedded cloud, for what only a simulation can do.
    fn embedded(&self) -> Option<&Local> {
        None
    }

    /// How often it wants to be asked.
    fn pace(&self) -> Pace {
        Pace::REMOTE
    }

    /// The time by which its records are dated.
    fn now(&self) -> Timestamp;

    /// Who asks.
    async fn user(&self) -> Result<UserId, Problem>;

    /// Has saves that lost their process brought to an end in the background, where nobody else
    /// sees to that.
    async fn sweep(&self) -> Result<Vec<Recovery>, Problem> {
        Ok(Vec::new())
    }

    /// The caller's instances.
    async fn instances(&self, region: &Region) -> Result<Vec<InstanceView>, Problem>;

    /// The caller's instance of that name or id.
    async fn instance(&self, region: &Region, name: &str) -> Result<Seen, Problem>;

    /// Begins to start an instance.
    async fn start(&self, region: &Region, name: &str) -> Result<Seen, Problem>;

    /// Begins to stop an instance.
    async fn stop(&self, region: &Region, name: &str) -> Result<Seen, Problem>;

    /// Begins to end an instance for good.
    async fn terminate(&self, region: &Region, name: &str) -> Result<Seen, Problem>;

    /// Says what a launch would do.
    async fn plan_launch(&self, request: &LaunchRequest) -> Result<LaunchPlan, Problem>;

    /// Launches an instance.
    async fn launch(&self, request: &LaunchRequest) -> Result<(LaunchPlan, InstanceView), Problem>;

    /// Says what a save would do.
    async fn plan_save(&self, request: SaveRequest) -> Result<SavePlan, Problem>;

    /// The save that this request has led to before, under the same request id.
    async fn asked_before(
        &self,
        request: &SaveRequest,
        request_id: &str,
    ) -> Result<Option<Started>, Problem>;

    /// Starts a save.
    async fn start_save(
        &self,
        place: Place,
        request: SaveRequest,
        request_id: Option<&str>,
    ) -> Result<Started, Problem>;

    /// The record of a save.
    async fn save(&self, id: &SaveId) -> Result<SaveRecord, Problem>;

    /// What there is of a save that has no record.
    async fn unrecorded(&self, id: &SaveId) -> Result<Unrecorded, Problem>;

    /// The caller's saves, the newest first, and whether there are more.
    async fn saves(&self, limit: usize) -> Result<(Vec<SaveRecord>, bool), Problem>;

    /// Asks a save to end.
    async fn cancel_save(&self, id: &SaveId) -> Result<SaveRecord, Problem>;

    /// Recovers at once a save that nobody works on any more.
    async fn recover_save(&self, id: &SaveId) -> Result<SaveRecord, Problem>;

    /// Leaves a save of this process to a process of its own; elsewhere it goes on anyway.
    async fn hand_over(&self, _id: &SaveId) -> Result<(), Problem> {
        Ok(())
    }

    /// Gives an execution of this process, which has ended its save, the moment to end itself.
    async fn let_end(&self, _record: &SaveRecord) {}

    /// What keeps a save in this process from going on, while it tries again.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Makes a schedule.
    async fn create_schedule(&self, asked: ScheduleRequest) -> Result<Schedule, Problem>;

    /// The caller's schedules, by name, and whether there are more.
    async fn schedules(&self, limit: usize) -> Result<(Vec<ScheduleView>, bool), Problem>;

    /// A schedule of the caller's.
    async fn schedule(&self, name: &ScheduleName) -> Result<ScheduleView, Problem>;

    /// Changes a schedule of the caller's.
    async fn edit_schedule(
        &self,
        name: &ScheduleName,
        edit: &ScheduleEdit,
    ) -> Result<Schedule, Problem>;

    /// Starts the save of a schedule of the caller's now.
    async fn run_schedule(
        &self,
        place: Place,
        name: &ScheduleName,
        request_id: Option<&str>,
    ) -> Result<Started, Problem>;

    /// Deletes a schedule of the caller's.
    async fn delete_schedule(&self, name: &ScheduleName) -> Result<(), Problem>;

    /// A page of the templates that the caller can launch, of 100 at most. It may have fewer than
    /// asked for and still be followed by another.
    async fn templates(
        &self,
        filter: &TemplateFilter,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<TemplateSummary>, Problem>;

    /// A template and the version that the reference names.
    async fn template(&self, reference: &TemplateRef) -> Result<TemplateView, Problem>;

    /// The newest versions of a saved template, the newest first.
    async fn versions(&self, name: &TemplateName, limit: usize) -> Result<Vec<Version>, Problem>;

    /// Says what the copy of a version would do.
    async fn plan_copy(&self, request: &CopyRequest) -> Result<CopyPlan, Problem>;

    /// Copies a version to further Regions.
    async fn start_copy(
        &self,
        place: Place,
        request: &CopyRequest,
        request_id: Option<&str>,
    ) -> Result<Started, Problem>;

    /// The packages of a saved template's version; `None` where nobody told.
    async fn packages(&self, reference: &TemplateRef) -> Result<Option<Inventory>, Problem>;

    /// Who changed what, the newest first, and whether there is more.
    async fn audit_events(
        &self,
        filter: &AuditFilter,
        limit: usize,
    ) -> Result<(Vec<AuditEvent>, bool), Problem>;

    /// The YAML file of a template's version.
    async fn export_template(&self, reference: &TemplateRef) -> Result<String, Problem>;

    /// What a template comes from, and what came of it.
    async fn lineage(&self, name: &TemplateName) -> Result<Lineage, Problem>;

    /// What differs between two versions.
    async fn diff(&self, from: &TemplateRef, to: &TemplateRef) -> Result<TemplateDiff, Problem>;

    /// Makes a template's name stand for another of its versions.
    async fn rollback(
        &self,
        name: &TemplateName,
        to: Option<u32>,
        publish_sensitive: bool,
    ) -> Result<RolledBack, Problem>;

    /// Changes what a template says of itself, or a version of it.
    async fn edit_template(
        &self,
        reference: &TemplateRef,
        edit: &TemplateEdit,
        revision: Option<u64>,
    ) -> Result<TemplateView, Problem>;

    /// Says of a template, or of a version, that people should use another, or takes it back.
    async fn deprecate_template(
        &self,
        reference: &TemplateRef,
        deprecated: bool,
    ) -> Result<TemplateView, Problem>;

    /// Imports a template's file under a name, or says what that would do.
    async fn import_template(
        &self,
        name: &TemplateName,
        request: &ImportRequest,
        dry_run: bool,
    ) -> Result<Imported, Problem>;

    /// Deletes a template, or a version of it, or says what that would do.
    async fn delete_template(
        &self,
        reference: &TemplateRef,
        dry_run: bool,
        force: bool,
    ) -> Result<Deletion, Problem>;
}
