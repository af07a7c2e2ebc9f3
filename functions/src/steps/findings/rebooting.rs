//! Saves that have EC2 reboot the instance: what its state means for the duty (promise P1), and whether its volumes were
//! captured while its operating system was down.
//!
//! CreateImage returns before the reboot. EC2 then shuts the operating system down, begins the snapshots, and lets it
//! boot again, while the state of the instance remains `running`. The save never requests a stop, so whoever stops the
//! instance wants it stopped. There is one exception: an operating system that is configured to power off instead of
//! rebooting, or fails to reboot, stops its instance because of the save.

use chrono::TimeDelta;

use super::{IN_FLIGHT, Standing, standing_down};
use crate::domain::ec2::InstanceState;
use crate::domain::save::{Duty, Finding, SaveRecord};
use crate::domain::{Code, Problem, Timestamp, clock::is_future};
use crate::ports::{Image, Instance, Snapshot, StateReason};

/// How long an operating system may take to shut down before EC2 forces the reboot.
pub(in crate::steps) const FORCED: TimeDelta = TimeDelta::minutes(4);

/// How long after CreateImage was called an instance may still power itself off because of it: the call may take effect
/// late, the shutdown may take its full time, and EC2's reported state may be old.
const POWERS_OFF: TimeDelta =
    TimeDelta::seconds(2 * IN_FLIGHT.num_seconds() + FORCED.num_seconds());

/// Returns until when snapshots may still begin that CreateImage was asked for: EC2 begins them once the operating system
/// is down, even if somebody has stopped or terminated the instance meanwhile.
pub(in crate::steps) fn snapshots_begin_until(record: &SaveRecord) -> Option<Timestamp> {
    let unseen = record.reboots() && record.snapshots_at.is_none();
    asked_last(record)
        .filter(|_| unseen)
        .map(|asked| asked + FORCED)
}

/// Returns when CreateImage was last called.
fn asked_last(record: &SaveRecord) -> Option<Timestamp> {
    record.image_requested_at.max(record.image_repeated_at)
}

/// Returns what the state of the instance means for the duty, once CreateImage may have been called.
pub(super) fn standing(
    duty: &Duty,
    record: &SaveRecord,
    instance: &Instance,
    now: Timestamp,
) -> Standing {
    match instance.state {
        InstanceState::Running if duty.original_state == InstanceState::Running => {
            // Once there are snapshots, the operating system is down, or has powered the instance off; but an earlier
            // call may still take effect if somebody has deregistered the AMI.
            let asked = asked_last(record);
            let started = |at| at <= instance.launched_at;
            let over = match (record.snapshots_at, record.image_repeated_at) {
                // The save has started it since, because it had powered itself off.
                (_, None) if record.start_requested_at.is_some_and(started) => None,
                (Some(seen), None) => Some(seen + IN_FLIGHT),
                _ => asked.map(|asked| asked + POWERS_OFF),
            };
            let began = asked.is_some_and(|asked| !is_future(asked, now));
            if began && over.is_some_and(|over| now < over) {
                Standing::Moving
            } else {
                Standing::Settled(Finding::Original)
            }
        }
        InstanceState::Stopping | InstanceState::Stopped if !is_ours(record, instance) => {
            Standing::Settled(Finding::ChangedByOthers)
        }
        InstanceState::Pending | InstanceState::Stopping => Standing::Moving,
        InstanceState::Stopped => standing_down(record, instance),
        _ => Standing::Settled(Finding::ChangedByOthers),
    }
}

/// Returns whether an instance is stopped because of the save: it powered itself off at the reboot, or it did so before
/// and the save has started it since.
fn is_ours(record: &SaveRecord, instance: &Instance) -> bool {
    record.start_requested_at.is_some() || powered_off(record, instance)
}

/// Returns whether the instance powered itself off at the reboot. If EC2 does not say who stopped it, or when, it is
/// started again: it was running, and nobody is known to have wanted otherwise.
fn powered_off(record: &SaveRecord, instance: &Instance) -> bool {
    let reason = instance.state_reason.as_ref();
    let by_user = reason.is_some_and(StateReason::is_user_request);
    let (first, last) = (record.image_requested_at, asked_last(record));
    let meanwhile = instance.transitioned_at.is_none_or(|at| {
        first.is_some_and(|first| first <= at) && last.is_some_and(|last| at <= last + POWERS_OFF)
    });
    !by_user && meanwhile
}

/// Refuses an AMI of an instance that somebody stopped or started before its last snapshot began: the operating system
/// may have been writing at that time.
pub(in crate::steps) fn check_undisturbed(
    record: &SaveRecord,
    instance: Option<&Instance>,
    captured_at: Option<Timestamp>,
) -> Result<(), Problem> {
    let Some(instance) = instance.filter(|it| !it.state.is_gone()) else {
        // The duty's check reports an instance that is gone.
        return Ok(());
    };
    if record.start_requested_at.is_some() {
        // It was found powered off, so it was captured like a stopped instance.
        return Ok(());
    }
    let started = record.image_requested_at <= Some(instance.launched_at);
    let down = matches!(
        instance.state,
        InstanceState::Stopping | InstanceState::Stopped
    );
    let reason = instance.state_reason.as_ref();
    let by_itself = powered_off(record, instance) && reason.is_some_and(StateReason::is_shutdown);
    let stopped = down && !by_itself && instance.transitioned_at <= captured_at;
    if !(started || stopped) {
        return Ok(());
    }
    let what = if started { "started" } else { "stopped" };
    let message = format!(
        "Somebody {what} {} while EC2 rebooted it for the save.",
        instance.id
    );
    Err(Problem::new(Code::InstanceChanged, message))
}

/// Refuses an AMI whose first snapshot began so late that EC2 may have forced the reboot.
pub(in crate::steps) fn check_not_forced(
    record: &SaveRecord,
    image: Option<&Image>,
    snapshots: &[Snapshot],
) -> Result<(), Problem> {
    let began = image.map(|image| image.created_at);
    let began = began.or(record.image_requested_at);
    let first = snapshots.iter().map(|snapshot| snapshot.started_at).min();
    if began
        .zip(first)
        .is_none_or(|(began, first)| first - began < FORCED)
    {
        return Ok(());
    }
    let message = format!(
        "The operating system of {} did not shut down within {} minutes, so EC2 forced the reboot: files may be half written.",
        record.instance()?.id,
        FORCED.num_minutes()
    );
    Err(Problem::new(Code::RebootForced, message))
}
