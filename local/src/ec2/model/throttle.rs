//! Token buckets per account, Region and action (EC2 facts, "Throttling").

use prism_functions::domain::Timestamp;
use prism_functions::ports::Ec2Error;
use serde::{Deserialize, Serialize};

use crate::ec2::settings::Throttles;

/// Tokens are counted in thousandths, so that a refill over any number of milliseconds is exact.
const WHOLE: u64 = 1000;

/// A bucket, as it was when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    thousandths: u64,
    at: Timestamp,
}

/// The bucket of an action: its name, its size and its refill per second.
///
/// All Describe and Get actions share one: "you can make up to 100 Describe* requests in one
/// second". Each mutating action has its own.
pub(crate) fn bucket_of(action: &str) -> (&str, u32, u32) {
    match action {
        "RunInstances" | "StartInstances" => (action, 5, 2),
        "StopInstances" | "CreateImage" => (action, 50, 5),
        "CopyImage" => (action, 100, 1),
        "DeregisterImage"
        | "ModifyImageAttribute"
        | "DeleteSnapshot"
        | "TerminateInstances"
        | "CreateTags" => (action, 100, 5),
        _ => ("Describe", 100, 20),
    }
}

/// The bucket of the instances that an action is about, beside that of its requests: a DryRun takes
/// nothing from it.
pub(crate) fn instances_of(action: &str) -> Option<(u32, u32)> {
    match action {
        "RunInstances" | "StartInstances" => Some((1000, 2)),
        "StopInstances" | "TerminateInstances" => Some((1000, 20)),
        _ => None,
    }
}

impl Bucket {
    pub(crate) fn full(now: Timestamp, size: u32) -> Self {
        Self {
            thousandths: u64::from(size) * WHOLE,
            at: now,
        }
    }

    /// Takes one token, if there is one.
    #[cfg(test)]
    fn take(&mut self, now: Timestamp, size: u32, refill_per_s: u32) -> bool {
        self.take_all(now, (size, refill_per_s), 1)
    }

    /// Takes so many tokens, if there are as many.
    pub(crate) fn take_all(
        &mut self,
        now: Timestamp,
        (size, refill_per_s): (u32, u32),
        tokens: usize,
    ) -> bool {
        let elapsed_ms =
            u64::try_from(now.signed_duration_since(self.at).num_milliseconds()).unwrap_or(0);
        if elapsed_ms > 0 {
            let refill = elapsed_ms.saturating_mul(u64::from(refill_per_s));
            self.thousandths = self
                .thousandths
                .saturating_add(refill)
                .min(u64::from(size) * WHOLE);
            self.at = now;
        }
        let wanted = WHOLE.saturating_mul(tokens as u64);
        let left = self.thousandths.checked_sub(wanted);
        self.thousandths = left.unwrap_or(self.thousandths);
        left.is_some()
    }
}

/// The size and refill as the settings scale them; never less than one.
pub(crate) fn scaled(throttles: &Throttles, size: u32, refill_per_s: u32) -> (u32, u32) {
    let scale = |n: u32| {
        let n = u64::from(n) * u64::from(throttles.scale_percent) / 100;
        u32::try_from(n).unwrap_or(u32::MAX).max(1)
    };
    (scale(size), scale(refill_per_s))
}

/// What a throttled call answers.
pub(crate) fn throttled(action: &str) -> Ec2Error {
    Ec2Error::new(action, "RequestLimitExceeded", "Request limit exceeded.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_empties_the_bucket_and_time_refills_it() {
        let start = Timestamp::default();
        let (_, size, refill) = bucket_of("StartInstances");
        let mut bucket = Bucket::full(start, size);
        let burst = (0..10).filter(|_| bucket.take(start, size, refill)).count();
        assert_eq!(burst, 5);
        let soon = start + Duration::from_millis(499);
        assert!(!bucket.take(soon, size, refill));
        assert!(bucket.take(start + Duration::from_millis(500), size, refill));
        // Refills in small pieces add up to the same.
        let mut allowed = 0;
        for ms in (510..=10_500).step_by(10) {
            let now = start + Duration::from_millis(ms);
            allowed += u32::from(bucket.take(now, size, refill));
        }
        assert_eq!(allowed, 20);
    }

    #[test]
    fn it_never_holds_more_than_its_size_and_survives_a_clock_that_goes_back() {
        let start = Timestamp::default() + Duration::from_secs(1000);
        let mut bucket = Bucket::full(start, 3);
        let later = start + Duration::from_secs(100_000);
        assert_eq!((0..9).filter(|_| bucket.take(later, 3, 2)).count(), 3);
        assert!(!bucket.take(start, 3, 2));
    }
}
