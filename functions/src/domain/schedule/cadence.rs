//! How often a schedule is due, and the time zone in which its cron expression is evaluated.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeZone as _};
use serde::{Deserialize, Serialize};

use crate::domain::as_string::from_and_into_string;
use crate::domain::cron::CronExpression;
use crate::domain::ids::shown;
use crate::domain::{Code, Problem, Timestamp};

/// The shortest time between two runs, in minutes. It is limited because each run stops an instance.
pub const RATE_MINUTES_LEAST: u32 = 60;
/// The longest rate, in minutes: one year.
pub const RATE_MINUTES_MOST: u32 = 366 * 24 * 60;

/// How often a schedule is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Cadence {
    /// Due at a fixed interval.
    Rate { minutes: u32 },
    /// Due at the times and dates that a cron expression matches.
    Cron(CronExpression),
}

impl FromStr for Cadence {
    type Err = Problem;

    /// Parses `rate(1 day)`, `cron(0 3 ? * MON-FRI *)`, or the text inside the parentheses of either. A rate can also
    /// be abbreviated: `12h`, `1d`.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        let inside = |name: &str| {
            let rest = text.strip_prefix(name)?.trim_start().strip_prefix('(')?;
            rest.strip_suffix(')')
        };
        if let Some(rate) = inside("rate") {
            return rate_of(rate);
        }
        if let Some(fields) = inside("cron") {
            return Ok(Self::Cron(fields.parse()?));
        }
        if text.split_whitespace().count() > 2 {
            Ok(Self::Cron(text.parse()?))
        } else {
            rate_of(text)
        }
    }
}

fn rate_of(text: &str) -> Result<Cadence, Problem> {
    let malformed = || {
        let message = format!(
            "The rate {} is not valid: it must be a number of minutes, hours or days.",
            shown(text)
        );
        Problem::new(Code::InvalidCadence, message)
    };
    let digits = text.trim().find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.trim().split_at(digits.ok_or_else(malformed)?);
    let number: u32 = number.parse().map_err(|_| malformed())?;
    let each = match unit.trim().to_ascii_lowercase().as_str() {
        "m" | "min" | "minute" | "minutes" => 1,
        "h" | "hour" | "hours" => 60,
        "d" | "day" | "days" => 24 * 60,
        "w" | "week" | "weeks" => 7 * 24 * 60,
        _ => return Err(malformed()),
    };
    let minutes = number.saturating_mul(each);
    if (RATE_MINUTES_LEAST..=RATE_MINUTES_MOST).contains(&minutes) {
        return Ok(Cadence::Rate { minutes });
    }
    let message = format!(
        "The rate {} is not valid: it must be at least an hour, because each save stops the instance, and at most a year.",
        shown(text)
    );
    Err(Problem::new(Code::InvalidCadence, message))
}

impl fmt::Display for Cadence {
    /// Formats the cadence in EventBridge Scheduler's syntax.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = match self {
            Cadence::Rate { minutes } => *minutes,
            Cadence::Cron(expression) => return write!(f, "cron({expression})"),
        };
        let (number, unit) = match minutes {
            m if m % (24 * 60) == 0 => (m / (24 * 60), "day"),
            m if m % 60 == 0 => (m / 60, "hour"),
            m => (m, "minute"),
        };
        let plural = if number == 1 { "" } else { "s" };
        write!(f, "rate({number} {unit}{plural})")
    }
}

from_and_into_string!(Cadence);

/// A time zone, identified by its name in the time zone database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone(chrono_tz::Tz);

impl Default for TimeZone {
    fn default() -> Self {
        Self(chrono_tz::Tz::UTC)
    }
}

impl TimeZone {
    /// An instant with the offset that this zone has then.
    pub fn at(self, at: Timestamp) -> DateTime<FixedOffset> {
        at.with_timezone(&self.0).fixed_offset()
    }

    /// The local time in this zone at an instant.
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// The first instant with this local time in the zone; `None` if a clock change skips it.
    pub(super) fn instant(self, local: &NaiveDateTime) -> Option<Timestamp> {
        let at = self.0.from_local_datetime(local).earliest()?;
        Some(at.to_utc())
    }
}

impl FromStr for TimeZone {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        text.parse().map(Self).map_err(|_| {
            let message = format!("There is no time zone {}.", shown(text));
            Problem::new(Code::InvalidTimeZone, message)
        })
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.name())
    }
}

from_and_into_string!(TimeZone);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cadences_read_in_every_form_and_show_in_one() {
        for (text, shown) in [
            ("rate(1 day)", "rate(1 day)"),
            ("rate( 24 hours )", "rate(1 day)"),
            ("1d", "rate(1 day)"),
            ("2 weeks", "rate(14 days)"),
            ("36h", "rate(36 hours)"),
            ("rate(60 minutes)", "rate(1 hour)"),
            ("90 minutes", "rate(90 minutes)"),
            ("cron(0 3 ? * mon-fri *)", "cron(0 3 ? * MON-FRI *)"),
            (" 0  3 1 * ? * ", "cron(0 3 1 * ? *)"),
        ] {
            let cadence: Cadence = text.parse().unwrap();
            assert_eq!(cadence.to_string(), shown);
            assert_eq!(shown.parse::<Cadence>().unwrap(), cadence);
        }
    }

    #[test]
    fn rates_are_at_least_an_hour_and_at_most_a_year() {
        for text in [
            "59 minutes",
            "0d",
            "367 days",
            "4294967296h",
            "99999999999999999999d",
            "d",
            "1",
            "-1d",
            "1.5d",
            "rate(1 day",
            "rate(1 month)",
            "rate()",
            "",
            "1dd",
            "at(2026-01-01T00:00:00)",
        ] {
            let problem = text.parse::<Cadence>().unwrap_err();
            assert_eq!(problem.code, Code::InvalidCadence, "{text}");
        }
        assert!("60 minutes".parse::<Cadence>().is_ok() && "366d".parse::<Cadence>().is_ok());
    }
}
