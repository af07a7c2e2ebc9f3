//! What the sight of an instance says about the duty to bring it back (promise P1).

use chrono::TimeDelta;

use super::SaveRef;
use crate::domain::clock::is_future;
use crate::domain::ec2::InstanceState;
use crate::domain::save::{Duty, Finding, SaveRecord, Trouble};
use crate::domain::{Code, InstanceId, Problem, Region, Timestamp};
use crate::ports::{Ec2, Instance, InstanceFilter, StateReason, for_reason, from_ec2, reason_code};
use crate::rules::Env;

/// For how long after a stop was asked for a running instance may still be about to stop: a call
/// whose answer was lost takes effect within this time. What EC2 tells is no older either.
const IN_FLIGHT: TimeDelta = TimeDelta::seconds(30);

/// What is to be done about an instance that is owed its original state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing more: the duty ends by this finding.
    Settled(Finding),
    /// It is on its way; look again.
    Moving,
    /// It is down and must be started.
    Down,
    /// It is down, a start has failed, and none will help before somebody lets a key be used again.
    Broken {
        /// EC2's reason.
        reason: StateReason,
    },
}

/// What ends the attempts to start an instance for that reason.
pub(super) fn impossible(id: &InstanceId, reason: &StateReason) -> Problem {
    let code = reason_code(Some(reason));
    let message = format!("EC2 cannot start {id}: {code}.");
    for_reason(Problem::new(Code::RestoreImpossible, message), Some(reason))
}

/// For how long a stop, and a start, may take before somebody has to be told that it hangs.
const STOP_HANGS: TimeDelta = TimeDelta::minutes(15);
const START_HANGS: TimeDelta = TimeDelta::minutes(30);

/// The instance; `None` when it is gone for so long that EC2 has forgotten it.
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

/// The same for a step on the way forward, which cannot go on without the instance.
pub(crate) async fn look_or_fail(
    ec2: &dyn Ec2,
    region: &Region,
    id: &InstanceId,
) -> Result<Instance, Problem> {
    match look(ec2, region, id).await? {
        Some(instance) if !instance.state.is_gone() => Ok(instance),
        _ => Err(Problem::new(
            Code::InstanceGone,
            format!("The instance {id} was terminated during the save."),
        )),
    }
}

/// What the sight of the instance means for the duty.
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
    let Some(asked) = record.stop_requested_at else {
        // The save never asked for a stop: whatever state it is in now is somebody's own choice.
        let as_before = instance.state == duty.original_state;
        return Standing::Settled(if as_before {
            Finding::Original
        } else {
            Finding::ChangedByOthers
        });
    };
    match instance.state {
        InstanceState::Running if duty.original_state == InstanceState::Running => {
            // One that was down has been launched anew: else it is about to stop, or this is how it
            // was before it did. One that is back may meet a stop that was on its way all the time.
            let doubtful_since = if instance.launched_at < asked {
                // The last of its stops, and that it was seen down: `None` is before any instant.
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

/// When a stop was asked for that may still be on its way although the instance has been down: one that was
/// asked for again, or the only one where the save never got so far as to see it take effect, and somebody
/// else may have stopped the instance before it.
fn doubtful_stop(record: &SaveRecord) -> Option<Timestamp> {
    let unseen = record.stopped_at.is_none();
    let only = record.stop_requested_at.filter(|_| unseen);
    record.stop_repeated_at.or(only)
}

fn is_about_a_key(code: &str) -> bool {
    code == "Client.InternalError" || code.starts_with("Client.InvalidKMSKey")
}

/// What the last start met, where EC2 took it on and had no room after all.
fn fallen_back(record: &SaveRecord, instance: &Instance) -> Option<Problem> {
    let reason = instance.state_reason.as_ref()?;
    let asked = record.start_requested_at.is_some();
    (asked && reason.code == "Server.InsufficientInstanceCapacity").then(|| {
        let message = format!("EC2 has no room for the instance now ({}).", reason.code);
        for_reason(Problem::new(Code::NoCapacity, message), Some(reason))
    })
}

/// Writes down what keeps an instance from being started, for whoever waits for it.
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

/// The same for an instance that was seen down again after a start.
pub(super) async fn note_fallen_back(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
    instance: Option<&Instance>,
) -> Result<(), Problem> {
    match instance.and_then(|instance| fallen_back(record, instance)) {
        Some(problem) => {
            // No step fails with it, so nothing else logs EC2's sentence.
            let (code, chain) = (problem.code, problem.chain());
            tracing::info!(save.id = %save.save_id, %code, problem = chain, "the instance fell back to stopped");
            note_trouble(env, save, &problem).await
        }
        None => Ok(()),
    }
}

/// The same for an instance that has been on its way for so long that it may hang there.
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

/// Asks EC2 to start the instance. That it is about to be asked is written down first, and what keeps
/// it from starting afterwards.
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
        // One that was seen running and is down again is not back yet.
        record.running_at = None;
        record.downtime_s = None;
    })
    .await?;
    let problem = match env.ec2.start_instance(region, id).await {
        Ok(()) => return Ok(()),
        Err(error) if error.is_not_found() => {
            let message = format!("The instance {id} was terminated during the save.");
            return Err(Problem::new(Code::InstanceGone, message).because(error));
        }
        Err(error) if error.is_lasting_refusal_to_start() => {
            let message = format!(
                "EC2 does not start the instance {id} as it is (StartInstances: {}).",
                error.code
            );
            Problem::new(Code::StartRefused, message).because(error)
        }
        // Anything else may pass, what nobody has heard of too: the definition asks again for hours.
        Err(error) => {
            if error.is_throttle() {
                // It had no effect: what an earlier start met says nothing of this one.
                env.note(save, |record| record.start_repeated_at = None)
                    .await?;
            }
            from_ec2(error).hint("It is tried again by itself for hours.")
        }
    };
    if problem.code != Code::NotReady {
        note_trouble(env, save, &problem).await?;
    }
    Err(problem)
}

/// The instance is stopped: by us, by a start that failed, or by somebody after us.
fn standing_down(record: &SaveRecord, instance: &Instance) -> Standing {
    let after_our_start = match (record.start_requested_at, instance.transitioned_at) {
        (Some(start), Some(transition)) => {
            let our_late_stop = |asked| transition < asked + IN_FLIGHT;
            transition > start && !doubtful_stop(record).is_some_and(our_late_stop)
        }
        _ => false,
    };
    let reason = instance.state_reason.as_ref();
    match reason.map(|reason| (reason, reason.code.as_str())) {
        Some((_, "Client.UserInitiatedShutdown" | "Client.InstanceInitiatedShutdown"))
            if after_our_start =>
        {
            Standing::Settled(Finding::ChangedByOthers)
        }
        // EC2 facts, "Restart": the volume's KMS key cannot be used.
        Some((reason, code)) if is_about_a_key(code) && record.start_requested_at.is_some() => {
            Standing::Broken {
                reason: reason.clone(),
            }
        }
        _ => Standing::Down,
    }
}
