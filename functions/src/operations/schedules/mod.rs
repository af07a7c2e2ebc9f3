//! Schedules: create, list, show, change, delete, and run at once; in the embedded cloud, also starting the due runs.
//!
//! The entry that starts a schedule's runs is kept in a scheduler, outside of the registry. The record is written
//! before the entry is created and removed after the entry is gone, so the owner can see and delete everything that may
//! run.

mod edits;
mod firing;
mod requests;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::expected::{check, schedule_tag};
use super::{Expected, Service, Started};
use crate::domain::audit::{AuditEvent, Subject};
use crate::domain::schedule::{Run, Runs, Schedule, ScheduleRequest, ScheduleState};
use crate::domain::sensitive::SensitiveFile;
use crate::domain::{Code, InstanceId, Problem, SaveId, ScheduleName, Timestamp};
use crate::ports::SchedulesError;
use crate::registry::{Listed, Stored};
use crate::rules::access::{Caller, schedule_not_found};
use crate::rules::publication::{self, Consent, Told};
use crate::steps;

pub use edits::{Keep, ScheduleEdit};
pub use firing::Fired;
pub use requests::{
    ChangeSchedule, CreateSchedule, DeleteSchedule, ListSchedules, RunSchedule, ShowSchedule,
};

/// A schedule as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ScheduleView {
    /// The schedule.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// When it is due next; null while it is paused.
    pub next_run: Option<Timestamp>,
    /// The number of runs that were due since the last one and did not begin.
    pub missed: u32,
    /// The last runs, newest first. A list contains only the last one.
    pub runs: Vec<Run>,
    /// The tag of the schedule's state, for conditional changes. A list contains none.
    #[serde(skip)]
    pub tag: Option<String>,
}

impl ScheduleView {
    fn of(schedule: Schedule, runs: Runs, now: Timestamp) -> Self {
        let fires = schedule.state == ScheduleState::Active && !schedule.paused;
        Self {
            next_run: fires.then(|| schedule.next_after(now)).flatten(),
            missed: schedule.missed(runs.last_began_at(), now),
            runs: runs.recent,
            schedule,
            tag: None,
        }
    }
}

impl Service {
    /// Creates a schedule. Repeating the request returns the same schedule. If an earlier creation was interrupted, it
    /// is completed.
    pub async fn create_schedule(
        &self,
        caller: &Caller,
        asked: ScheduleRequest,
    ) -> Result<Schedule, Problem> {
        asked.check()?;
        let name = match &asked.name {
            Some(name) => name.clone(),
            None => asked.request.template.as_str().parse()?,
        };
        let mut new = Schedule::new(name, caller.user.clone(), asked, self.env.clock.now());
        let before = self.env.registry.schedule(&new.owner, &new.name).await?;
        let stored = match before {
            Some(before) if !before.value.asks_the_same(&new) => return Err(taken(&before.value)),
            Some(before) => match before.value.state {
                ScheduleState::Active => {
                    self.check_same_instance(&before.value).await?;
                    return Ok(before.value);
                }
                ScheduleState::Pending => before,
                ScheduleState::Deleting => return Err(taken(&before.value)),
            },
            None => {
                self.next(&new)?;
                let (instance, consents) = self.consents(caller, &new).await?;
                new.instance_id = Some(instance);
                new.consents = consents;
                let event = self
                    .about(caller, "schedule.create", &new.name)
                    .with("instance", &new.request.instance)
                    .with("template", &new.request.template)
                    .with("cadence", new.cadence.to_string());
                self.env.registry.add_schedule(new, &event).await?
            }
        };
        self.activate(stored).await
    }

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
                    "What was made of it could not be removed ({}). Create it again, or delete it: prism schedule delete {}",
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
            let message = format!("{} is never due any more.", schedule.cadence);
            Problem::new(Code::InvalidCadence, message)
        })
    }

    /// Lists the caller's schedules by name, each with its last run; `limit` is 1 to 1,000.
    pub async fn schedules(
        &self,
        caller: &Caller,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<ScheduleView>, Problem> {
        let registry = &self.env.registry;
        let page = registry.schedules_of(&caller.user, limit, cursor).await?;
        let runs = registry.runs_of(&page.items).await?;
        let now = self.env.clock.now();
        let views = page
            .items
            .into_iter()
            .zip(runs)
            .map(|(schedule, mut runs)| {
                runs.recent.truncate(1);
                ScheduleView::of(schedule, runs, now)
            });
        Ok(Listed {
            items: views.collect(),
            cursor: page.cursor,
        })
    }

    /// Returns a schedule of the caller, with its last runs.
    pub async fn schedule(
        &self,
        caller: &Caller,
        name: &ScheduleName,
    ) -> Result<ScheduleView, Problem> {
        let stored = self.own_schedule(caller, name).await?;
        let runs = self.env.registry.runs(&stored.value).await?;
        let tag = Some(schedule_tag(&stored));
        let view = ScheduleView::of(stored.value, runs, self.env.clock.now());
        Ok(ScheduleView { tag, ..view })
    }

    /// Starts the save of a schedule of the caller now, regardless of its times and even if it is paused. It is checked
    /// first, so a refusal has not changed anything. The same request ID of the same caller identifies the same save.
    pub async fn run_schedule(
        &self,
        caller: &Caller,
        name: &ScheduleName,
        request_id: Option<&str>,
    ) -> Result<Started, Problem> {
        let schedule = self.own_schedule(caller, name).await?.value;
        if schedule.state == ScheduleState::Deleting {
            return Err(schedule_not_found(name.as_str()));
        }
        let digits = self.digits("run", &caller.user, request_id)?;
        let save_id: SaveId = format!("save-{digits}").parse()?;
        let request = &schedule.request;
        if let Some(started) = self.begun_before(&save_id, request).await? {
            return Ok(started);
        }
        let plan = steps::plan_scheduled(&self.env, caller, save_id.clone(), &schedule).await?;
        plan.check_agreed()?;
        let mut input = schedule.input();
        input["save_id"] = json!(save_id);
        input["caller"] = json!(caller);
        input["by_hand"] = json!(true);
        self.begin(save_id, request, input).await
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
        expected: Option<&Expected>,
    ) -> Result<Stored<Schedule>, Problem> {
        let stored = self.own_schedule(caller, name).await?;
        check(
            expected,
            &format!("The schedule {name}"),
            &schedule_tag(&stored),
        )?;
        Ok(stored)
    }

    /// Deletes a schedule of the caller. Its saves and versions are kept. Fails if the schedule does not match
    /// `expected`.
    pub async fn delete_schedule(
        &self,
        caller: &Caller,
        name: &ScheduleName,
        expected: Option<&Expected>,
    ) -> Result<(), Problem> {
        let stored = self.expected_schedule(caller, name, expected).await?;
        if stored.value.state == ScheduleState::Deleting {
            // An earlier deletion was interrupted.
            return self.remove(&stored).await;
        }
        let event = self.about(caller, "schedule.delete", name);
        self.take_back(&stored, Some(&event)).await
    }

    /// Creates an event about a schedule of the caller.
    fn about(&self, caller: &Caller, action: &str, name: &ScheduleName) -> AuditEvent {
        self.event(caller, action, Subject::Schedule(name.clone()))
    }
}

fn taken(schedule: &Schedule) -> Problem {
    let name = &schedule.name;
    let message = match schedule.state {
        ScheduleState::Deleting => format!("The schedule {name} is being deleted."),
        ScheduleState::Pending => format!("The schedule {name} is only half-made."),
        ScheduleState::Active => format!(
            "You have a schedule {name} already: it saves {} as {}, {}.",
            schedule.request.instance, schedule.request.template, schedule.cadence
        ),
    };
    let problem = Problem::new(Code::ScheduleNameTaken, message);
    match schedule.state {
        ScheduleState::Active => problem,
        ScheduleState::Pending | ScheduleState::Deleting => problem.hint(format!(
            "Delete it, then go on: prism schedule delete {name}"
        )),
    }
}

/// Converts an error of the scheduler to a problem for the caller.
pub(super) fn from_schedules(error: SchedulesError) -> Problem {
    match error {
        SchedulesError::Refused(refusal) => refusal.problem(),
        SchedulesError::Unacceptable { .. } => {
            Problem::new(Code::AwsRefused, "The schedule cannot be made so.").because(error)
        }
        SchedulesError::Unavailable { .. } => Problem::new(
            Code::AwsUnavailable,
            "The schedule could not be made, changed or deleted.",
        )
        .because(error),
    }
}
