//! Schedules: saves that are requested repeatedly.
//!
//! Cadences use the syntax of EventBridge Scheduler and have the same meaning in embedded mode.

mod ahead;
mod cadence;
mod run;

use chrono::{DurationRound, TimeDelta};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clock::is_future;
use super::object::object;
use super::problem::{Code, Problem};
use super::save::SaveRequest;
use super::sensitive::{Consent, SensitiveFile};
use super::{InstanceId, ScheduleName, Timestamp, UserId};

pub use cadence::{Cadence, RATE_MINUTES_LEAST, RATE_MINUTES_MOST, TimeZone};
pub use run::{RUNS, Run, Runs};

/// The longest jitter of a run, in minutes. This is EventBridge Scheduler's own limit.
pub const JITTER_MINUTES_MOST: u32 = 24 * 60;
/// How long, in minutes, the start of a run is retried. A save that was due at night must not stop an instance in the
/// middle of the morning.
pub const LATE_MINUTES: u32 = 30;
/// The maximum number of versions that a schedule can keep.
pub const KEEP_MOST: u32 = 100;
/// The number of further minutes after which a run that was not seen counts as missed.
const UNSEEN_MINUTES: u32 = 5;
/// The maximum number of missed runs that are counted.
const MISSES_MOST: usize = 1000;

/// The maximum number of dates of a cron expression that are skipped because they do not exist in the time zone.
const SKIPS: usize = 1000;

/// A request to create or change a schedule: the save to request, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRequest {
    /// The name of the schedule. Defaults to the template's name.
    #[serde(default)]
    pub name: Option<ScheduleName>,
    /// How often the schedule is due.
    pub cadence: Cadence,
    /// The time zone in which a cron expression is evaluated.
    #[serde(default)]
    pub timezone: TimeZone,
    /// The maximum random delay of each run, in minutes. It prevents all runs from beginning at the same time.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1440)]
    pub jitter_minutes: u32,
    /// How many of the versions that the schedule creates are kept, from 1 to 100. After each run, older versions are
    /// deleted unless they are in use, shared or the latest. If omitted, all versions are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub keep: Option<u32>,
    /// The save to request.
    #[serde(deserialize_with = "object")]
    pub request: SaveRequest,
}

impl ScheduleRequest {
    /// Checks everything that does not require other data.
    pub fn check(&self) -> Result<(), Problem> {
        self.request.check()?;
        if self.request.move_template {
            let message = "A schedule cannot move a template (move_template).";
            return Err(Problem::new(Code::InvalidInput, message)
                .hint("Move the template with a manual save first, then create the schedule."));
        }
        check_keep(self.keep)?;
        check_jitter(self.jitter_minutes, Some(&self.cadence))
    }
}

pub(crate) fn check_keep(keep: Option<u32>) -> Result<(), Problem> {
    match keep {
        Some(keep) if !(1..=KEEP_MOST).contains(&keep) => {
            let message = format!(
                "The number of versions to keep (keep) is {keep}: it must be 1 to {KEEP_MOST}."
            );
            Err(Problem::new(Code::InvalidInput, message).hint("Omit it to keep all versions."))
        }
        _ => Ok(()),
    }
}

/// Checks the jitter against the cadence, if the cadence is known.
pub(crate) fn check_jitter(jitter: u32, cadence: Option<&Cadence>) -> Result<(), Problem> {
    let rule = match cadence {
        Some(Cadence::Rate { minutes }) if jitter >= *minutes => "it must be shorter than the rate",
        Some(Cadence::Cron(at)) if at.least_minutes().is_some_and(|least| jitter >= least) => {
            "it must be shorter than the time between two runs"
        }
        _ if jitter > JITTER_MINUTES_MOST => "it must be at most a day",
        _ => return Ok(()),
    };
    let message = format!("The jitter (jitter_minutes) {jitter} is not valid: {rule}.");
    Err(Problem::new(Code::InvalidCadence, message).hint("Use a shorter jitter."))
}

/// The lifecycle state of a schedule. The scheduler that starts the runs is separate from the registry, so the record
/// is written before the scheduler's entry is created and removed after the entry is deleted. This ensures that no
/// schedule runs that its owner cannot see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleState {
    /// The record was written, but it is not known whether the schedule runs yet.
    Pending,
    /// The schedule runs when it is due.
    Active,
    /// The schedule is being deleted and may still run.
    Deleting,
}

impl ScheduleState {
    /// The state's name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            ScheduleState::Pending => "pending",
            ScheduleState::Active => "active",
            ScheduleState::Deleting => "deleting",
        }
    }
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Schedule {
    /// The name of the schedule, unique among its owner's schedules.
    pub name: ScheduleName,
    /// The owner of the schedule. Each save is made on behalf of this user, with the permissions that the user has at
    /// that time.
    pub owner: UserId,
    /// The save to request.
    pub request: SaveRequest,
    /// The ID of the instance to save, which stays the same even if the instance's name later refers to another
    /// instance. In schedules from earlier releases, it is set at the next run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
    /// How often the schedule is due.
    pub cadence: Cadence,
    /// The time zone in which a cron expression is evaluated.
    pub timezone: TimeZone,
    /// The maximum random delay of each run, in minutes.
    #[serde(default)]
    pub jitter_minutes: u32,
    /// How many of the versions that the schedule creates are kept; absent if all are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<u32>,
    /// The sensitive files that the owner consented to showing, if the request contains this consent: those that were
    /// known when the schedule was created or when the consent was last given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<SensitiveFile>,
    /// The lifecycle state.
    pub state: ScheduleState,
    /// Whether the schedule is paused.
    pub paused: bool,
    /// When the schedule was created, in whole seconds. Rates are counted from this time.
    pub created_at: Timestamp,
    /// When Prism last started a run itself, which it does only in an embedded cloud.
    #[serde(default)]
    pub last_fired_at: Option<Timestamp>,
    /// When the schedule was last resumed after a pause, or its times were last changed. Runs that were due before are
    /// skipped.
    #[serde(default)]
    pub resumed_at: Option<Timestamp>,
}

impl Schedule {
    /// Creates a schedule from a request. It is not active yet.
    pub fn new(name: ScheduleName, owner: UserId, asked: ScheduleRequest, at: Timestamp) -> Self {
        let second = TimeDelta::seconds(1);
        Self {
            name,
            owner,
            request: asked.request,
            instance_id: None,
            cadence: asked.cadence,
            timezone: asked.timezone,
            jitter_minutes: asked.jitter_minutes,
            keep: asked.keep,
            consents: Vec::new(),
            state: ScheduleState::Pending,
            paused: false,
            created_at: at.duration_trunc(second).unwrap_or(at),
            last_fired_at: None,
            resumed_at: None,
        }
    }

    /// Checks the properties that can be changed.
    pub fn check(&self) -> Result<(), Problem> {
        check_keep(self.keep)?;
        check_jitter(self.jitter_minutes, Some(&self.cadence))
    }

    /// The input of each execution. The state machine derives the save ID from the name of the execution.
    pub fn input(&self) -> serde_json::Value {
        serde_json::json!({
            "schedule": self.name,
            "caller": { "user": self.owner },
            "request": self.request,
        })
    }

    /// The files that the owner consents to show when the schedule runs.
    pub(crate) fn consent(&self) -> Consent<'_> {
        if self.request.publish_sensitive {
            Consent::To(&self.consents)
        } else {
            Consent::None
        }
    }

    /// Whether another schedule requests the same save at the same times.
    pub fn asks_the_same(&self, other: &Schedule) -> bool {
        self.request == other.request
            && self.cadence == other.cadence
            && self.timezone == other.timezone
            && self.jitter_minutes == other.jitter_minutes
            && self.keep == other.keep
    }

    /// The first time after an instant at which the schedule is due; `None` if it is never due again.
    ///
    /// A rate is first due after it has elapsed once. As in EventBridge Scheduler, a cron expression skips local times
    /// that do not exist in spring, and uses the first occurrence of local times that occur twice in autumn.
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

    /// The next times after an instant at which the schedule is due.
    pub fn upcoming(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        let next = |at: &Timestamp| self.next_after(*at);
        std::iter::successors(self.next_after(after), next)
            .take(count)
            .collect()
    }

    /// The first time until now at which the schedule was due and did not run; `None` if it is not due. One run makes
    /// up for all missed runs.
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let since = [Some(self.created_at), self.resumed_at, self.last_fired_at];
        let known = |at: &Timestamp| !is_future(*at, now);
        let since = since.into_iter().flatten().filter(known).max()?;
        let put_off = |due: &Timestamp| *due + self.put_off(*due);
        self.next_after(since).filter(|due| put_off(due) <= now)
    }

    /// The time from which runs are expected.
    fn counts_from(&self) -> Timestamp {
        self.resumed_at
            .map_or(self.created_at, |at| at.max(self.created_at))
    }

    /// The delay of the run that is due at this time. It is unpredictable, but always the same for the same run.
    fn put_off(&self, due: Timestamp) -> TimeDelta {
        let seconds = u64::from(self.jitter_minutes) * 60;
        let (owner, name, made) = (&self.owner, &self.name, self.created_at);
        let hash = Sha256::digest(format!("jitter\n{owner}\n{name}\n{made}\n{due}"));
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[..8]);
        let seconds = u64::from_be_bytes(bytes) % (seconds + 1);
        TimeDelta::seconds(i64::try_from(seconds).unwrap_or_default())
    }

    /// The number of runs since the last known run that should have been seen by now but were not. At most 1,000 are
    /// counted. A paused schedule misses no runs.
    pub fn missed(&self, last_run: Option<Timestamp>, now: Timestamp) -> u32 {
        if self.paused || self.state != ScheduleState::Active {
            return 0;
        }
        let counts_from = self.counts_from();
        let since = last_run.map_or(counts_from, |at| at.max(counts_from));
        let minutes = self.jitter_minutes + LATE_MINUTES + UNSEEN_MINUTES;
        let by = now - TimeDelta::minutes(i64::from(minutes));
        let next = |at: &Timestamp| self.next_after(*at);
        let due = std::iter::successors(self.next_after(since), next);
        let missed = due.take_while(|at| *at <= by).take(MISSES_MOST).count();
        u32::try_from(missed).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn schedule(cadence: &str, zone: &str) -> Schedule {
        let asked = ScheduleRequest {
            name: None,
            cadence: cadence.parse().unwrap(),
            timezone: zone.parse().unwrap(),
            jitter_minutes: 0,
            keep: None,
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
    fn a_rate_counts_from_the_beginning_and_is_first_due_when_it_has_passed() {
        let runs = ["01-05 21:00", "01-06 09:00", "01-06 21:00"];
        assert_eq!(upcoming("12h", "UTC", "2026-01-05T09:00:00.7Z"), runs);
        assert_eq!(upcoming("12h", "UTC", "2026-01-05T20:59:59Z"), runs);
        assert_eq!(upcoming("12h", "UTC", "2026-01-05T21:00:00Z")[0], runs[1]);
        // A day is 24 hours, regardless of clock changes.
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
        // In New York, clocks change from 02:00 to 03:00 on 8 March, and from 02:00 to 01:00 on 1 November.
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
        // The start is within the second occurrence of the hour.
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
    fn jitter_puts_each_run_off_by_its_own_time_within_the_window() {
        let mut it = schedule("1d", "UTC");
        it.jitter_minutes = 60;
        let runs = it.upcoming(it.created_at, 50);
        let put_off: std::collections::BTreeSet<i64> = runs
            .iter()
            .map(|due| it.put_off(*due).num_seconds())
            .collect();
        assert!(put_off.iter().all(|seconds| (0..=3600).contains(seconds)));
        assert!(put_off.len() > 40, "{put_off:?}");
        let starts = runs[0] + it.put_off(runs[0]);
        assert_eq!(it.due(starts - TimeDelta::seconds(1)), None);
        assert_eq!(it.due(starts), Some(runs[0]));
        it.last_fired_at = Some(starts);
        assert_eq!(it.due(starts + TimeDelta::hours(1)), None, "it runs once");
    }

    #[test]
    fn jitter_is_shorter_than_the_rate_and_a_day_at_most() {
        let check = |cadence: &str, jitter_minutes| {
            let it = schedule(cadence, "UTC");
            let asked = ScheduleRequest {
                name: None,
                cadence: it.cadence,
                timezone: it.timezone,
                jitter_minutes,
                keep: None,
                request: it.request,
            };
            asked.check().map_err(|problem| problem.code)
        };
        assert_eq!(check("1h", 59), Ok(()));
        assert_eq!(check("1h", 60), Err(Code::InvalidCadence));
        assert_eq!(check("0 8,20 * * ? *", 719), Ok(()));
        assert_eq!(
            check("0 8,20 * * ? *", 720),
            Err(Code::InvalidCadence),
            "no run is later than the next one"
        );
        assert_eq!(check("0 3 * * ? *", 1440), Ok(()));
        assert_eq!(check("0 3 * * ? *", 1441), Err(Code::InvalidCadence));
    }

    #[test]
    fn a_run_is_missed_when_nobody_has_seen_it_long_after_it_was_due() {
        let mut it = schedule("1d", "UTC");
        it.state = ScheduleState::Active;
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(it.missed(None, at("2026-01-06T09:34:59Z")), 0);
        assert_eq!(it.missed(None, at("2026-01-06T09:35:00Z")), 1);
        let later = at("2026-01-09T12:00:00Z");
        assert_eq!(it.missed(None, later), 4);
        assert_eq!(it.missed(Some(at("2026-01-08T09:00:10Z")), later), 1);
        it.resumed_at = Some(at("2026-01-09T11:00:00Z"));
        assert_eq!(it.missed(None, later), 0);
        it.resumed_at = None;
        it.paused = true;
        assert_eq!(it.missed(None, later), 0);
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
