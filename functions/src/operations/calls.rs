//! What the functions call that are not steps, beside what `Step::CALLS` says of the steps.

use crate::ports::Call;
use crate::steps;

/// The sweep: it looks, starts recoveries, and goes on with deletions, which close AMIs that others keep.
pub const SWEEP: &[Call] = &[
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
    Call::DescribeExecution,
    Call::StartExecution,
];

/// What events wake: it looks, ends waits, and starts recoveries.
pub const WAKE: &[Call] = &[
    Call::Get,
    Call::Put,
    Call::Instances,
    Call::DescribeExecution,
    Call::StartExecution,
    Call::EndWait,
];

/// The API: it plans saves and starts their executions, launches, leads instances, keeps schedules, and shares.
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
    Call::Packages,
    Call::StopInstance,
    Call::StartInstance,
    Call::TerminateInstance,
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
    Call::Notice,
];

/// What the function of that handler calls; `None` where there is no such handler.
pub fn of(handler: &str) -> Option<&'static [Call]> {
    match handler {
        "Sweep" => Some(SWEEP),
        "Wake" => Some(WAKE),
        "Api" => Some(API),
        _ => steps::find(handler).map(|step| step.calls),
    }
}
