//! A schedule: a save that is asked for again and again, and when.
//!
//! Cadences are written in EventBridge Scheduler's own syntax, and mean embedded what they mean there.

use std::fmt;
use std::str::FromStr;

use chrono::{DurationRound, NaiveDateTime, TimeDelta, TimeZone as _};
use serde::{Deserialize, Serialize};

use super::cron::CronExpression;
use super::ids::shown;
use super::problem::{Code, Problem};
use super::save::SaveRequest;
use super::{ScheduleName, Timestamp, UserId};

/// The shortest time between two runs in minutes: each one stops an instance.
pub const RATE_MINUTES_LEAST: u32 = 60;
/// The longest rate in minutes: a year.
pub const RATE_MINUTES_MOST: u32 = 366 * 24 * 60;
/// How many dates that a cron expression names but a time zone leaves out are passed over, at most.
const SKIPS: usize = 1000;

/// How often a schedule is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Cadence {
    /// Each time that so many minutes have passed.
    Rate {
        /// The minutes.
        minutes: u32,
    },
    /// At the times of day and the dates that an expression names.
    Cron(CronExpression),
}

impl FromStr for Cadence {
    type Err = Problem;

    /// Reads `rate(1 day)`, `cron(0 3 ? * MON-FRI *)`, or what stands inside of either; a rate may
    /// be short too: `12h`, `1d`.
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
            "The rate {} is not valid: it is a number of minutes, hours or days.",
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
        "The rate {} is not possible: it is an hour at least, since each save stops the instance, and a year at most.",
        shown(text)
    );
    Err(Problem::new(Code::InvalidCadence, message))
}

impl fmt::Display for Cadence {
    /// In EventBridge Scheduler's syntax.
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

impl TryFrom<String> for Cadence {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<Cadence> for String {
    fn from(cadence: Cadence) -> String {
        cadence.to_string()
    }
}

/// A time zone by its name in the time zone database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone(chrono_tz::Tz);

impl Default for TimeZone {
    fn default() -> Self {
        Self(chrono_tz::Tz::UTC)
    }
}

impl TimeZone {
    /// What clocks in this zone show at an instant.
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// The first instant at which clocks in this zone show that; `None` where they skip it.
    fn instant(self, local: &NaiveDateTime) -> Option<Timestamp> {
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

impl TryFrom<String> for TimeZone {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> String {
        zone.to_string()
    }
}

/// What is asked of a schedule: which save, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ScheduleRequest {
    /// Its name; the template's where none is given.
    #[serde(default)]
    pub name: Option<ScheduleName>,
    /// How often it is due.
    pub cadence: Cadence,
    /// In which time zone a cron expression is meant.
    #[serde(default)]
    pub timezone: TimeZone,
    /// The save that it asks for.
    pub request: SaveRequest,
}

/// How far a schedule has come to be, or to be gone. What fires it lies outside of the registry, so
/// the record is there before it and after it: nothing fires that its owner cannot see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ScheduleState {
    /// Its record is written; whether it fires already is not known.
    Pending,
    /// It fires.
    Active,
    /// It is being deleted, and may still fire.
    Deleting,
}

impl ScheduleState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ScheduleState::Pending => "pending",
            ScheduleState::Active => "active",
            ScheduleState::Deleting => "deleting",
        }
    }
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct Schedule {
    /// Its name, unique among those of its owner.
    pub name: ScheduleName,
    /// Who owns it. Its saves are this user's, with the rights that they have then.
    pub owner: UserId,
    /// The save that it asks for.
    pub request: SaveRequest,
    /// How often it is due.
    pub cadence: Cadence,
    /// In which time zone a cron expression is meant.
    pub timezone: TimeZone,
    /// How far it has come.
    pub state: ScheduleState,
    /// Whether it holds still for now.
    pub paused: bool,
    /// When it was made, in whole seconds; rates count from here.
    pub created_at: Timestamp,
    /// When Prism itself last fired it, which it does embedded.
    #[serde(default)]
    pub last_fired_at: Option<Timestamp>,
}

impl Schedule {
    /// A schedule of this request, not yet active.
    pub fn new(name: ScheduleName, owner: UserId, asked: ScheduleRequest, at: Timestamp) -> Self {
        let second = TimeDelta::seconds(1);
        Self {
            name,
            owner,
            request: asked.request,
            cadence: asked.cadence,
            timezone: asked.timezone,
            state: ScheduleState::Pending,
            paused: false,
            created_at: at.duration_trunc(second).unwrap_or(at),
            last_fired_at: None,
        }
    }

    /// What each of its executions is started with. The definition makes the save's id of the
    /// execution's name.
    pub fn input(&self) -> serde_json::Value {
        serde_json::json!({
            "schedule": self.name,
            "caller": { "user": self.owner },
            "request": self.request,
        })
    }

    /// Whether it asks for the same, at the same times.
    pub fn asks_the_same(&self, other: &Schedule) -> bool {
        self.request == other.request
            && self.cadence == other.cadence
            && self.timezone == other.timezone
    }

    /// When it is due next after an instant; `None` when never again.
    ///
    /// A rate is first due when it has passed once. As in EventBridge Scheduler, a cron expression
    /// skips what clocks skip in spring, and what they show twice in autumn counts the first time.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.cadence {
            Cadence::Rate { minutes } => {
                let rate = i64::from(*minutes) * 60;
                let passed = (after - self.created_at).num_seconds().max(0) / rate;
                let next = TimeDelta::try_seconds(rate.checked_mul(passed + 1)?)?;
                self.created_at.checked_add_signed(next)
            }
            Cadence::Cron(expression) => {
                let mut local = self.timezone.local(after);
                for _ in 0..SKIPS {
                    local = expression.next_after(&local)?;
                    if let Some(at) = self.timezone.instant(&local).filter(|at| *at > after) {
                        return Some(at);
                    }
                }
                None
            }
        }
    }

    /// When it is due, the next times after an instant.
    pub fn upcoming(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        let next = |at: &Timestamp| self.next_after(*at);
        std::iter::successors(self.next_after(after), next)
            .take(count)
            .collect()
    }

    /// The first time by now that it was due and did not fire; `None` when it is not due. One run
    /// makes up for all that were missed.
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let since = self.last_fired_at.unwrap_or(self.created_at);
        self.next_after(since).filter(|at| *at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(cadence: &str, zone: &str) -> Schedule {
        let asked = ScheduleRequest {
            name: None,
            cadence: cadence.parse().unwrap(),
            timezone: zone.parse().unwrap(),
            request: serde_json::from_value(serde_json::json!({
                "instance": "work", "template": "kept", "region": "us-east-1"
            }))
            .unwrap(),
        };
        let at = "2026-01-05T09:00:00.7Z".parse().unwrap();
        let (name, owner) = ("nightly".parse().unwrap(), "ada".parse().unwrap());
        Schedule::new(name, owner, asked, at)
    }

    fn upcoming(cadence: &str, zone: &str, after: &str) -> Vec<String> {
        let runs = schedule(cadence, zone).upcoming(after.parse().unwrap(), 3);
        runs.iter()
            .map(|at| at.format("%m-%d %H:%M").to_string())
            .collect()
    }

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

    #[test]
    fn a_rate_counts_from_the_beginning_and_is_first_due_when_it_has_passed() {
        let runs = ["01-05 21:00", "01-06 09:00", "01-06 21:00"];
        assert_eq!(upcoming("12h", "UTC", "2026-01-05T09:00:00.7Z"), runs);
        assert_eq!(upcoming("12h", "UTC", "2026-01-05T20:59:59Z"), runs);
        assert_eq!(upcoming("12h", "UTC", "2026-01-05T21:00:00Z")[0], runs[1]);
        // A day is 24 hours, whatever clocks do.
        let runs = ["03-08 09:00", "03-09 09:00", "03-10 09:00"];
        assert_eq!(
            upcoming("1d", "America/New_York", "2026-03-08T00:00:00Z"),
            runs
        );
    }

    #[test]
    fn a_time_of_day_stays_the_same_over_the_change_of_clocks() {
        let cron = "0 3 * * ? *";
        let spring = ["03-28 02:00", "03-29 01:00", "03-30 01:00"];
        assert_eq!(
            upcoming(cron, "Europe/Berlin", "2026-03-27T12:00:00Z"),
            spring
        );
        let autumn = ["10-24 01:00", "10-25 02:00", "10-26 02:00"];
        assert_eq!(
            upcoming(cron, "Europe/Berlin", "2026-10-23T12:00:00Z"),
            autumn
        );
    }

    #[test]
    fn what_clocks_skip_is_skipped_and_what_they_repeat_runs_once() {
        // In New York clocks go from 02:00 to 03:00 on 8 March, from 02:00 to 01:00 on 1 November.
        let zone = "America/New_York";
        let spring = ["03-07 07:30", "03-09 06:30", "03-10 06:30"];
        assert_eq!(
            upcoming("30 2 * * ? *", zone, "2026-03-07T00:00:00Z"),
            spring
        );
        let autumn = ["10-31 05:30", "11-01 05:30", "11-02 06:30"];
        assert_eq!(
            upcoming("30 1 * * ? *", zone, "2026-10-31T00:00:00Z"),
            autumn
        );
        let hourly = ["11-01 05:30", "11-01 07:30", "11-01 08:30"];
        assert_eq!(
            upcoming("30 * * * ? *", zone, "2026-11-01T05:00:00Z"),
            hourly
        );
        // Asked while clocks show the hour for the second time.
        assert_eq!(
            upcoming("30 * * * ? *", zone, "2026-11-01T06:10:00Z")[0],
            "11-01 07:30"
        );
    }

    #[test]
    fn a_run_makes_up_for_all_that_were_missed() {
        let mut it = schedule("1d", "UTC");
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(it.due(at("2026-01-06T08:59:59Z")), None);
        let late = at("2026-01-09T12:00:00Z");
        assert_eq!(it.due(late), Some(at("2026-01-06T09:00:00Z")));
        it.last_fired_at = Some(late);
        assert_eq!(it.due(late), None);
        assert_eq!(
            it.due(at("2026-01-10T09:00:00Z")),
            Some(at("2026-01-10T09:00:00Z"))
        );
    }

    #[test]
    fn a_schedule_reads_back_and_an_unknown_zone_is_refused() {
        let it = schedule("0 3 ? * MON-FRI *", "Europe/Berlin");
        let text = serde_json::to_string(&it).unwrap();
        assert!(text.contains("cron(0 3 ? * MON-FRI *)"), "{text}");
        assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), it);
        let problem = "Mars/Olympus".parse::<TimeZone>().unwrap_err();
        assert_eq!(problem.code, Code::InvalidTimeZone);
    }
}
