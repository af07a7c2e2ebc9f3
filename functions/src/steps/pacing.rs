//! Turns for everything except saves that puts load on EC2: copies, launches, removals and the ends of instances (see
//! `turns.rs` for saves).
//!
//! Calls that bring an instance back never take a turn.

use chrono::TimeDelta;

use crate::domain::pace::Paced;
use crate::domain::{Code, Problem, Region, Timestamp};
use crate::registry::{Queue, Rhythm};
use crate::rules::Env;

/// The longest time after which a refused launch is to be requested again, in seconds, because somebody waits for it.
const LAUNCH_AGAIN_S: i64 = 60;

/// Of many launches that are requested together, how often one begins, in turns: every five quarters of a turn. The fifth
/// turn is left to the launches of others, who wait for theirs.
const MANY_EACH: i32 = 5;
const MANY_OF: i32 = 4;

/// Takes the turn of a copy to a Region: now, or a later time.
///
/// # Errors
/// [`Code::QueueFull`] if the turn would be later than the deployment allows.
pub(super) async fn of_copy(env: &Env, region: &Region) -> Result<Timestamp, Problem> {
    let queue = env.settings.queue_hours;
    let turn = take(env, region, Paced::Copy, queue.time()).await?;
    turn.ok_or_else(|| {
        let message = format!(
            "The copies that are waiting for {region} take more than {} to begin. This copy was not started.",
            queue.words()
        );
        Problem::new(Code::QueueFull, message)
    })
}

/// Takes the turn of planning a copy, if it is now.
///
/// # Errors
/// [`Code::Throttled`] if it is not now.
pub(super) async fn of_copy_plan(env: &Env, region: &Region) -> Result<(), Problem> {
    let turn = take(env, region, Paced::CopyPlan, TimeDelta::zero()).await?;
    turn.map(drop).ok_or_else(|| {
        let message = "Too many copies were requested at once. Nothing was changed.";
        Problem::new(Code::Throttled, message)
    })
}

/// Takes the turn of a launch, if it is now: the caller gets a response at once.
///
/// # Errors
/// [`Code::Throttled`], with the number of seconds after which to try again, if it is not now.
pub(crate) async fn of_launch(env: &Env, region: &Region) -> Result<(), Problem> {
    let now = take(env, region, Paced::Launch, TimeDelta::zero()).await?;
    if now.is_some() {
        return Ok(());
    }
    Err(launched_too_many(env, region).await?)
}

/// Sleeps until the turn of a launch that is one of many, if it is soon enough. Such launches take single turns, so that
/// the launches of others in between find a turn at once.
///
/// # Errors
/// [`Code::Throttled`], as [`of_launch`].
pub(crate) async fn until_launch(
    env: &Env,
    region: &Region,
    within: TimeDelta,
) -> Result<(), Problem> {
    let now = env.clock.now();
    let rhythm = of_many(env);
    let turn = env
        .registry
        .take_turn(region, Queue::Launches, rhythm, now, within);
    match turn.await? {
        Some(at) => {
            sleep(env, at - now).await;
            Ok(())
        }
        None => Err(launched_too_many(env, region).await?),
    }
}

/// How often many launches begin, and when the last one of a number of them would.
pub(crate) async fn many_launches(
    env: &Env,
    region: &Region,
    count: usize,
) -> Result<(TimeDelta, TimeDelta), Problem> {
    let interval = of_many(env).interval * MANY_EACH / MANY_OF;
    let now = env.clock.now();
    let next = env.registry.next_turn(region, Queue::Launches).await?;
    let begin = next.map_or(TimeDelta::zero(), |next| {
        (next - now).max(TimeDelta::zero())
    });
    let others = i32::try_from(count.saturating_sub(1)).unwrap_or(i32::MAX);
    let wait = if count == 0 {
        TimeDelta::zero()
    } else {
        begin + interval * others
    };
    Ok((interval, wait))
}

fn of_many(env: &Env) -> Rhythm {
    Rhythm {
        at_once: 1,
        ..Rhythm::of(Paced::Launch, env.settings.ec2_share)
    }
}

/// The refusal of a launch whose turn is not now.
async fn launched_too_many(env: &Env, region: &Region) -> Result<Problem, Problem> {
    let pause_s = launch_again_s(env, region).await?;
    let message =
        format!("Too many instances are being launched in {region} at once. Nothing was launched.");
    let hint = format!("Try again in {pause_s} s.");
    let problem = Problem::new(Code::Throttled, message).hint(hint);
    Ok(problem.retry_after(pause_s))
}

/// Sleeps until the turn of a further request of a launch. Returns whether there is one until then; if not, it does not
/// sleep.
pub(crate) async fn of_next_launch(
    env: &Env,
    region: &Region,
    until: Timestamp,
) -> Result<bool, Problem> {
    let now = env.clock.now();
    if now > until {
        return Ok(false);
    }
    let turn = take(env, region, Paced::Launch, until - now).await?;
    let Some(at) = turn else {
        return Ok(false);
    };
    sleep(env, at - now).await;
    Ok(true)
}

/// Returns after how many seconds to request a launch again. Launches that are refused at the same time are given
/// different times, as turns become free. No turn is reserved for them, so none is lost if a caller does not come back.
async fn launch_again_s(env: &Env, region: &Region) -> Result<u32, Problem> {
    let now = env.clock.now();
    let rhythm = Rhythm {
        at_once: 1,
        ..Rhythm::of(Paced::Launch, env.settings.ec2_share)
    };
    let within = TimeDelta::seconds(LAUNCH_AGAIN_S);
    let registry = &env.registry;
    let again = registry.take_turn(region, Queue::RepeatedLaunches, rhythm, now, within);
    let pause = again.await?.map_or(within, |at| at - now + rhythm.interval);
    Ok(u32::try_from(whole_seconds(pause.min(within))).unwrap_or(u32::MAX))
}

/// Takes the turn of a removal, in a step, which does not sleep.
///
/// # Errors
/// [`Code::Throttled`] if it is not now.
pub(super) async fn of_removal(env: &Env, region: &Region, paced: Paced) -> Result<(), Problem> {
    until_removal(env, region, paced, env.clock.now()).await
}

/// Sleeps until the turn of a removal.
///
/// # Errors
/// [`Code::Throttled`], at once, if the turn would be after `until`.
pub(crate) async fn until_removal(
    env: &Env,
    region: &Region,
    paced: Paced,
    until: Timestamp,
) -> Result<(), Problem> {
    let now = env.clock.now();
    let within = (until - now).max(TimeDelta::zero());
    let Some(at) = take(env, region, paced, within).await? else {
        let message = format!("Too many resources are being removed in {region} at once.");
        return Err(Problem::new(Code::Throttled, message));
    };
    sleep(env, at - now).await;
    Ok(())
}

/// Sleeps until the turn of ending an instance. Returns whether there is one until then; if not, it does not sleep.
pub(crate) async fn until_end(
    env: &Env,
    region: &Region,
    paced: Paced,
    until: Timestamp,
) -> Result<bool, Problem> {
    let now = env.clock.now();
    let within = (until - now).max(TimeDelta::zero());
    let turn = take(env, region, paced, within).await?;
    if let Some(at) = turn {
        sleep(env, at - now).await;
    }
    Ok(turn.is_some())
}

pub(super) async fn sleep(env: &Env, pause: TimeDelta) {
    if let Ok(pause) = pause.to_std()
        && !pause.is_zero()
    {
        env.clock.sleep(pause).await;
    }
}

/// Takes a turn within a given time from now, if there is one.
pub(super) async fn take(
    env: &Env,
    region: &Region,
    paced: Paced,
    within: TimeDelta,
) -> Result<Option<Timestamp>, Problem> {
    let queue = match paced {
        Paced::Save => Queue::Saves,
        Paced::Start => Queue::Starts,
        Paced::Copy => Queue::Copies,
        Paced::CopyPlan => Queue::CopyPlans,
        Paced::Launch => Queue::Launches,
        Paced::Removal => Queue::Removals,
        Paced::SnapshotRemoval => Queue::SnapshotRemovals,
        Paced::Stop => Queue::Stops,
        Paced::Termination => Queue::Terminations,
    };
    let rhythm = Rhythm::of(paced, env.settings.ec2_share);
    let now = env.clock.now();
    env.registry
        .take_turn(region, queue, rhythm, now, within)
        .await
}

/// Returns a time in whole seconds, rounded up, so that waiting for it never ends early.
pub(super) fn whole_seconds(time: TimeDelta) -> i64 {
    (time.num_milliseconds() + 999) / 1000
}
