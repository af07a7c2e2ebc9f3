//! Schedules whose last run was recorded by a clock that has since been set back.

use super::Schedule;
use crate::domain::Timestamp;
use crate::domain::clock::is_future;

impl Schedule {
    /// Whether its runs are counted from a time in the future, such as one recorded before the clock was set back.
    pub(crate) fn is_ahead(&self, now: Timestamp) -> bool {
        let begun = self.last_fired_at.unwrap_or(self.created_at);
        [Some(begun), self.resumed_at]
            .into_iter()
            .flatten()
            .any(|at| is_future(at, now))
    }

    /// Counts the runs from `now` if they are counted from a time in the future. Otherwise the schedule would not run
    /// until the clock has caught up.
    pub(crate) fn heed_clock(&mut self, now: Timestamp) {
        if self.is_ahead(now) {
            self.last_fired_at = Some(now);
            self.resumed_at = self.resumed_at.map(|at| at.min(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::schedule;
    use super::*;

    #[test]
    fn one_that_ran_in_the_future_counts_from_now_on() {
        let mut it = schedule("1d", "UTC");
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        it.last_fired_at = Some(at("2026-03-06T09:00:00Z"));
        it.resumed_at = Some(at("2026-03-05T09:00:00Z"));
        let now = at("2026-01-09T12:00:00Z");
        assert!(it.is_ahead(now));
        it.heed_clock(now);
        assert!(!it.is_ahead(now));
        assert_eq!(it.due(at("2026-01-10T08:59:59Z")), None);
        let next = at("2026-01-10T09:00:00Z");
        assert_eq!(it.due(next), Some(next));
        // The schedule was created in the future and never ran.
        let begins = it.created_at - chrono::TimeDelta::days(2);
        it.last_fired_at = None;
        it.resumed_at = None;
        assert!(it.is_ahead(begins));
        it.heed_clock(begins);
        assert_eq!(
            (it.is_ahead(begins), it.last_fired_at),
            (false, Some(begins))
        );
    }
}
