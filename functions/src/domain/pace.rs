//! How often EC2 may be asked for what it limits most, and which part of that Prism takes.
//!
//! What presses on a small bucket begins by turns, so that a burst is spread out before EC2 refuses any of it, and
//! the account's other users keep their part.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Which part of each of EC2's buckets Prism may use, in percent: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Ec2Share(u8);

impl Default for Ec2Share {
    /// One half.
    fn default() -> Self {
        Self(50)
    }
}

/// It is no part of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no share: it takes a whole number from 1 to 100, in percent")]
pub struct InvalidShare(String);

impl TryFrom<u8> for Ec2Share {
    type Error = InvalidShare;

    fn try_from(percent: u8) -> Result<Self, InvalidShare> {
        match percent {
            1..=100 => Ok(Self(percent)),
            _ => Err(InvalidShare(percent.to_string())),
        }
    }
}

impl FromStr for Ec2Share {
    type Err = InvalidShare;

    fn from_str(text: &str) -> Result<Self, InvalidShare> {
        let percent: u8 = text.parse().map_err(|_| InvalidShare(text.to_owned()))?;
        percent.try_into()
    }
}

impl From<Ec2Share> for u8 {
    fn from(share: Ec2Share) -> Self {
        share.0
    }
}

impl fmt::Display for Ec2Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What begins by turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Paced {
    /// Saves. Each asks StartInstances twice: by a DryRun before the stop, and for the restart.
    Save,
    /// Copies of AMIs, by their destination.
    Copy,
    /// Plans of copies, by their first destination. Each asks APIs that only tell something, and each of them once.
    CopyPlan,
    /// Launches.
    Launch,
    /// Removals of AMIs.
    Removal,
    /// Removals of snapshots.
    SnapshotRemoval,
}

/// A bucket of requests: how many it holds, and how many are added in a second.
struct Bucket {
    size: i64,
    refill_per_s: i64,
}

// AWS, "Request throttling for the Amazon EC2 API", read on 28 November 2026.
const START_INSTANCES: Bucket = bucket(5, 2);
/// Of each API that only tells something.
const TELLS: Bucket = bucket(100, 20);
const RUN_INSTANCES: Bucket = bucket(5, 2);
const COPY_IMAGE: Bucket = bucket(100, 1);
const DEREGISTER_IMAGE: Bucket = bucket(100, 5);
const DELETE_SNAPSHOT: Bucket = bucket(100, 5);

const fn bucket(size: i64, refill_per_s: i64) -> Bucket {
    Bucket { size, refill_per_s }
}

/// How far turns of saves are apart, in thousandths of what the bucket's refill takes: restarts do not come as evenly as
/// turns do, and find the bucket empty at times where all of its refill is used. At one half, 10,000 turns fit into
/// [`QUEUE`].
const SAVES_APART_PER_MILLE: i64 = 1079;

impl Paced {
    /// The bucket that bounds it, and how many requests each turn takes from that.
    const fn bound(self) -> (Bucket, i64) {
        match self {
            Paced::Save => (START_INSTANCES, 2),
            Paced::Copy => (COPY_IMAGE, 1),
            Paced::CopyPlan => (TELLS, 1),
            Paced::Launch => (RUN_INSTANCES, 1),
            Paced::Removal => (DEREGISTER_IMAGE, 1),
            Paced::SnapshotRemoval => (DELETE_SNAPSHOT, 1),
        }
    }

    /// The time between two turns that come one after the other for long.
    pub fn interval(self, share: Ec2Share) -> TimeDelta {
        let (bucket, requests) = self.bound();
        let per_s = bucket.refill_per_s * i64::from(share.0);
        let apart = if self == Paced::Save {
            SAVES_APART_PER_MILLE
        } else {
            1000
        };
        TimeDelta::milliseconds((requests * 100 * apart + per_s - 1) / per_s)
    }

    /// How many may begin at once after a pause; at least one.
    pub fn at_once(self, share: Ec2Share) -> i32 {
        let (bucket, requests) = self.bound();
        let whole = bucket.size * i64::from(share.0) / (100 * requests);
        i32::try_from(whole.max(1)).unwrap_or(i32::MAX)
    }
}

/// For how long a save, or the copy of an AMI to a Region, waits for its turn at most.
pub const QUEUE: TimeDelta = TimeDelta::hours(6);

#[cfg(test)]
mod tests {
    use super::*;

    fn share(percent: u8) -> Ec2Share {
        percent.try_into().unwrap()
    }

    #[test]
    fn turns_follow_as_the_bucket_fills() {
        let between = |paced: Paced, percent| {
            let interval = paced.interval(share(percent));
            (interval.num_milliseconds(), paced.at_once(share(percent)))
        };
        assert_eq!(between(Paced::Save, 50), (2158, 1));
        assert_eq!(between(Paced::Save, 100), (1079, 2));
        assert_eq!(between(Paced::Save, 30), (3597, 1));
        assert_eq!(between(Paced::Copy, 50), (2000, 50));
        assert_eq!(between(Paced::Launch, 50), (1000, 2));
        assert_eq!(between(Paced::Removal, 50), (400, 50));
        assert_eq!(between(Paced::Removal, 1), (20_000, 1));
    }

    #[test]
    fn a_share_is_a_whole_percentage() {
        assert_eq!("50".parse(), Ok(Ec2Share::default()));
        assert_eq!(share(7).to_string(), "7");
        for text in ["0", "101", "-1", "50 %", "", "256", "0.5"] {
            let refused = text.parse::<Ec2Share>().unwrap_err();
            assert!(refused.to_string().starts_with(text), "{refused}");
        }
        assert!(serde_json::from_str::<Ec2Share>("0").is_err());
        assert_eq!(serde_json::to_string(&share(100)).unwrap(), "100");
    }
}
