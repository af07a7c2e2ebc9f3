//! How often Prism calls the EC2 APIs with the tightest limits, and what share of the limits it uses.
//!
//! Operations that call an API with a small bucket begin in turns. This spreads a burst before EC2 throttles it, and
//! leaves part of the bucket to the account's other users.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::counted;

/// Declares a setting that is a whole number: its type, name, unit, limits and default.
macro_rules! whole_number {
    ($(#[$doc:meta])* $name:ident, $what:literal, $unit:literal, $limits:expr, $default:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "u8", into = "u8")]
        pub struct $name(u8);

        impl $name {
            const LIMITS: RangeInclusive<u8> = $limits;
        }

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl TryFrom<u8> for $name {
            type Error = InvalidNumber;

            fn try_from(number: u8) -> Result<Self, InvalidNumber> {
                number.to_string().parse()
            }
        }

        impl FromStr for $name {
            type Err = InvalidNumber;

            fn from_str(text: &str) -> Result<Self, InvalidNumber> {
                let number = text.parse::<u8>().ok();
                let number = number.filter(|number| Self::LIMITS.contains(number));
                number.map(Self).ok_or_else(|| InvalidNumber {
                    text: text.to_owned(),
                    what: $what,
                    unit: $unit,
                    least: *Self::LIMITS.start(),
                    most: *Self::LIMITS.end(),
                })
            }
        }

        impl From<$name> for u8 {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// The value is not a number that the setting allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text} is not a valid {what}: it must be a whole number from {least} to {most}, in {unit}"
)]
pub struct InvalidNumber {
    text: String,
    what: &'static str,
    unit: &'static str,
    least: u8,
    most: u8,
}

whole_number!(
    /// The share of each EC2 request bucket that Prism may use, in percent, from 1 to 100.
    Ec2Share, "share", "percent", 1..=100, 50
);

whole_number!(
    /// The longest time that a save, or a copy of an AMI to a Region, waits for its turn, in hours.
    ///
    /// An execution is limited to three days: a save may wait for its turn, for its AMI up to a day, for the turns of its
    /// copies, and for the copies up to half a day.
    QueueHours, "limit of the queue", "hours", 1..=12, 6
);

impl QueueHours {
    /// The limit as a time.
    pub fn time(self) -> TimeDelta {
        TimeDelta::hours(self.0.into())
    }

    /// The limit in words, such as "6 hours".
    pub fn words(self) -> String {
        counted(self.0, "hour")
    }
}

/// The operations that begin in turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Paced {
    /// Saves. Each save calls StartInstances twice: a DryRun before the stop, and the restart.
    Save,
    /// Single requests to StartInstances: the DryRuns of saves in their turns yield to restarts.
    Start,
    /// Copies of AMIs, by destination Region.
    Copy,
    /// Plans of copies, by their first destination Region. Each plan calls only read APIs, and each of these once.
    CopyPlan,
    Launch,
    Removal,
    SnapshotRemoval,
    /// Stops of instances that have reached their end. Those of saves are paced by the turns of saves.
    Stop,
    Termination,
}

/// A request bucket: its size and the number of requests that are added per second.
struct Bucket {
    size: i64,
    refill_per_s: i64,
}

// AWS, "Request throttling for the Amazon EC2 API", read on 28 November 2026.
const START_INSTANCES: Bucket = bucket(5, 2);
const TELLS: Bucket = bucket(100, 20);
const RUN_INSTANCES: Bucket = bucket(5, 2);
const COPY_IMAGE: Bucket = bucket(100, 1);
const DEREGISTER_IMAGE: Bucket = bucket(100, 5);
const DELETE_SNAPSHOT: Bucket = bucket(100, 5);
const STOP_INSTANCES: Bucket = bucket(50, 5);
const TERMINATE_INSTANCES: Bucket = bucket(100, 5);

const fn bucket(size: i64, refill_per_s: i64) -> Bucket {
    Bucket { size, refill_per_s }
}

/// The interval between turns of saves, in thousandths of the time that the bucket takes to refill. Restarts are less
/// evenly spaced than turns, and the reserve lets the bucket recover after several of them. At a share of 50 percent,
/// 10,000 turns fit into six hours, the default of [`QueueHours`].
const SAVES_APART_PER_MILLE: i64 = 1079;

impl Paced {
    /// The bucket that limits the operation, and the number of requests that each turn takes from it.
    const fn bound(self) -> (Bucket, i64) {
        match self {
            Paced::Save => (START_INSTANCES, 2),
            Paced::Start => (START_INSTANCES, 1),
            Paced::Copy => (COPY_IMAGE, 1),
            Paced::CopyPlan => (TELLS, 1),
            Paced::Launch => (RUN_INSTANCES, 1),
            Paced::Removal => (DEREGISTER_IMAGE, 1),
            Paced::SnapshotRemoval => (DELETE_SNAPSHOT, 1),
            Paced::Stop => (STOP_INSTANCES, 1),
            Paced::Termination => (TERMINATE_INSTANCES, 1),
        }
    }

    /// The interval between consecutive turns under sustained load.
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

    /// How many operations can begin at once after a pause; at least one.
    pub fn at_once(self, share: Ec2Share) -> i32 {
        let (bucket, requests) = self.bound();
        let whole = bucket.size * i64::from(share.0) / (100 * requests);
        i32::try_from(whole.max(1)).unwrap_or(i32::MAX)
    }
}

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
        assert_eq!(between(Paced::Start, 50), (1000, 2));
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

    #[test]
    fn a_queue_is_hours_long() {
        let hours = |text: &str| text.parse::<QueueHours>();
        assert_eq!(hours("6"), Ok(QueueHours::default()));
        assert_eq!(hours("1").unwrap().words(), "1 hour");
        assert_eq!(hours("12").unwrap().time(), TimeDelta::hours(12));
        for text in ["0", "13", "6 h", "0.5"] {
            let refused = hours(text).unwrap_err().to_string();
            let rule = "limit of the queue: it must be a whole number from 1 to 12, in hours";
            assert_eq!(refused, format!("{text} is not a valid {rule}"));
        }
    }
}
