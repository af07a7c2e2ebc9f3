//! Schedules: create, list, show, change, delete, and run at once; in the embedded cloud, also starting the due runs.
//!
//! The entry that starts a schedule's runs is kept in a scheduler, outside of the registry. The record is written
//! before the entry is created and removed after the entry is gone, so the owner can see and delete everything that may
//! run.

mod edits;
mod firing;
mod requests;
mod window;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use super::Service;
use super::expected::{check, schedule_tag};
use super::parts::IfMatch;
use crate::domain::audit::{AuditAction, AuditEvent, Subject};
use crate::domain::schedule::{Run, Runs, Schedule, ScheduleState};
use crate::domain::sensitive::SensitiveFile;
use crate::domain::{Code, InstanceId, Problem, ScheduleName, Timestamp};
use crate::ports::SchedulesError;
use crate::registry::Stored;
use crate::rules::access::{Caller, schedule_not_found};
use crate::rules::publication::{self, Consent, Told};
use crate::steps;

pub use edits::{ChangeSchedule, Keep, ScheduleEdit};
pub use firing::Fired;
pub use requests::{
    CreateSchedule, DeleteSchedule, ListSchedules, RunSchedule, RunsQuery, SchedulesPage,
    ShowSchedule,
};
pub(super) use window::Window;

/// A schedule as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ScheduleView {
    /// The schedule.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// When it is due next; null while it is paused.
    pub next_run: Option<Timestamp>,
    /// When it is due next, in its time zone: the runs in the requested range, or the next 10. Empty while it is paused.
    /// A run may begin later, by at most the jitter.
    #[serde(default)]
    #[schema(value_type = Vec<Timestamp>)]
    pub next_runs: Vec<DateTime<FixedOffset>>,
    /// The number of runs that were due since the last one and did not begin.
    pub missed: u32,
    /// The last runs, newest first. A list contains only the last one.
    pub runs: Vec<Run>,
}

impl ScheduleView {
    pub(super) fn of(schedule: Schedule, runs: Runs, now: Timestamp, window: Window) -> Self {
        let fires = schedule.state == ScheduleState::Active && !schedule.paused;
        Self {
            next_run: fires.then(|| schedule.next_after(now)).flatten(),
            next_runs: window.runs(&schedule),
            missed: schedule.missed(runs.last_began_at(), now),
            runs: runs.recent,
            schedule,
        }
    }
}

impl Service {
    /// Refuses to return the existing schedule for a repeated request if its instance's name refers to another instance
    /// by now.
    async fn check_same_instance(&self, schedule: &Schedule) -> Result<(), Problem> {
        match steps::scheduled::instance_of(&self.env, schedule).await {
            Err(problem) if problem.code == Code::ScheduleInstanceChanged => Err(problem),
            _ => Ok(()),
        }
    }

    /// Returns the instance of a schedule, and the files that the owner consents to show, if the request contains a
    /// consent. Without a consent, known sensitive files are refused right away and not only when the schedule runs.
    async fn consents(
        &self,
        caller: &Caller,
        schedule: &Schedule,
    ) -> Result<(InstanceId, Vec<SensitiveFile>), Problem> {
        let (env, request) = (&self.env, &schedule.request);
        let meant = schedule.instance_id.as_ref();
        let (instance, _, template) = steps::addressed(env, caller, request, meant).await?;
        let (id, template) = (instance.id, template.as_ref());
        steps::check_moves_not(request, template)?;
        let consent = Consent::asked(request.publish_sensitive);
        let grants = match template {
            Some(template) => env.registry.grants(&template.name).await?,
            None => Vec::new(),
        };
        let seen = (template, grants.as_slice());
        let (_, told) = steps::shown(env, caller, request, seen, &id, consent).await?;
        if !request.publish_sensitive {
            return Ok((id, Vec::new()));
        }
        // Files that nobody else can see now may be shown later; the consent covers the files that exist now.
        let told = match told {
            Told::Answer(told) => told,
            Told::Unasked => steps::ask_instance(env, &request.region, &id).await?,
        };
        Ok((id, publication::consented(told.as_ref())))
    }

    /// Creates the scheduler entry of a schedule whose record is written.
    async fn activate(&self, stored: Stored<Schedule>) -> Result<Schedule, Problem> {
        let next = self.next(&stored.value)?;
        if let Err(error) = self.schedules.put(&stored.value, next).await {
            let problem = from_schedules(error);
            return Err(match self.take_back(&stored, None).await {
                Ok(()) => problem,
                Err(left) => problem.hint(format!(
                    "The part of it that was created could not be removed ({}). Create it again, or delete it: prism schedule delete {}",
                    left.message,
                    stored.value.name
                )),
            });
        }
        let active = |schedule: &mut Schedule| schedule.state = ScheduleState::Active;
        let registry = &self.env.registry;
        match registry.change_schedule(&stored, None, active).await {
            Ok(stored) => Ok(stored.value),
            Err(problem) if problem.code == Code::RegistryConflict => {
                self.lost(&stored.value, problem).await
            }
            Err(problem) => Err(problem),
        }
    }

    /// Resolves a concurrent change of the record: either the same request has created the schedule by now, or it was
    /// deleted, in which case the entry is removed.
    async fn lost(&self, schedule: &Schedule, problem: Problem) -> Result<Schedule, Problem> {
        let registry = &self.env.registry;
        let now = registry.schedule(&schedule.owner, &schedule.name).await?;
        let same =
            |it: &Schedule| it.created_at == schedule.created_at && it.asks_the_same(schedule);
        match now.map(|stored| stored.value) {
            Some(it) if same(&it) && it.state == ScheduleState::Active => Ok(it),
            _ => {
                self.schedules
                    .delete(schedule)
                    .await
                    .map_err(from_schedules)?;
                Err(problem)
            }
        }
    }

    async fn take_back(
        &self,
        stored: &Stored<Schedule>,
        event: Option<&AuditEvent>,
    ) -> Result<(), Problem> {
        let deleting = |schedule: &mut Schedule| schedule.state = ScheduleState::Deleting;
        let registry = &self.env.registry;
        let stored = registry.change_schedule(stored, event, deleting).await?;
        self.remove(&stored).await
    }

    async fn remove(&self, stored: &Stored<Schedule>) -> Result<(), Problem> {
        let gone = self.schedules.delete(&stored.value).await;
        gone.map_err(from_schedules)?;
        self.env.registry.remove_schedule(stored).await
    }

    /// Returns when a schedule is due next. Refuses a schedule that is never due.
    fn next(&self, schedule: &Schedule) -> Result<Timestamp, Problem> {
        schedule.next_after(self.env.clock.now()).ok_or_else(|| {
            let message = format!("{} will never be due again.", schedule.cadence);
            Problem::new(Code::InvalidCadence, message)
        })
    }

    async fn own_schedule(
        &self,
        caller: &Caller,
        name: &ScheduleName,
    ) -> Result<Stored<Schedule>, Problem> {
        let stored = self.env.registry.schedule(&caller.user, name).await?;
        stored.ok_or_else(|| schedule_not_found(name.as_str()))
    }

    async fn expected_schedule(
        &self,
        caller: &Caller,
        name: &ScheduleName,
        IfMatch(expected): &IfMatch,
    ) -> Result<Stored<Schedule>, Problem> {
        let stored = self.own_schedule(caller, name).await?;
        let what = format!("The schedule {name}");
        check(expected.as_ref(), &what, &schedule_tag(&stored))?;
        Ok(stored)
    }

    /// Creates an event about a schedule of the caller.
    fn about(&self, caller: &Caller, action: AuditAction, name: &ScheduleName) -> AuditEvent {
        self.event(caller, action, Subject::Schedule(name.clone()))
    }
}

fn taken(schedule: &Schedule) -> Problem {
    let name = &schedule.name;
    let message = match schedule.state {
        ScheduleState::Deleting => format!("The schedule {name} is being deleted."),
        ScheduleState::Pending => format!("The schedule {name} was created only partly."),
        ScheduleState::Active => format!(
            "You already have a schedule {name}, which saves {} as {}, {}.",
            schedule.request.instance, schedule.request.template, schedule.cadence
        ),
    };
    let problem = Problem::new(Code::ScheduleNameTaken, message);
    match schedule.state {
        ScheduleState::Active => problem,
        ScheduleState::Pending | ScheduleState::Deleting => problem.hint(format!(
            "Delete it, then try again: prism schedule delete {name}"
        )),
    }
}

/// Converts an error of the scheduler to a problem for the caller.
pub(super) fn from_schedules(error: SchedulesError) -> Problem {
    match error {
        SchedulesError::Refused(refusal) => refusal.problem(),
        SchedulesError::Unacceptable { .. } => {
            Problem::new(Code::AwsRefused, "The schedule is not valid.").because(error)
        }
        SchedulesError::Unavailable { .. } => Problem::new(
            Code::AwsUnavailable,
            "The schedule could not be created, changed or deleted.",
        )
        .because(error),
    }
}
