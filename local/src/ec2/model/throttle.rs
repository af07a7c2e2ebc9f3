//! Token buckets per account, Region and API, and their users (EC2 facts, "Throttling").
//!
//! AWS, "Request throttling for the Amazon EC2 API", read on 28 November 2026: each API is throttled separately by
//! its number of requests; four APIs are also throttled by the number of instances that the requests affect.

use std::time::Duration;

use prism_functions::domain::Timestamp;
use prism_functions::ports::Ec2Error;
use serde::{Deserialize, Serialize};

use crate::ec2::settings::Throttles;

/// Tokens are counted in thousandths, so that a refill is exact for any number of milliseconds.
const WHOLE: u64 = 1000;

/// How many tokens a bucket holds, and how many are added per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) size: u32,
    pub(crate) refill_per_s: u32,
}

/// Creates a rate; the short name suits a table.
const fn rate(size: u32, refill_per_s: u32) -> Rate {
    Rate { size, refill_per_s }
}

const REQUESTS: &[(&str, Rate)] = &[
    ("RunInstances", rate(5, 2)),
    ("StartInstances", rate(5, 2)),
    ("CopyImage", rate(100, 1)),
    ("DeregisterImage", rate(100, 5)),
    ("ModifyImageAttribute", rate(100, 5)),
    ("DeleteSnapshot", rate(100, 5)),
    ("TerminateInstances", rate(100, 5)),
    ("CreateTags", rate(100, 10)),
];

/// All other APIs that only read, each with its own bucket.
const TELLS: Rate = rate(100, 20);
/// All other APIs that change something, each with its own bucket.
const CHANGES: Rate = rate(50, 5);
/// The additional bucket of requests that are neither filtered nor paginated.
#[cfg(feature = "wire")]
const UNFILTERED: Rate = rate(50, 10);

/// The APIs that are also throttled by the instances that they affect. A DryRun affects none.
const INSTANCES: &[(&str, Rate)] = &[
    ("RunInstances", rate(1000, 2)),
    ("StartInstances", rate(1000, 2)),
    ("StopInstances", rate(1000, 20)),
    ("TerminateInstances", rate(1000, 20)),
];

fn listed(table: &[(&str, Rate)], action: &str) -> Option<Rate> {
    let found = table.iter().find(|(name, _)| *name == action);
    found.map(|(_, rate)| *rate)
}

pub(crate) fn requests_of(action: &str) -> Rate {
    let tells = ["Describe", "Get", "List"];
    let only_tells = tells.iter().any(|word| action.starts_with(word));
    let others = if only_tells { TELLS } else { CHANGES };
    listed(REQUESTS, action).unwrap_or(others)
}

#[cfg(feature = "wire")]
pub(crate) fn unfiltered() -> Rate {
    UNFILTERED
}

/// The rate of the instances that an API affects, if it has one.
pub(crate) fn instances_of(action: &str) -> Option<Rate> {
    listed(INSTANCES, action)
}

/// How many requests there were, and how many of them were throttled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    pub calls: u64,
    pub throttled: u64,
}

impl Traffic {
    fn count(&mut self, admitted: bool) -> bool {
        self.calls += 1;
        self.throttled += u64::from(!admitted);
        admitted
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    thousandths: u64,
    at: Timestamp,
    /// When the account's other users send their next request, once they have begun.
    neighbour_at: Option<Timestamp>,
    pub(crate) own: Traffic,
    pub(crate) neighbour: Traffic,
}

impl Bucket {
    pub(crate) fn full(now: Timestamp, rate: Rate) -> Self {
        Self {
            thousandths: u64::from(rate.size) * WHOLE,
            at: now,
            neighbour_at: None,
            own: Traffic::default(),
            neighbour: Traffic::default(),
        }
    }

    /// Takes this many tokens, if the bucket has them.
    pub(crate) fn take(&mut self, now: Timestamp, rate: Rate, tokens: usize) -> bool {
        self.refill(now, rate);
        let admitted = self.draw(tokens);
        self.own.count(admitted)
    }

    /// Takes the tokens that the account's other users would have used by now: `per_mille` thousandths of the refill,
    /// one token at a time and evenly spaced. A request that finds no token is refused and not repeated.
    pub(crate) fn let_neighbours(&mut self, now: Timestamp, rate: Rate, per_mille: u32) {
        let per_s = u64::from(rate.refill_per_s) * u64::from(per_mille);
        if per_s == 0 {
            return;
        }
        let pause = Duration::from_micros(1_000_000 * 1000 / per_s);
        // The offset avoids requests at the same time as those that are sent at whole seconds.
        let first = super::after(self.at, pause * 37 / 100);
        let mut at = self.neighbour_at.unwrap_or(first);
        while at <= now {
            self.refill(at, rate);
            let admitted = self.draw(1);
            self.neighbour.count(admitted);
            at = super::after(at, pause);
        }
        self.neighbour_at = Some(at);
    }

    fn refill(&mut self, now: Timestamp, rate: Rate) {
        let elapsed = now.signed_duration_since(self.at).num_milliseconds();
        let elapsed_ms = u64::try_from(elapsed).unwrap_or(0);
        if elapsed_ms > 0 {
            let refill = elapsed_ms.saturating_mul(u64::from(rate.refill_per_s));
            let most = u64::from(rate.size) * WHOLE;
            self.thousandths = self.thousandths.saturating_add(refill).min(most);
            // The rest of a millisecond counts next time.
            self.at += Duration::from_millis(elapsed_ms);
        }
    }

    fn draw(&mut self, tokens: usize) -> bool {
        let wanted = WHOLE.saturating_mul(tokens as u64);
        let left = self.thousandths.checked_sub(wanted);
        self.thousandths = left.unwrap_or(self.thousandths);
        left.is_some()
    }
}

/// The rate, scaled by the settings; never less than one.
pub(crate) fn scaled(throttles: &Throttles, rate: Rate) -> Rate {
    let scale = |n: u32| {
        let n = u64::from(n) * u64::from(throttles.scale_percent) / 100;
        u32::try_from(n).unwrap_or(u32::MAX).max(1)
    };
    Rate {
        size: scale(rate.size),
        refill_per_s: scale(rate.refill_per_s),
    }
}

pub(crate) fn throttled(action: &str) -> Ec2Error {
    Ec2Error::new(action, "RequestLimitExceeded", "Request limit exceeded.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_empties_the_bucket_and_time_refills_it() {
        let start = Timestamp::default();
        let rate = requests_of("StartInstances");
        let mut bucket = Bucket::full(start, rate);
        let burst = (0..10).filter(|_| bucket.take(start, rate, 1)).count();
        assert_eq!(burst, 5);
        let soon = start + Duration::from_millis(499);
        assert!(!bucket.take(soon, rate, 1));
        assert!(bucket.take(start + Duration::from_millis(500), rate, 1));
        // Many small refills add up to one large refill.
        let mut allowed = 0;
        for ms in (510..=10_500).step_by(10) {
            let now = start + Duration::from_millis(ms);
            allowed += u32::from(bucket.take(now, rate, 1));
        }
        assert_eq!(allowed, 20);
        assert_eq!(bucket.own.calls - bucket.own.throttled, 26);
    }

    #[test]
    fn it_never_holds_more_than_its_size_and_survives_a_clock_that_goes_back() {
        let start = Timestamp::default() + Duration::from_secs(1000);
        let rate = rate(3, 2);
        let mut bucket = Bucket::full(start, rate);
        let later = start + Duration::from_secs(100_000);
        assert_eq!((0..9).filter(|_| bucket.take(later, rate, 1)).count(), 3);
        assert!(!bucket.take(start, rate, 1));
    }

    #[test]
    fn requests_have_the_rate_of_their_api() {
        assert_eq!(requests_of("DescribeImages"), rate(100, 20));
        assert_eq!(requests_of("GetEbsDefaultKmsKeyId"), rate(100, 20));
        assert_eq!(requests_of("CreateImage"), rate(50, 5));
        assert_eq!(requests_of("StopInstances"), rate(50, 5));
        assert_eq!(instances_of("CreateImage"), None);
    }

    #[test]
    fn neighbours_use_their_share_evenly_and_are_refused_only_if_nothing_is_left() {
        let start = Timestamp::default();
        let rate = requests_of("StartInstances");
        let mut alone = Bucket::full(start, rate);
        let end = start + Duration::from_secs(100);
        alone.let_neighbours(end, rate, 500);
        let drawn = Traffic {
            calls: 100,
            throttled: 0,
        };
        assert_eq!(alone.neighbour, drawn);
        // If the others take twice the refill, too little is left for the account.
        let mut pressed = Bucket::full(start, rate);
        for half in 0..400 {
            let now = start + Duration::from_millis(half * 250);
            pressed.let_neighbours(now, rate, 500);
            pressed.take(now, rate, 1);
        }
        assert!(pressed.neighbour.throttled > 20, "{pressed:?}");
    }
}
