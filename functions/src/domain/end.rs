//! The ends of instances and of projects: when something stops by itself, and what happens then.

use chrono::{SubsecRound as _, TimeDelta};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};
use utoipa::ToSchema;

use super::{
    Code, InstanceId, Problem, ProjectName, Region, SaveId, TemplateName, Timestamp, UserId,
};

/// How long before its end the owner of an instance is warned, in minutes, if the request does not say.
pub const WARNING_MINUTES: u32 = 15;
/// The longest time between the warning and the end, in minutes: a week.
const EARLIEST_WARNING_MINUTES: u32 = 7 * 24 * 60;
/// The longest time until an end, in minutes: a year.
pub const LONGEST_MINUTES: u32 = 366 * 24 * 60;
/// The shortest time until an end. Ends are looked for every minute.
const SHORTEST: TimeDelta = TimeDelta::minutes(1);
/// When the members of a project are told of its end, before it.
pub const TOLD_BEFORE: [TimeDelta; 3] =
    [TimeDelta::days(7), TimeDelta::days(1), TimeDelta::hours(1)];
/// The longest pause before something that could not be ended is tried again.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);

/// What happens to an instance at its end.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Then {
    /// It is stopped. Its volumes are kept.
    #[default]
    Stop,
    /// It is terminated permanently.
    Terminate,
}

impl Then {
    /// The participle, for sentences.
    pub fn done(self) -> &'static str {
        match self {
            Then::Stop => "stopped",
            Then::Terminate => "terminated",
        }
    }
}

/// The end of an instance, as requested.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRequest {
    /// When it ends. Either this or `for_minutes` is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// In how many minutes it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 527_040)]
    pub for_minutes: Option<u32>,
    /// What happens then.
    #[serde(default)]
    pub then: Then,
    /// The template to which the instance is saved first, as its owner. The instance is stopped or terminated once this
    /// save has succeeded; if the save fails, the instance is stopped and not terminated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_save: Option<TemplateName>,
    /// How many minutes before the end its owner is warned. The default is 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_080)]
    pub warn_minutes: Option<u32>,
}

impl EndRequest {
    /// Checks the request, and returns the end that it asks for.
    pub fn check(&self, by: &UserId, now: Timestamp) -> Result<End, Problem> {
        let refuse = |what: String| Err(Problem::new(Code::InvalidInput, what));
        let at = match (self.at, self.for_minutes) {
            (Some(at), None) => at,
            // Whole seconds, rounded up, as they are shown.
            (None, Some(minutes)) => {
                now.trunc_subsecs(0)
                    + TimeDelta::minutes(i64::from(minutes))
                    + TimeDelta::seconds(1)
            }
            _ => {
                return refuse(
                    "An end is either a time (at) or a number of minutes (for_minutes).".to_owned(),
                );
            }
        };
        check_time("end", at, now, LONGEST_MINUTES)?;
        let warn_minutes = self.warn_minutes.unwrap_or(WARNING_MINUTES);
        if !(1..=EARLIEST_WARNING_MINUTES).contains(&warn_minutes) {
            return refuse(format!(
                "A warning {warn_minutes} minutes before the end is not possible: it is 1 to {EARLIEST_WARNING_MINUTES} minutes."
            ));
        }
        Ok(End {
            at,
            then: self.then,
            last_save: self.last_save.clone(),
            warn_minutes,
            set_by: by.clone(),
            set_at: now,
            of_project: false,
            state: EndState::Ahead,
            save_id: None,
            save_failure: None,
            refusal: None,
            ended_at: None,
        })
    }
}

/// Checks that the time of an end is ahead, and not too far.
pub fn check_time(
    what: &str,
    at: Timestamp,
    now: Timestamp,
    longest_minutes: u32,
) -> Result<(), Problem> {
    let longest = TimeDelta::minutes(i64::from(longest_minutes));
    if (now + SHORTEST..=now + longest).contains(&at) {
        return Ok(());
    }
    let message = format!(
        "The {what} {} is not possible: it must be at least a minute and at most {} days from now.",
        shown(at),
        longest.num_days()
    );
    Err(Problem::new(Code::InvalidInput, message))
}

/// How far the end of an instance has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndState {
    /// It lies ahead, or is due.
    Ahead,
    /// The last save is in progress.
    Saving,
    /// EC2 is being asked to stop or terminate the instance.
    Ending,
    /// EC2 was asked, and the end has no further effect: if the instance is started again, it keeps running.
    Ended,
}

/// The end of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct End {
    /// When the instance ends.
    pub at: Timestamp,
    /// What happens then. After a failed last save, this is `stop`.
    pub then: Then,
    /// The template to which the instance is saved first.
    pub last_save: Option<TemplateName>,
    /// How many minutes before the end its owner is warned.
    pub warn_minutes: u32,
    /// The user who set the end.
    pub set_by: UserId,
    /// When it was set.
    pub set_at: Timestamp,
    /// Whether it follows from the end of the instance's project.
    #[serde(default)]
    pub of_project: bool,
    /// How far it has got.
    pub state: EndState,
    /// The last save, once it has been requested.
    #[serde(default)]
    pub save_id: Option<SaveId>,
    /// Why the instance is stopped and not terminated: its last save failed, or is outdated.
    #[serde(default)]
    pub save_failure: Option<String>,
    /// Why EC2 refuses to stop or terminate the instance.
    #[serde(default)]
    pub refusal: Option<String>,
    /// When EC2 was asked to stop or terminate the instance.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
}

impl End {
    /// When the owner is warned: at once if the end is nearer than the warning.
    pub fn warn_at(&self) -> Timestamp {
        let before = self.at - TimeDelta::minutes(i64::from(self.warn_minutes));
        before.max(self.set_at)
    }
}

/// The end of an instance, with what the sweep needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceEnd {
    pub region: Region,
    pub instance: InstanceId,
    /// The name of the instance when the end was set, for notices.
    pub name: String,
    /// The owner of the instance when the end was set.
    pub owner: UserId,
    pub project: Option<ProjectName>,
    pub end: End,
    /// Since when EC2 may have been asked to stop or terminate the instance.
    #[serde(default)]
    pub asked_at: Option<Timestamp>,
    /// Whether the audit has that EC2 is asked. It has it once, however often EC2 fails.
    #[serde(default)]
    pub is_audited: bool,
    /// Since when EC2 may have been asked to stop the instance before its last save.
    #[serde(default)]
    pub stopping_since: Option<Timestamp>,
    /// Whether the audit has that EC2 is asked to do that.
    #[serde(default)]
    pub stop_is_audited: bool,
    /// How often EC2 has refused.
    #[serde(default)]
    pub refusals: u32,
    /// When the sweep looks at it next; `None` once it has ended.
    pub next_at: Option<Timestamp>,
}

impl InstanceEnd {
    /// The pause before EC2 is asked again, which doubles with each refusal.
    pub fn pause(&self) -> TimeDelta {
        TimeDelta::minutes(1_i64 << self.refusals.min(6)).min(LONGEST_PAUSE)
    }
}

/// The end of an instance that is being launched, in case the launch is interrupted after EC2 has accepted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchEnd {
    /// Identifies the launch.
    pub token: String,
    pub region: Region,
    pub name: String,
    pub owner: UserId,
    pub project: Option<ProjectName>,
    pub end: End,
    /// When the sweep looks for the instance next.
    pub next_at: Timestamp,
}

impl LaunchEnd {
    /// The end of the instance that was launched.
    pub fn of(&self, instance: InstanceId) -> InstanceEnd {
        InstanceEnd {
            region: self.region.clone(),
            instance,
            name: self.name.clone(),
            owner: self.owner.clone(),
            project: self.project.clone(),
            next_at: Some(self.end.warn_at()),
            end: self.end.clone(),
            asked_at: None,
            is_audited: false,
            stopping_since: None,
            stop_is_audited: false,
            refusals: 0,
        }
    }
}

/// The end of a project. From then on, nothing is launched or started for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectEnd {
    /// When the project ends.
    pub at: Timestamp,
    /// Whether each instance is stopped, saved, and then terminated. Otherwise the instances are stopped, except those
    /// whose owners have chosen a template for the last save.
    pub last_save: bool,
    /// The user who set the end.
    pub set_by: UserId,
    /// When it was set.
    pub set_at: Timestamp,
    /// When all of its instances had ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// When the members are told next, or the instances are looked at next.
    #[serde(default)]
    #[schema(ignore)]
    pub next_at: Option<Timestamp>,
}

impl ProjectEnd {
    /// Whether it lies in the past.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.at <= now
    }

    /// When the members are told next, or the end itself. `after` is when they were told last.
    pub fn next_after(&self, after: Timestamp) -> Timestamp {
        let times = TOLD_BEFORE.into_iter().map(|before| self.at - before);
        let mut ahead = times.filter(|at| *at > after);
        ahead.next().unwrap_or(self.at)
    }

    /// When the members are told first: at once if the first of the times has passed.
    pub fn first(&self) -> Timestamp {
        let first = self.at - TOLD_BEFORE[0];
        first.max(self.set_at)
    }
}

/// The template that an instance of a project is saved to at the end of the project, unless its owner has chosen one: the
/// name of the instance as far as a template's name can contain it, and the end of its ID, so that it is nobody else's.
pub fn template_of(name: &str, id: &InstanceId) -> Result<TemplateName, Problem> {
    let mut base = String::new();
    for c in any_ascii::any_ascii(name).chars() {
        if c.is_ascii_alphanumeric() {
            base.push(c.to_ascii_lowercase());
        } else if !base.is_empty() && !base.ends_with('-') {
            base.push('-');
        }
    }
    base.truncate(50);
    let base = match base.trim_end_matches('-') {
        "" => "instance",
        base => base,
    };
    let id = id.as_str();
    let digits = &id[id.len().saturating_sub(8)..];
    Ok(format!("{base}-{digits}").parse()?)
}

/// An instant as sentences contain it.
pub fn shown(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// How late a warning may be for its remaining time to be said, in minutes. The sweep runs every minute.
const LATE_MIN: i64 = 2;

/// Says in a warning when something ends, and in what time unless the warning is late. A repetition may therefore say less,
/// so the ID of the notice does not depend on it.
pub fn ends_at(end: Timestamp, due: Timestamp, now: Timestamp) -> String {
    if now - due > TimeDelta::minutes(LATE_MIN) {
        return format!("ends at {}", shown(end));
    }
    format!("ends in {}, at {}", span(end - due), shown(end))
}

/// A time ahead as sentences contain it, such as "2 h": whole units, rounded to the nearest.
pub fn span(time: TimeDelta) -> String {
    let minutes = (time.num_seconds().max(0) + 30) / 60;
    let hours = (minutes + 30) / 60;
    match minutes {
        0..=119 => format!("{minutes} min"),
        120..=2879 => format!("{hours} h"),
        _ => format!("{} days", (hours + 12) / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_timestamp(minute * 60, 0).unwrap()
    }

    fn ada() -> UserId {
        "ada".parse().unwrap()
    }

    #[test]
    fn an_end_is_a_time_or_a_number_of_minutes_within_limits() {
        let of = |at, for_minutes| EndRequest {
            at,
            for_minutes,
            ..EndRequest::default()
        };
        let end = of(None, Some(240)).check(&ada(), at(0)).unwrap();
        assert_eq!(end.at, at(240) + TimeDelta::seconds(1));
        assert_eq!((end.then, end.warn_minutes), (Then::Stop, 15));
        assert!(of(Some(at(1)), None).check(&ada(), at(0)).is_ok());
        for wrong in [
            of(None, None),
            of(Some(at(9)), Some(9)),
            of(Some(at(0)), None),
            of(None, Some(0)),
            of(None, Some(LONGEST_MINUTES + 1)),
            of(None, Some(u32::MAX)),
            EndRequest {
                warn_minutes: Some(0),
                ..of(None, Some(9))
            },
        ] {
            let refused = wrong.check(&ada(), at(0)).unwrap_err();
            assert_eq!(refused.code, Code::InvalidInput, "{wrong:?}");
        }
    }

    #[test]
    fn a_warning_comes_at_once_if_the_end_is_near() {
        let request = |minutes| EndRequest {
            at: Some(at(minutes)),
            ..EndRequest::default()
        };
        let warned = |minutes| request(minutes).check(&ada(), at(0)).unwrap().warn_at();
        assert_eq!(warned(240), at(225));
        assert_eq!(warned(10), at(0));
    }

    #[test]
    fn members_are_told_a_week_a_day_and_an_hour_before_and_late_ones_at_once() {
        let end = |days: i64| ProjectEnd {
            at: at(days * 1440),
            last_save: true,
            set_by: ada(),
            set_at: at(0),
            ended_at: None,
            next_at: None,
        };
        let times = |end: ProjectEnd| {
            let mut times = vec![end.first()];
            while let Some(last) = times.last().filter(|last| **last < end.at) {
                times.push(end.next_after(*last));
            }
            times
        };
        assert_eq!(
            times(end(10)),
            [
                at(3 * 1440),
                at(9 * 1440),
                at(10 * 1440 - 60),
                at(10 * 1440)
            ]
        );
        assert_eq!(times(end(1)), [at(0), at(1440 - 60), at(1440)]);
    }

    #[test]
    fn a_template_is_named_after_the_instance() {
        let id = "i-0123456789abcdef0".parse().unwrap();
        let of = |name: &str| template_of(name, &id).unwrap().to_string();
        assert_eq!(of("My Work (2)"), "my-work-2-9abcdef0");
        assert_eq!(of("Müller's"), "muller-s-9abcdef0");
        assert_eq!(of("—"), "instance-9abcdef0");
        assert_eq!(of(&"x".repeat(128)).len(), 59);
    }

    #[test]
    fn times_ahead_are_read_at_a_glance() {
        let of = |minutes| span(TimeDelta::minutes(minutes));
        let spans = [0, 14, 119, 120, 240, 2879, 7 * 1440].map(of);
        assert_eq!(
            spans,
            ["0 min", "14 min", "119 min", "2 h", "4 h", "48 h", "7 days"]
        );
        assert_eq!(span(TimeDelta::minutes(-5)), "0 min");
    }

    #[test]
    fn refusals_are_repeated_ever_more_rarely() {
        let request = EndRequest {
            at: Some(at(9)),
            ..EndRequest::default()
        };
        let of = |refusals| {
            let launch = LaunchEnd {
                token: "t".to_owned(),
                region: "us-east-1".parse().unwrap(),
                name: "work".to_owned(),
                owner: ada(),
                project: None,
                end: request.check(&ada(), at(0)).unwrap(),
                next_at: at(2),
            };
            let mut end = launch.of("i-0123456789abcdef0".parse().unwrap());
            end.refusals = refusals;
            end.pause().num_minutes()
        };
        assert_eq!([0, 1, 5, 6, 99].map(of), [1, 2, 32, 60, 60]);
    }
}
