//! Time between instants, including instants that were recorded by a clock that has since been set back.

use chrono::{Datelike as _, TimeDelta};

use super::{Code, Problem, Timestamp};

/// The largest difference between the clocks of machines that are set correctly.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);

/// Refuses an instant of a request whose year has not four digits: records sort by the text of their instants, and no time
/// zone reaches beyond the years that can be calculated with.
pub(crate) fn check_year(at: Timestamp) -> Result<(), Problem> {
    if (1970..=9999).contains(&at.year()) {
        return Ok(());
    }
    let message = format!("The time {} is not possible.", at.to_rfc3339());
    Err(Problem::new(Code::InvalidInput, message).hint("Name a time of the years 1970 to 9999."))
}

/// The seconds from one instant to a later one; 0 if the second instant is not later.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (to - from).to_std().map_or(0.0, |d| d.as_secs_f64())
}

/// Whether a recorded instant is so far in the future that it must date from before a clock was set back.
pub(crate) fn is_future(at: Timestamp, now: Timestamp) -> bool {
    at > now + CLOCKS_DIFFER
}

/// Whether something happened within the last `within_s` seconds. An instant in the future does not count as recent:
/// otherwise a caller that waits until it is no longer recent would wait until the clock has caught up.
pub(crate) fn is_recent(at: Timestamp, within_s: f64, now: Timestamp) -> bool {
    !is_future(at, now) && seconds_between(at, now) < within_s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_for_the_future_is_not_recent() {
        let at = |second: i64| Timestamp::from_timestamp(second, 0).unwrap_or_default();
        let recent = |second| is_recent(at(second), 30.0, at(3600));
        let seconds = [3569, 3570, 3571, 3600, 3660, 3661, 7200];
        let told = seconds.map(recent);
        assert_eq!(told, [false, false, true, true, true, false, false]);
    }
}
