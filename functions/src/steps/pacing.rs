//! Turns for everything except saves that puts load on EC2: copies, launches and removals (see `turns.rs` for saves).
//!
//! Calls that bring an instance back never take a turn.

use chrono::TimeDelta;

use crate::domain::pace::{Paced, QUEUE};
use crate::domain::{Code, Problem, Region, Timestamp};
use crate::registry::{Queue, Rhythm};
use crate::rules::Env;

/// The longest time after which a refused launch is to be requested again, in seconds, because somebody waits for it.
const LAUNCH_AGAIN_S: i64 = 60;

/// Takes the turn of a copy to a Region: now, or a later time.
///
/// # Errors
/// [`Code::QueueFull`] if the turn would be later than [`QUEUE`] from now.
pub(super) async fn of_copy(env: &Env, region: &Region) -> Result<Timestamp, Problem> {
    let turn = take(env, region, Paced::Copy, QUEUE).await?;
    turn.ok_or_else(|| {
        let message = format!(
            "The copies that are waiting for {region} take more than {} hours to begin. This copy was not started.",
            QUEUE.num_hours()
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
    let pause_s = launch_again_s(env, region).await?;
    let message =
        format!("Too many instances are being launched in {region} at once. Nothing was launched.");
    let hint = format!("Try again in {pause_s} s.");
    let problem = Problem::new(Code::Throttled, message).hint(hint);
    Err(problem.retry_after(pause_s))
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
