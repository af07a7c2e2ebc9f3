//! The port calls of the functions that are not steps; `Step::CALLS` lists those of the steps.

use crate::ports::Call;
use crate::steps;

/// The sweep: it checks saves, starts recoveries, continues deletions, which includes closing AMIs that others keep, and
/// updates the meters of instances.
pub const SWEEP: &[Call] = &[
    Call::Regions,
    Call::Volumes,
    Call::Get,
    Call::Put,
    Call::Update,
    Call::Check,
    Call::Delete,
    Call::Query,
    Call::QueryGsi2,
    Call::Instances,
    Call::Images,
    Call::Snapshots,
    Call::DeregisterImage,
    Call::DeleteSnapshot,
    Call::LaunchPermissions,
    Call::AddLaunchPermissions,
    Call::RemoveLaunchPermissions,
    Call::ShareSnapshot,
    Call::UnshareSnapshot,
    Call::SnapshotShares,
    Call::DescribeExecution,
    Call::StartExecution,
    Call::Notice,
];

/// The ends: they warn, begin last saves, and stop and terminate instances.
pub const ENDS: &[Call] = &[
    Call::Get,
    Call::Put,
    Call::Update,
    Call::Check,
    Call::Delete,
    Call::Query,
    Call::QueryGsi2,
    Call::Regions,
    Call::Instances,
    Call::StopInstance,
    Call::TerminateInstance,
    Call::DescribeExecution,
    Call::StartExecution,
    Call::Notice,
];

/// The handler of events: it checks saves, ends waits, starts recoveries, and updates the meters of instances.
pub const WAKE: &[Call] = &[
    Call::Get,
    Call::Put,
    Call::Update,
    Call::Instances,
    Call::DescribeExecution,
    Call::StartExecution,
    Call::EndWait,
];

/// The API: it plans saves and starts their executions, launches and controls instances and starts sessions with
/// them, manages schedules, and shares
/// templates.
pub const API: &[Call] = &[
    Call::Regions,
    Call::Instances,
    Call::InstanceType,
    Call::StopProtection,
    Call::Volumes,
    Call::Reservation,
    Call::Fleet,
    Call::PublicImagesBlocked,
    Call::EbsDefaults,
    Call::ProbeStop,
    Call::ProbeStart,
    Call::ProbeCreateImage,
    Call::KeyState,
    Call::ProbeGrant,
    Call::StatusChecks,
    Call::Console,
    Call::Packages,
    Call::StopInstance,
    Call::StartInstance,
    Call::RenameInstance,
    Call::ResizeInstance,
    Call::TerminateInstance,
    Call::ZonesOffering,
    Call::Subnets,
    Call::RunInstance,
    Call::Images,
    Call::LaunchTemplates,
    Call::DeregisterImage,
    Call::DeleteSnapshot,
    Call::Snapshots,
    Call::SnapshotKeys,
    Call::LaunchPermissions,
    Call::AddLaunchPermissions,
    Call::RemoveLaunchPermissions,
    Call::ShareSnapshot,
    Call::UnshareSnapshot,
    Call::SnapshotShares,
    Call::Get,
    Call::Put,
    Call::Update,
    Call::Check,
    Call::Delete,
    Call::Query,
    Call::QueryGsi1,
    Call::QueryGsi2,
    Call::StartExecution,
    Call::DescribeExecution,
    Call::EndWait,
    Call::PutSchedule,
    Call::DeleteSchedule,
    Call::PublicParameter,
    Call::StartSession,
    Call::Notice,
    Call::SendEmail,
];

/// The delivery of notices to users.
pub const DELIVER: &[Call] = &[Call::Get, Call::Put, Call::QueryGsi2, Call::SendEmail];

/// The handlers that are not steps, each with its port calls.
pub const HANDLERS: [(&str, &[Call]); 5] = [
    ("Sweep", SWEEP),
    ("Ends", ENDS),
    ("Wake", WAKE),
    ("Api", API),
    ("Deliver", DELIVER),
];

/// Returns the port calls of the function with that handler; `None` if there is no such handler.
pub fn of(handler: &str) -> Option<&'static [Call]> {
    let other = HANDLERS.iter().find(|(name, _)| *name == handler);
    let calls = other.map(|(_, calls)| *calls);
    calls.or_else(|| steps::find(handler).map(|step| step.calls))
}
