//! The operations that callers can request, from the command line, the API or a schedule. `rules::access` decides who
//! may do what.

mod audit;
mod audit_export;
pub mod calls;
mod class_launch;
mod copies;
mod deletion;
mod deletion_plan;
mod edits;
mod ends;
mod expected;
mod import;
mod import_request;
mod import_version;
mod instance_changes;
mod instance_edits;
mod instance_regions;
mod instance_volumes;
mod instances;
mod keys;
mod launch_plan;
mod launch_volumes;
mod launches;
mod launches_for;
mod leftovers;
mod lineage;
mod listing;
mod me;
mod metering;
mod notices;
mod operation;
mod overview;
pub mod parts;
mod placing;
mod projects;
mod publication;
mod recovery;
mod regions;
mod removal;
mod save_views;
mod saves;
mod schedules;
mod sessions;
mod setups;
mod share_checks;
mod share_opening;
mod shares;
mod sharing;
mod spending;
mod templates;
mod users;
mod versions;
mod waiting;
mod wake;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::ids::shown;
use crate::domain::{Code, Problem, SaveId, UserId};
use crate::ports::{
    Couriers, Entropy, Executions, ExecutionsError, Parameters, Schedules, Sessions,
};
use crate::rules::Env;
use operation::entry;

pub use audit::{AuditPage, ListAuditEvents};
pub use audit_export::{ExportAudit, ExportFormat, ExportQuery};
pub use class_launch::{
    ClassLaunchPlan, ClassLaunchRequest, MemberLaunch, PlanClassLaunch, PlannedLaunch,
};
pub use copies::{Copies, CopyVersion};
pub use deletion::{DeleteTemplate, DeleteVersion, Deleting};
pub use deletion_plan::{Deletion, DeletionPlan};
pub use edits::{
    DeprecateTemplate, DeprecateVersion, Deprecates, EditTemplate, EditVersion, RestoreTemplate,
    RestoreVersion, TemplateEdit,
};
pub use ends::{
    EndOfInstance, Ended, LiftProjectEnd, ProjectEndRequest, RemoveInstanceEnd, SetInstanceEnd,
    SetProjectEnd, ShowInstanceEnd,
};
pub use expected::Expected;
pub use import_request::{ImportRequest, ImportTemplate, Imported};
pub use instance_changes::{StartInstance, StopInstance, TerminateInstance};
pub use instance_edits::{
    NewName, NewSize, RenameInstance, ResizeInstance, ResizePlan, TryInRegion,
};
pub use instance_regions::UnavailableRegion;
pub use instance_volumes::{InstanceVolume, InstanceVolumes, ListVolumes};
pub use instances::{
    InstanceList, InstanceView, InstancesPage, ListInstances, ShowInstance, StoppedBy,
};
pub use keys::{AddKey, KeyRequest, KeyView, ListKeys, RemoveKey};
pub use launch_plan::{LaunchPlan, LaunchRequest};
pub use launch_volumes::LaunchVolume;
pub use launches::{LaunchInstance, Launched};
pub use leftovers::{Fixed, Left, Leftover, Leftovers, UnusedVolume};
pub use lineage::{Lineage, LineageNode, ShowLineage};
pub use listing::{ListTemplates, TemplatesPage};
pub use me::{Me, MyProject, ShowMe};
pub use notices::{
    ConfirmEmail, Deliveries, EmailCode, EmailView, NotifyChanged, NotifyRequest, NotifyTest,
    NotifyView, SetNotify, ShowNotify, TestNotify, WebhookView,
};
pub use operation::{Asked, Entry, Method, Operation, Raw};
pub use overview::{DueSchedule, Overview, ProjectSpending, ShowOverview};
pub use placing::RefusedPlace;
pub use projects::{
    AddMember, AddMembers, ApproveTemplate, ChangeGroup, ComputeCosts, CostHistory, CreateLink,
    CreateProject, DeleteProject, DisapproveTemplate, EditProject, Group, GroupEdit, HistoryQuery,
    JoinPlan, JoinProject, JoinRequest, LiftBudget, LinkCreated, LinkRequest, ListApprovals,
    ListGroups, ListLinks, ListMembers, ListProjectInstances, ListProjectSaves,
    ListProjectSchedules, ListProjectTemplates, ListProjects, MemberRequest, MembersAdded,
    MembersPlan, MembersRequest, MonthCost, NewMember, PersonCost, PlannedChange, PlannedMember,
    ProjectCosts, ProjectEdit, ProjectInstance, ProjectInstances, ProjectRequest, ProjectSchedule,
    ProjectTemplateView, ProjectView, RefusedMember, RegionCost, RemoveMember, RevokeLink,
    SetBudget, ShowCostHistory, ShowProject, ShowProjectCosts, StopProjectInstance, TemplateCost,
    VersionCost, Who, WhoseInstance,
};
pub use recovery::{Backlog, RecoverSave, Recovery};
pub use regions::{ListRegions, RegionView};
pub use save_views::{ListSaves, SavesPage, ShowSave, WaitQuery};
pub use saves::{BeginSave, CancelSave, SaveView, Started, Unrecorded};
pub use schedules::{
    ChangeSchedule, CreateSchedule, DeleteSchedule, Fired, Keep, ListSchedules, RunSchedule,
    RunsQuery, ScheduleEdit, ScheduleView, SchedulesPage, ShowSchedule,
};
pub use sessions::{Purpose, Session, SessionRequest, StartSession};
pub use shares::{ListShares, ShareTemplate, SharedWith, UnshareTemplate};
pub use sharing::{SharePlan, ShareRequest, Shared};
pub use spending::{InstanceSpending, MyCosts, ShowMyCosts, Spending, SpendingOf};
pub use templates::{
    ExportVersion, ListPackages, ShowTemplate, ShowVersion, TemplateKind, TemplateSummary,
    TemplateView,
};
pub use users::{FindUsers, KnownUsers, UsersQuery};
pub use versions::{DiffVersions, ListVersions, RollBackTemplate, RolledBack, Target, With};
pub use waiting::WAIT_MOST_S;
pub use wake::{Woken, end_wait};

/// All operations, in the order of the API's description. The routes, the description and the generic tests are
/// generated from this list.
pub const ALL: &[Entry] = &[
    entry::<me::ShowMe>(),
    entry::<overview::ShowOverview>(),
    entry::<spending::ShowMyCosts>(),
    entry::<regions::ListRegions>(),
    entry::<save_views::ListSaves>(),
    entry::<saves::BeginSave>(),
    entry::<save_views::ShowSave>(),
    entry::<saves::CancelSave>(),
    entry::<recovery::RecoverSave>(),
    entry::<listing::ListTemplates>(),
    entry::<templates::ShowTemplate>(),
    entry::<versions::ListVersions>(),
    entry::<templates::ShowVersion>(),
    entry::<templates::ListPackages>(),
    entry::<templates::ExportVersion>(),
    entry::<copies::CopyVersion>(),
    entry::<lineage::ShowLineage>(),
    entry::<versions::DiffVersions>(),
    entry::<versions::RollBackTemplate>(),
    entry::<import_request::ImportTemplate>(),
    entry::<edits::EditTemplate>(),
    entry::<edits::EditVersion>(),
    entry::<edits::DeprecateTemplate>(),
    entry::<edits::RestoreTemplate>(),
    entry::<edits::DeprecateVersion>(),
    entry::<edits::RestoreVersion>(),
    entry::<deletion::DeleteTemplate>(),
    entry::<deletion::DeleteVersion>(),
    entry::<instances::ListInstances>(),
    entry::<launches::LaunchInstance>(),
    entry::<instances::ShowInstance>(),
    entry::<instance_volumes::ListVolumes>(),
    entry::<instance_changes::TerminateInstance>(),
    entry::<instance_edits::RenameInstance>(),
    entry::<instance_edits::ResizeInstance>(),
    entry::<instance_changes::StartInstance>(),
    entry::<instance_changes::StopInstance>(),
    entry::<ends::ShowInstanceEnd>(),
    entry::<ends::SetInstanceEnd>(),
    entry::<ends::RemoveInstanceEnd>(),
    entry::<sessions::StartSession>(),
    entry::<keys::ListKeys>(),
    entry::<keys::AddKey>(),
    entry::<keys::RemoveKey>(),
    entry::<notices::ShowNotify>(),
    entry::<notices::SetNotify>(),
    entry::<notices::ConfirmEmail>(),
    entry::<notices::TestNotify>(),
    entry::<schedules::ListSchedules>(),
    entry::<schedules::CreateSchedule>(),
    entry::<schedules::ShowSchedule>(),
    entry::<schedules::ChangeSchedule>(),
    entry::<schedules::DeleteSchedule>(),
    entry::<schedules::RunSchedule>(),
    entry::<shares::ListShares>(),
    entry::<shares::ShareTemplate>(),
    entry::<shares::UnshareTemplate>(),
    entry::<projects::ListProjects>(),
    entry::<projects::CreateProject>(),
    entry::<projects::ShowProject>(),
    entry::<projects::EditProject>(),
    entry::<projects::DeleteProject>(),
    entry::<projects::ListProjectTemplates>(),
    entry::<projects::ListProjectSaves>(),
    entry::<projects::ListProjectSchedules>(),
    entry::<projects::ListProjectInstances>(),
    entry::<projects::StopProjectInstance>(),
    entry::<class_launch::PlanClassLaunch>(),
    entry::<projects::SetBudget>(),
    entry::<projects::LiftBudget>(),
    entry::<ends::SetProjectEnd>(),
    entry::<ends::LiftProjectEnd>(),
    entry::<projects::ShowProjectCosts>(),
    entry::<projects::ShowCostHistory>(),
    entry::<projects::ListMembers>(),
    entry::<projects::AddMember>(),
    entry::<projects::AddMembers>(),
    entry::<projects::RemoveMember>(),
    entry::<projects::ListGroups>(),
    entry::<projects::ChangeGroup>(),
    entry::<projects::ListLinks>(),
    entry::<projects::CreateLink>(),
    entry::<projects::RevokeLink>(),
    entry::<projects::JoinProject>(),
    entry::<projects::ListApprovals>(),
    entry::<projects::ApproveTemplate>(),
    entry::<projects::DisapproveTemplate>(),
    entry::<users::FindUsers>(),
    entry::<audit::ListAuditEvents>(),
    entry::<audit_export::ExportAudit>(),
];

/// The service, which is shared by all callers.
#[derive(Clone)]
pub struct Service {
    /// The environment, as for the steps.
    pub env: Env,
    /// The executions of the save state machine.
    pub executions: Arc<dyn Executions>,
    /// The scheduler that starts the saves of schedules.
    pub schedules: Arc<dyn Schedules>,
    /// The public parameters of AWS Systems Manager.
    pub parameters: Arc<dyn Parameters>,
    /// The sessions with instances.
    pub sessions: Arc<dyn Sessions>,
    /// What carries notices to people.
    pub couriers: Couriers,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("env", &self.env)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Returns twenty hexadecimal digits: always the same for the same user, request ID and kind of request, and random
    /// ones if there is no request ID.
    fn digits(
        &self,
        kind: &str,
        user: &UserId,
        request_id: Option<&str>,
    ) -> Result<String, Problem> {
        let Some(request_id) = request_id else {
            let digits = format!("{:016x}{:016x}", self.entropy.next(), self.entropy.next());
            return Ok(digits[..20].to_owned());
        };
        request_digits(kind, user, request_id)
    }
}

/// Returns the ID of the save that belongs to a user's request ID, so that the save can be found with these two.
pub fn save_id_of(user: &UserId, request_id: &str) -> Result<SaveId, Problem> {
    let digits = request_digits("save", user, request_id)?;
    Ok(format!("save-{digits}").parse()?)
}

/// Returns the ID of the copy that belongs to a user's request ID.
pub fn copy_id_of(user: &UserId, request_id: &str) -> Result<SaveId, Problem> {
    let digits = request_digits("copy", user, request_id)?;
    Ok(format!("save-{digits}").parse()?)
}

fn request_digits(kind: &str, user: &UserId, request_id: &str) -> Result<String, Problem> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !(1..=64).contains(&request_id.len()) || !request_id.bytes().all(plain) {
        let message = format!(
            "The request ID {} is not valid: it must be 1 to 64 letters, digits, \"-\" or \"_\".",
            shown(request_id)
        );
        return Err(Problem::new(Code::InvalidRequestId, message));
    }
    let hash = Sha256::digest(format!("{kind}\n{user}\n{request_id}"));
    Ok(hex::encode(&hash[..10]))
}

/// Converts an error of the execution service to a problem for the caller.
fn from_executions(error: ExecutionsError) -> Problem {
    match error {
        ExecutionsError::AlreadyExists { ref name } => {
            let message =
                format!("An execution named {name} already exists with a different input.");
            Problem::new(Code::RequestIdReused, message).because(error)
        }
        ExecutionsError::NotFound { .. } => {
            Problem::new(Code::Internal, "The save's execution was not found.").because(error)
        }
        ExecutionsError::Refused(refusal) => refusal.problem(),
        ExecutionsError::Unavailable { .. } => Problem::new(
            Code::AwsUnavailable,
            "The execution could not be started or read.",
        )
        .because(error),
    }
}
