//! The upcoming turns of a queue.

use crate::domain::{Region, UserId};
use crate::ports::Key;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue<'a> {
    /// Saves that no user waits for.
    Saves,
    AwaitedSaves,
    AwaitedSavesOf(&'a UserId),
    /// Requests to StartInstances.
    Starts,
    Copies,
    /// Plans of copies, for which the Region is the first destination.
    CopyPlans,
    Launches,
    /// The times at which launches whose turn was not immediately are to be requested again.
    RepeatedLaunches,
    Removals,
    SnapshotRemovals,
    Stops,
    Terminations,
}

pub(in crate::registry) fn turns_key(region: &Region, queue: Queue<'_>) -> Key {
    let queue = match queue {
        Queue::Saves => "SAVES".to_owned(),
        Queue::AwaitedSaves => "AWAITED".to_owned(),
        Queue::AwaitedSavesOf(user) => format!("AWAITED#{user}"),
        Queue::Starts => "STARTS".to_owned(),
        Queue::Copies => "COPIES".to_owned(),
        Queue::CopyPlans => "COPIES#PLANS".to_owned(),
        Queue::Launches => "LAUNCHES".to_owned(),
        Queue::RepeatedLaunches => "LAUNCHES#AGAIN".to_owned(),
        Queue::Removals => "IMAGES".to_owned(),
        Queue::SnapshotRemovals => "SNAPSHOTS".to_owned(),
        Queue::Stops => "STOPS".to_owned(),
        Queue::Terminations => "TERMINATIONS".to_owned(),
    };
    Key::new(format!("TURNS#{region}"), queue)
}
