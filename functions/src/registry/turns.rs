//! Turns: operations that call heavily throttled EC2 APIs begin at assigned times, which are taken from a shared
//! counter.
//!
//! A turn is a point in time and not a lease: a caller that fails before its turn, or takes two turns, wastes one, and
//! nothing has to be given back.

use chrono::TimeDelta;

use super::items::turn::{Queue, turns_key};
use super::{Registry, problem};
use crate::domain::pace::{Ec2Share, Paced};
use crate::domain::{Problem, Region, Timestamp};
use crate::ports::{Advance, Change, Condition, Key, Write, number};

/// The attribute that contains the time of the next turn, in milliseconds since 1970.
const NEXT: &str = "next_ms";

/// The maximum difference between the clocks of machines, in milliseconds.
const SKEW_MS: i64 = 60_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rhythm {
    pub(crate) interval: TimeDelta,
    /// How many turns can be at the same time after a pause; at least one.
    pub(crate) at_once: i32,
}

impl Rhythm {
    /// The rhythm of an operation for a share of EC2's buckets.
    pub(crate) fn of(paced: Paced, share: Ec2Share) -> Self {
        Self {
            interval: paced.interval(share),
            at_once: paced.at_once(share),
        }
    }
}

impl Registry {
    /// Takes the next turn of a queue, which is now or later. Returns `None` and takes no turn if the turn would be
    /// later than `within` from now.
    pub(crate) async fn take_turn(
        &self,
        region: &Region,
        queue: Queue<'_>,
        rhythm: Rhythm,
        now: Timestamp,
        within: TimeDelta,
    ) -> Result<Option<Timestamp>, Problem> {
        let ahead = rhythm.interval * rhythm.at_once;
        let latest = now.checked_add_signed(within + ahead);
        let advance = Advance {
            attribute: NEXT.to_owned(),
            by: rhythm.interval.num_milliseconds().max(1),
            least: now.timestamp_millis(),
            most: latest.map_or(i64::MAX, |latest| latest.timestamp_millis()),
        };
        let key = turns_key(region, queue);
        let after = match self.table.advance(&key, &advance).await.map_err(problem)? {
            Some(after) => after,
            None if self.rewound(&key, &advance).await? => advance.least + advance.by,
            None => return Ok(None),
        };
        let at = Timestamp::from_timestamp_millis(after);
        Ok(at.map(|after| (after - ahead).max(now)))
    }

    /// Returns when the next turn of a queue is, which may be in the past; `None` if none was ever taken.
    pub(crate) async fn next_turn(
        &self,
        region: &Region,
        queue: Queue<'_>,
    ) -> Result<Option<Timestamp>, Problem> {
        let key = turns_key(region, queue);
        let item = self.table.get(&key).await.map_err(problem)?;
        let next = number(item.as_ref(), NEXT).map_err(problem)?;
        Ok(next.and_then(Timestamp::from_timestamp_millis))
    }

    /// Resets a queue to the current time if its next turn is later than any turn can be, which happens after a clock
    /// was wrong. Otherwise nobody would get a turn until that time. Returns whether the queue was reset.
    async fn rewound(&self, key: &Key, advance: &Advance) -> Result<bool, Problem> {
        let item = self.table.get(key).await.map_err(problem)?;
        let next = number(item.as_ref(), NEXT).map_err(problem)?;
        let Some(next) = next.filter(|next| *next > advance.most.saturating_add(SKEW_MS)) else {
            return Ok(false);
        };
        let unchanged = Condition::Equals(NEXT.to_owned(), next.into());
        let first = Change::Set(NEXT.to_owned(), (advance.least + advance.by).into());
        let write = Write::Update(key.clone(), vec![first], unchanged);
        match self.table.transact(&[write]).await {
            Ok(()) => Ok(true),
            Err(error) => Err(problem(error)),
        }
    }
}
