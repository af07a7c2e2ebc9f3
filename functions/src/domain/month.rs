//! Calendar months in UTC, in which costs are counted.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use super::{Code, Problem, Timestamp};

/// A calendar month in UTC, as text `2026-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    year: i32,
    month: u32,
}

impl Month {
    /// The month that contains an instant.
    pub fn of(at: Timestamp) -> Self {
        Self {
            year: at.year(),
            month: at.month(),
        }
    }

    #[must_use]
    pub fn next(self) -> Self {
        self.plus(1)
    }

    #[must_use]
    pub fn previous(self) -> Self {
        self.plus(-1)
    }

    /// The month that is this many months later, or earlier if the number is negative.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        let count = self.year * 12 + self.month.cast_signed() - 1 + months;
        Self {
            year: count.div_euclid(12),
            month: count.rem_euclid(12).cast_unsigned() + 1,
        }
    }

    /// The first instant of the month.
    pub fn begin(self) -> Timestamp {
        let first = NaiveDate::from_ymd_opt(self.year, self.month, 1).unwrap_or_default();
        first.and_time(NaiveTime::MIN).and_utc()
    }

    /// The first instant of the next month.
    pub fn end(self) -> Timestamp {
        self.next().begin()
    }

    /// The number of seconds from the beginning of the month until an instant, at most the length of the month.
    pub fn seconds_until(self, at: Timestamp) -> i64 {
        (at.min(self.end()) - self.begin()).num_seconds()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d");
        let first = first.map_err(|error| {
            let message = format!("A month is written as 2026-01, not as {text}.");
            Problem::new(Code::InvalidInput, message).because(error)
        })?;
        Ok(Self {
            year: first.year(),
            month: first.month(),
        })
    }
}

impl TryFrom<String> for Month {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> String {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_across_years() {
        let december = Month::of("2025-12-31T23:59:59Z".parse().unwrap());
        let january = december.next();
        assert_eq!(
            (december.to_string(), january.to_string()),
            ("2025-12".into(), "2026-01".into())
        );
        assert_eq!(january.previous(), december);
        assert_eq!(december.end(), january.begin());
        assert_eq!(january, "2026-01".parse().unwrap());
        assert_eq!(january.plus(-13).to_string(), "2024-12");
        assert!("2026-13".parse::<Month>().is_err());
        let days = |month: &str| month.parse::<Month>().unwrap().seconds_until(january.end());
        assert_eq!((days("2026-01"), days("2024-02")), (31 * 86400, 29 * 86400));
    }
}
