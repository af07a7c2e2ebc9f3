//! Turns of saves: when a save begins, so that a burst of saves stays within the share of EC2's request limits that
//! Prism may use.
//!
//! Only the beginning of a save is paced. Calls that bring an instance back never take a turn.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::TimeDelta;

use super::pacing;
use crate::domain::pace::Paced;
use crate::domain::{Code, Problem, Region, SaveId, Timestamp, UserId};
use crate::registry::{Queue, Rhythm};
use crate::rules::Env;

/// How many interactive saves may begin at once in a Region before they are queued like all others.
const AWAITED: i32 = 5;
/// The same for one user: a user who requests many saves at once does not wait for any single one.
const AWAITED_OF_USER: i32 = 3;
/// How often another save of a user counts as interactive.
const USER_INTERVAL: TimeDelta = TimeDelta::seconds(20);
/// The longest pause after EC2 has throttled a save in its turn.
const BACK_OFF_AT_MOST: TimeDelta = TimeDelta::minutes(5);

/// The longest time for which a save in its turn yields to restarts.
const YIELDS: TimeDelta = TimeDelta::seconds(5);

/// Takes the turn of a save in its Region: now, or a later time. `awaited` says whether somebody waits for the save.
///
/// # Errors
/// [`Code::QueueFull`] if the turn would be later than the deployment allows.
pub(super) async fn of_save(
    env: &Env,
    region: &Region,
    user: &UserId,
    awaited: bool,
) -> Result<Timestamp, Problem> {
    let now = env.clock.now();
    if awaited && is_next(env, region, user, now).await? {
        push_back(env, region).await?;
        return Ok(now);
    }
    let queue = env.settings.queue_hours;
    let turn = pacing::take(env, region, Paced::Save, queue.time()).await?;
    turn.ok_or_else(|| {
        let message = format!(
            "The saves that are waiting in {region} take more than {} to begin. Nothing was changed.",
            queue.words()
        );
        Problem::new(Code::QueueFull, message)
    })
}

/// Returns the turn after one in which EC2 throttled the save. `taken` is the number of turns that the save has had,
/// and `began` is when it was requested. The waiting saves are moved back by one turn, so that an overload
/// automatically slows down the saves that begin.
///
/// # Errors
/// [`Code::QueueFull`] once the save has waited for as long as the deployment allows.
pub(super) async fn after_throttle(
    env: &Env,
    region: &Region,
    save: &SaveId,
    taken: u32,
    began: Timestamp,
) -> Result<Timestamp, Problem> {
    push_back(env, region).await?;
    let now = env.clock.now();
    let at = now + pause(save, taken);
    let queue = env.settings.queue_hours;
    if at - began > queue.time() {
        let message = format!(
            "EC2 has throttled the save in each of its {taken} turns, for {}. Nothing was changed.",
            queue.words()
        );
        return Err(Problem::new(Code::QueueFull, message));
    }
    Ok(at)
}

/// Waits until the DryRun of StartInstances that a save makes in its turn leaves room for restarts: they are not evenly
/// spaced, and never wait. The wait is at most [`YIELDS`], because it is made in a step.
pub(super) async fn yield_to_restarts(env: &Env, region: &Region) -> Result<(), Problem> {
    let now = env.clock.now();
    let turn = pacing::take(env, region, Paced::Start, YIELDS).await?;
    pacing::sleep(env, turn.map_or(YIELDS, |at| at - now)).await;
    Ok(())
}

/// Counts a restart, to which DryRuns yield. The restart has been requested, and does not depend on this.
pub(super) async fn count_restart(env: &Env, region: &Region) {
    let within = env.settings.queue_hours.time();
    if let Err(problem) = pacing::take(env, region, Paced::Start, within).await {
        tracing::warn!(problem = problem.chain(), "a restart was not counted");
    }
}

/// Returns whether a save that somebody waits for may overtake the queue.
async fn is_next(
    env: &Env,
    region: &Region,
    user: &UserId,
    now: Timestamp,
) -> Result<bool, Problem> {
    let of_user = Rhythm {
        interval: USER_INTERVAL,
        at_once: AWAITED_OF_USER,
    };
    let of_all = Rhythm {
        interval: Paced::Save.interval(env.settings.ec2_share),
        at_once: AWAITED,
    };
    let (registry, zero) = (&env.registry, TimeDelta::zero());
    let queues = [
        (Queue::AwaitedSavesOf(user), of_user),
        (Queue::AwaitedSaves, of_all),
    ];
    for (queue, rhythm) in queues {
        let turn = registry.take_turn(region, queue, rhythm, now, zero).await?;
        if turn.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Moves all later turns back by one.
async fn push_back(env: &Env, region: &Region) -> Result<(), Problem> {
    let within = env.settings.queue_hours.time();
    pacing::take(env, region, Paced::Save, within)
        .await
        .map(drop)
}

/// Returns a pause that doubles with each throttle. It differs between saves, so that saves throttled at the same time
/// come back at different times.
fn pause(save: &SaveId, taken: u32) -> TimeDelta {
    let window = BACK_OFF_AT_MOST.min(TimeDelta::seconds(4_i64 << taken.min(10)));
    let mut hasher = DefaultHasher::new();
    (save, taken).hash(&mut hasher);
    let window_ms = window.num_milliseconds().unsigned_abs();
    let ms = window_ms / 4 + hasher.finish() % (window_ms * 3 / 4);
    TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saves_that_are_throttled_at_once_come_back_apart_and_ever_later() {
        let of = |n: u32, taken| {
            let save = format!("save-{n:020x}").parse().unwrap();
            pause(&save, taken).num_milliseconds()
        };
        for (taken, least, most) in [(1, 2_000, 8_000), (3, 8_000, 32_000), (99, 75_000, 300_000)] {
            let pauses: Vec<i64> = (0..100).map(|n| of(n, taken)).collect();
            assert!(
                pauses.iter().all(|ms| (least..=most).contains(ms)),
                "{pauses:?}"
            );
            let apart: std::collections::BTreeSet<_> = pauses.iter().collect();
            assert!(apart.len() > 90, "{pauses:?}");
        }
    }
}
