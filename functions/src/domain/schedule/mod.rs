//! A schedule: a save that is asked for again and again, and when.
//!
//! Cadences are written in EventBridge Scheduler's own syntax, and mean embedded what they mean there.

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

/// The longest time in minutes by which a run may be put off: EventBridge Scheduler's own limit.
pub const JITTER_MINUTES_MOST: u32 = 24 * 60;
/// For how long in minutes the start of a run is tried again. A save that was due at night must not
/// stop an instance in the middle of the morning.
pub const LATE_MINUTES: u32 = 30;
/// The most versions that a schedule can be asked to keep.
pub const KEEP_MOST: u32 = 100;
/// After how many minutes more a run that nobody has seen counts as missed.
const UNSEEN_MINUTES: u32 = 5;
/// The most missed runs that are counted.
const MISSES_MOST: usize = 1000;

/// How many dates that a cron expression names but a time zone leaves out are passed over, at most.
const SKIPS: usize = 1000;

/// What is asked of a schedule: which save, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// By how many minutes at most each run is put off, at random, so that not all begin at once.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1440)]
    pub jitter_minutes: u32,
    /// How many of the versions that it makes are kept, 1 to 100: older ones are deleted after each
    /// run, unless they are in use, shared or the latest. All, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub keep: Option<u32>,
    /// The save that it asks for.
    #[serde(deserialize_with = "object")]
    pub request: SaveRequest,
}

impl ScheduleRequest {
    /// Checks what can be checked without asking anybody.
    pub fn check(&self) -> Result<(), Problem> {
        self.request.check()?;
        if self.request.move_template {
            let message = "A schedule moves no template (move_template).";
            return Err(Problem::new(Code::InvalidInput, message)
                .hint("Move the template by a save of your own first, then schedule."));
        }
        check_keep(self.keep)?;
        check_jitter(self.jitter_minutes, Some(&self.cadence))
    }
}

/// Whether so many versions can be kept.
pub(crate) fn check_keep(keep: Option<u32>) -> Result<(), Problem> {
    match keep {
        Some(keep) if !(1..=KEEP_MOST).contains(&keep) => {
            let message = format!(
                "The number of versions to keep (keep) is {keep}: it must be 1 to {KEEP_MOST}."
            );
            Err(Problem::new(Code::InvalidInput, message).hint("Leave it out to keep all of them."))
        }
        _ => Ok(()),
    }
}

/// Whether runs of that cadence, as far as it is known, can be put off by so much.
pub(crate) fn check_jitter(jitter: u32, cadence: Option<&Cadence>) -> Result<(), Problem> {
    let rule = match cadence {
        Some(Cadence::Rate { minutes }) if jitter >= *minutes => "it must be shorter than the rate",
        Some(Cadence::Cron(at)) if at.least_minutes().is_some_and(|least| jitter >= least) => {
            "it must be shorter than the time from one run to the next"
        }
        _ if jitter > JITTER_MINUTES_MOST => "it is a day at most",
        _ => return Ok(()),
    };
    let message = format!("The jitter (jitter_minutes) of {jitter} is not possible: {rule}.");
    Err(Problem::new(Code::InvalidCadence, message).hint("Use a shorter jitter."))
}

/// How far a schedule has come to be, or to be gone. What fires it lies outside of the registry, so
/// the record is there before it and after it: nothing fires that its owner cannot see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Schedule {
    /// Its name, unique among those of its owner.
    pub name: ScheduleName,
    /// Who owns it. Its saves are this user's, with the rights that they have then.
    pub owner: UserId,
    /// The save that it asks for.
    pub request: SaveRequest,
    /// The instance that it saves, whatever its name means later. Schedules that older versions made know it from
    /// their next run on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
    /// How often it is due.
    pub cadence: Cadence,
    /// In which time zone a cron expression is meant.
    pub timezone: TimeZone,
    /// By how many minutes at most each run is put off, at random.
    #[serde(default)]
    pub jitter_minutes: u32,
    /// How many of the versions that it makes are kept; all, where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<u32>,
    /// The sensitive files that its owner has consented to show, where it asks for that: those that were known when
    /// it was made, or when the consent was last given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<SensitiveFile>,
    /// How far it has come.
    pub state: ScheduleState,
    /// Whether it holds still for now.
    pub paused: bool,
    /// When it was made, in whole seconds; rates count from here.
    pub created_at: Timestamp,
    /// When Prism itself last fired it, which it does embedded.
    #[serde(default)]
    pub last_fired_at: Option<Timestamp>,
    /// When it last went on after a pause, or was given other times. What came due before is not made up
    /// for.
    #[serde(default)]
    pub resumed_at: Option<Timestamp>,
}

impl Schedule {
    /// A schedule of this request, not yet active.
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

    /// Checks what may be changed of it.
    pub fn check(&self) -> Result<(), Problem> {
        check_keep(self.keep)?;
        check_jitter(self.jitter_minutes, Some(&self.cadence))
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

    /// What its owner consents to have its runs show.
    pub(crate) fn consent(&self) -> Consent<'_> {
        if self.request.publish_sensitive {
            Consent::To(&self.consents)
        } else {
            Consent::None
        }
    }

    /// Whether it asks for the same, at the same times.
    pub fn asks_the_same(&self, other: &Schedule) -> bool {
        self.request == other.request
            && self.cadence == other.cadence
            && self.timezone == other.timezone
            && self.jitter_minutes == other.jitter_minutes
            && self.keep == other.keep
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
        let since = [Some(self.created_at), self.resumed_at, self.last_fired_at];
        let known = |at: &Timestamp| !is_future(*at, now);
        let since = since.into_iter().flatten().filter(known).max()?;
        let put_off = |due: &Timestamp| *due + self.put_off(*due);
        self.next_after(since).filter(|due| put_off(due) <= now)
    }

    /// From when on its runs are expected.
    fn counts_from(&self) -> Timestamp {
        self.resumed_at
            .map_or(self.created_at, |at| at.max(self.created_at))
    }

    /// By how long the run that is due then is put off: not known beforehand, and always the same.
    fn put_off(&self, due: Timestamp) -> TimeDelta {
        let seconds = u64::from(self.jitter_minutes) * 60;
        let (owner, name, made) = (&self.owner, &self.name, self.created_at);
        let hash = Sha256::digest(format!("jitter\n{owner}\n{name}\n{made}\n{due}"));
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[..8]);
        let seconds = u64::from_be_bytes(bytes) % (seconds + 1);
        TimeDelta::seconds(i64::try_from(seconds).unwrap_or_default())
    }

    /// How many of its runs should have been seen by now and were not, since the last one that was.
    /// At most 1,000 are counted; one that holds still misses none.
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
            "no run is overtaken by the next"
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
