//! What the observed state of an instance means for the duty to bring it back (promise P1).

pub(super) mod rebooting;

use chrono::TimeDelta;

use super::SaveRef;
use crate::domain::clock::is_future;
use crate::domain::ec2::InstanceState;
use crate::domain::save::{Duty, Finding, SaveRecord, Trouble};
use crate::domain::{Code, InstanceId, Problem, Region, Timestamp};
use crate::ports::{
    Ec2, Ec2ErrorKind, Instance, InstanceFilter, StateReason, for_reason, from_ec2, reason_code,
};
use crate::rules::Env;

/// How long after a stop was requested a running instance may still be about to stop. A call whose response was lost
/// takes effect within this time, and EC2's reported states are not older than this either.
const IN_FLIGHT: TimeDelta = TimeDelta::seconds(30);

/// What to do about an instance that must be returned to its original state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing: the duty ends with this finding.
    Settled(Finding),
    /// The instance is changing state; check again.
    Moving,
    /// The instance is stopped and must be started.
    Down,
    /// The instance is stopped, a start has failed, and no start can succeed until somebody makes a key usable again.
    Broken { reason: StateReason },
}

/// Creates the problem that ends the attempts to start an instance, for that reason.
pub(super) fn impossible(id: &InstanceId, reason: &StateReason) -> Problem {
    let code = reason_code(Some(reason));
    let message = format!("EC2 cannot start {id}: {code}.");
    for_reason(Problem::new(Code::RestoreImpossible, message), Some(reason))
}

/// How long a stop or a start may take before it is reported as hanging.
const STOP_HANGS: TimeDelta = TimeDelta::minutes(15);
const START_HANGS: TimeDelta = TimeDelta::minutes(30);

/// Returns the instance; `None` if it has been gone for so long that EC2 no longer lists it.
pub(crate) async fn look(
    ec2: &dyn Ec2,
    region: &Region,
    id: &InstanceId,
) -> Result<Option<Instance>, Problem> {
    match ec2
        .instances(region, &InstanceFilter::Ids(vec![id.clone()]))
        .await
    {
        Ok(found) => Ok(found.into_iter().next()),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(from_ec2(error)),
    }
}

/// Returns the instance, for a step on the way forward, which cannot continue without it.
pub(crate) async fn look_or_fail(
    ec2: &dyn Ec2,
    region: &Region,
    id: &InstanceId,
) -> Result<Instance, Problem> {
    match look(ec2, region, id).await? {
        Some(instance) if !instance.state.is_gone() => Ok(instance),
        _ => Err(gone(id)),
    }
}

/// How exactly EC2 says when an instance was launched.
const LAUNCH_TIME: TimeDelta = TimeDelta::seconds(1);

/// Refuses the snapshots of an instance that is captured while it is stopped, if somebody started it before the last of
/// them began: a volume captured while the instance runs holds half-written files. A state that EC2 reports may be old,
/// so this is checked again later.
pub(super) fn check_stayed_down(
    record: &SaveRecord,
    instance: Option<&Instance>,
    captured_at: Option<Timestamp>,
) -> Result<(), Problem> {
    let Some(instance) = instance else {
        return Ok(());
    };
    let started = instance.launched_at;
    let started_meanwhile = match record.stop_requested_at {
        Some(stopped) => started > stopped,
        // The instance was already stopped: even a start at the instant when the save began was made by somebody else.
        None => started >= record.planned_at.unwrap_or(record.started_at),
    };
    let by_us = |asked| asked < started + LAUNCH_TIME;
    if !started_meanwhile
        || captured_at < Some(started)
        || record.start_requested_at.is_some_and(by_us)
    {
        return Ok(());
    }
    let message = format!(
        "Somebody started {} before the snapshots of its volumes began.",
        instance.id
    );
    Err(Problem::new(Code::InstanceChanged, message))
}

pub(super) fn gone(id: &InstanceId) -> Problem {
    let message = format!("The instance {id} was terminated during the save.");
    Problem::new(Code::InstanceGone, message)
}

/// Returns what the state of the instance means for the duty.
pub(crate) fn standing(
    duty: &Duty,
    record: &SaveRecord,
    instance: Option<&Instance>,
    now: Timestamp,
) -> Standing {
    let Some(instance) = instance else {
        return Standing::Settled(Finding::Gone);
    };
    if instance.state.is_gone() {
        return Standing::Settled(Finding::Gone);
    }
    if record.reboots() && record.image_requested_at.is_some() {
        return rebooting::standing(duty, record, instance, now);
    }
    let Some(asked) = record.stop_requested_at else {
        // The save never requested a stop, so others have chosen the current state.
        let as_before = instance.state == duty.original_state;
        return Standing::Settled(if as_before {
            Finding::Original
        } else {
            Finding::ChangedByOthers
        });
    };
    match instance.state {
        InstanceState::Running if duty.original_state == InstanceState::Running => {
            // If the instance was launched again after the request, it has been stopped and started; but a repeated
            // stop may still be on its way. Otherwise it is about to stop, or the state that EC2 reports is from before
            // the stop.
            let doubtful_since = if instance.launched_at < asked {
                // The last of the stops, and when the instance was seen stopped; `None` sorts before any time.
                [Some(asked), record.stop_repeated_at, record.stopped_at]
                    .into_iter()
                    .max()
                    .flatten()
            } else {
                doubtful_stop(record)
            };
            if doubtful_since.is_some_and(|since| !is_future(since, now) && now - since < IN_FLIGHT)
            {
                Standing::Moving
            } else {
                Standing::Settled(Finding::Original)
            }
        }
        InstanceState::Stopped => standing_down(record, instance),
        InstanceState::Pending | InstanceState::Stopping => Standing::Moving,
        _ => Standing::Settled(Finding::ChangedByOthers),
    }
}

/// Returns when the stop was requested that may still take effect although the instance has been stopped: the repeated
/// stop, or the only one if the save never saw it take effect, because somebody else may have stopped the instance
/// before it.
fn doubtful_stop(record: &SaveRecord) -> Option<Timestamp> {
    let unseen = record.stopped_at.is_none();
    let only = record.stop_requested_at.filter(|_| unseen);
    record.stop_repeated_at.or(only)
}

/// Returns the problem of the last start if EC2 accepted it but then had no capacity.
fn fallen_back(record: &SaveRecord, instance: &Instance) -> Option<Problem> {
    let reason = instance.state_reason.as_ref()?;
    let asked = record.start_requested_at.is_some();
    (asked && reason.is_no_capacity()).then(|| {
        let message = format!(
            "EC2 has no capacity for the instance at the moment ({}).",
            reason.code
        );
        for_reason(Problem::new(Code::NoCapacity, message), Some(reason))
    })
}

/// Records what prevents the instance from being started, for those who wait for it.
async fn note_trouble(env: &Env, save: &SaveRef, problem: &Problem) -> Result<(), Problem> {
    let (code, message) = (problem.code.to_string(), problem.message.clone());
    let now = env.clock.now();
    env.note(save, |record| {
        let before = record.trouble.as_ref().filter(|it| it.code == code);
        record.trouble = Some(Trouble {
            since: before.map_or(now, |trouble| trouble.since),
            code: code.clone(),
            message: message.clone(),
        });
    })
    .await?;
    Ok(())
}

/// Records the same for an instance that was seen stopped again after a start.
pub(super) async fn note_fallen_back(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
    instance: Option<&Instance>,
) -> Result<(), Problem> {
    match instance.and_then(|instance| fallen_back(record, instance)) {
        Some(problem) => {
            // No step fails with this problem, so EC2's message is not logged anywhere else.
            let (code, chain) = (problem.code, problem.chain());
            tracing::info!(save.id = %save.save_id, %code, problem = chain, "the instance returned to the state stopped");
            note_trouble(env, save, &problem).await
        }
        None => Ok(()),
    }
}

/// Records the same for an instance that has been changing state for so long that it may hang.
pub(super) async fn note_hanging(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
    instance: Option<&Instance>,
) -> Result<(), Problem> {
    let Some(instance) = instance else {
        return Ok(());
    };
    let now = env.clock.now();
    let (since, limit, code) = match instance.state {
        InstanceState::Stopping => (record.stop_requested_at, STOP_HANGS, Code::StopTimedOut),
        InstanceState::Pending => {
            let launched = Some(instance.launched_at).filter(|at| !is_future(*at, now));
            (
                record.start_requested_at.max(launched),
                START_HANGS,
                Code::RestartTimedOut,
            )
        }
        _ => return Ok(()),
    };
    if since.is_none_or(|since| now - since < limit) {
        return Ok(());
    }
    let (id, state) = (&instance.id, instance.state.as_str());
    let message = format!(
        "The instance {id} has been {state} for more than {} minutes.",
        limit.num_minutes()
    );
    note_trouble(env, save, &Problem::new(code, message)).await
}

/// Requests the start of the instance. The intent is recorded before the request, and what prevents the start after it.
pub(super) async fn start(
    env: &Env,
    save: &SaveRef,
    region: &Region,
    id: &InstanceId,
) -> Result<(), Problem> {
    let now = env.clock.now();
    env.note(save, |record| {
        if record.start_requested_at.is_some() {
            record.start_repeated_at = Some(now);
        }
        record.start_requested_at.get_or_insert(now);
        // An instance that was seen running and is stopped again is not back yet.
        record.running_at = None;
        record.downtime_s = None;
    })
    .await?;
    let problem = match env.ec2.start_instance(region, id).await {
        Ok(()) => return Ok(()),
        Err(error) if error.is_not_found() => return Err(gone(id).because(error)),
        Err(error) if error.kind() == Ec2ErrorKind::StartRefused => {
            let message = format!(
                "EC2 refuses to start the instance {id} (StartInstances: {}).",
                error.code
            );
            Problem::new(Code::StartRefused, message).because(error)
        }
        // Any other error may be temporary, even an unknown one: the definition repeats the request for hours.
        Err(error) => {
            if error.kind() == Ec2ErrorKind::Throttled {
                // The request had no effect, so the result of an earlier start says nothing about this one.
                env.note(save, |record| record.start_repeated_at = None)
                    .await?;
            }
            from_ec2(error).hint("Prism retries automatically for hours.")
        }
    };
    if problem.code != Code::NotReady {
        note_trouble(env, save, &problem).await?;
    }
    Err(problem)
}

/// Returns what to do about a stopped instance: this save stopped it, or a start failed, or somebody stopped it later.
fn standing_down(record: &SaveRecord, instance: &Instance) -> Standing {
    let after_our_start = match (record.start_requested_at, instance.transitioned_at) {
        (Some(start), Some(transition)) => {
            let our_late_stop = |asked| transition < asked + IN_FLIGHT;
            transition > start && !doubtful_stop(record).is_some_and(our_late_stop)
        }
        _ => false,
    };
    let reason = instance.state_reason.as_ref();
    match reason {
        Some(reason) if reason.is_shutdown() && after_our_start => {
            Standing::Settled(Finding::ChangedByOthers)
        }
        Some(reason) if reason.is_about_a_key() && record.start_requested_at.is_some() => {
            Standing::Broken {
                reason: reason.clone(),
            }
        }
        _ => Standing::Down,
    }
}
