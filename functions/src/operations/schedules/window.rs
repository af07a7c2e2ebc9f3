//! The times for which the next runs of schedules are requested.

use chrono::{DateTime, FixedOffset, TimeDelta};

use crate::domain::clock::check_year;
use crate::domain::schedule::{Schedule, ScheduleState};
use crate::domain::{Code, Problem, Timestamp};

/// How many of the next runs are returned if no range is requested.
const NEXT: usize = 10;
/// The longest range, in days. A schedule is due at most once an hour.
const DAYS_MOST: i64 = 31;
/// The most runs of a schedule in a range: one in each hour, and one more for a clock that is set back.
const RUNS_MOST: usize = 31 * 24 + 1;

/// The times for which runs are requested.
#[derive(Debug, Clone, Copy)]
pub(in crate::operations) struct Window {
    after: Timestamp,
    until: Option<Timestamp>,
}

impl Window {
    /// The next runs.
    pub(in crate::operations) fn next(now: Timestamp) -> Self {
        Self {
            after: now,
            until: None,
        }
    }

    /// Reads the range of a request. What is past is left out.
    pub(super) fn of(
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        from.into_iter().chain(until).try_for_each(check_year)?;
        let refused = |message: String| Err(Problem::new(Code::InvalidInput, message));
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            return refused("The query value until must be later than from.".to_owned());
        }
        let begin = from.map_or(now, |from| from.max(now));
        if until.is_some_and(|until| until - begin > TimeDelta::days(DAYS_MOST)) {
            return refused(format!(
                "The range from \"from\", or from now, to \"until\" may have at most {DAYS_MOST} days."
            ));
        }
        // A run at the beginning of the range belongs to it.
        let is_later = |from: &Timestamp| *from > now;
        let before = from
            .filter(is_later)
            .map(|from| from - TimeDelta::milliseconds(1));
        Ok(Self {
            after: before.unwrap_or(now),
            until,
        })
    }

    /// The runs of a schedule in this window, in its time zone; none if it is paused or being deleted.
    pub(super) fn runs(&self, schedule: &Schedule) -> Vec<DateTime<FixedOffset>> {
        if schedule.paused || schedule.state != ScheduleState::Active {
            return Vec::new();
        }
        let most = if self.until.is_some() {
            RUNS_MOST
        } else {
            NEXT
        };
        let runs = schedule.upcoming(self.after, most).into_iter();
        let is_within = |at: &Timestamp| self.until.is_none_or(|until| *at < until);
        let runs = runs.take_while(is_within);
        runs.map(|at| schedule.timezone.at(at)).collect()
    }
}
