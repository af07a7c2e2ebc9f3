//! Schedules: create, list, show, pause, delete; and firing those that are due, embedded.
//!
//! What fires a schedule lies outside of the registry. Its record is written before that is made and
//! removed after that is gone, so whatever fires can be seen and deleted by its owner.

use sha2::{Digest, Sha256};

use super::access::{Caller, schedule_not_found};
use super::{Service, from_executions};
use crate::domain::schedule::{Schedule, ScheduleRequest, ScheduleState};
use crate::domain::{Code, Problem, ScheduleName, Timestamp, UserId};
use crate::ports::{ExecutionsError, SchedulesError};
use crate::registry::{Listed, Stored};
use crate::steps;

/// How many schedules are looked at in one page.
const PAGE: usize = 100;

/// A schedule that was due, and the execution that was started for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Whose schedule it is.
    pub owner: UserId,
    /// The schedule.
    pub schedule: ScheduleName,
    /// When it was due.
    pub due: Timestamp,
    /// The execution of its save.
    pub execution: String,
}

impl Service {
    /// Makes a schedule. The same again is the same schedule; where it was left half-made, it is
    /// made whole.
    pub async fn create_schedule(
        &self,
        caller: &Caller,
        asked: ScheduleRequest,
    ) -> Result<Schedule, Problem> {
        let name = match &asked.name {
            Some(name) => name.clone(),
            None => asked.request.template.as_str().parse()?,
        };
        let new = Schedule::new(name, caller.user.clone(), asked, self.env.clock.now());
        let before = self.env.registry.schedule(&new.owner, &new.name).await?;
        let stored = match before {
            Some(before) if !before.value.asks_the_same(&new) => return Err(taken(&before.value)),
            Some(before) => match before.value.state {
                ScheduleState::Active => return Ok(before.value),
                ScheduleState::Pending => before,
                ScheduleState::Deleting => return Err(taken(&before.value)),
            },
            None => {
                self.next(&new)?;
                steps::addressed(&self.env, caller, &new.request).await?;
                self.env.registry.add_schedule(new).await?
            }
        };
        self.activate(stored).await
    }

    /// Lets a schedule fire whose record is written.
    async fn activate(&self, stored: Stored<Schedule>) -> Result<Schedule, Problem> {
        let next = self.next(&stored.value)?;
        if let Err(error) = self.schedules.put(&stored.value, next).await {
            let problem = from_schedules(error);
            return Err(match self.take_back(&stored).await {
                Ok(()) => problem,
                Err(left) => problem.hint(format!(
                    "What was made of it could not be removed ({}). Create it again, or delete it: prism schedule delete {}",
                    left.chain(),
                    stored.value.name
                )),
            });
        }
        let active = |schedule: &mut Schedule| schedule.state = ScheduleState::Active;
        match self.env.registry.change_schedule(&stored, active).await {
            Ok(stored) => Ok(stored.value),
            Err(problem) if problem.code == Code::RegistryConflict => {
                self.lost(&stored.value, problem).await
            }
            Err(problem) => Err(problem),
        }
    }

    /// Somebody else changed the record while the schedule was made: the same request, which has
    /// made it now, or a deletion, after which nothing must fire.
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

    async fn take_back(&self, stored: &Stored<Schedule>) -> Result<(), Problem> {
        let deleting = |schedule: &mut Schedule| schedule.state = ScheduleState::Deleting;
        let stored = self.env.registry.change_schedule(stored, deleting).await?;
        self.remove(&stored).await
    }

    async fn remove(&self, stored: &Stored<Schedule>) -> Result<(), Problem> {
        let gone = self.schedules.delete(&stored.value).await;
        gone.map_err(from_schedules)?;
        self.env.registry.remove_schedule(stored).await
    }

    /// When a schedule is due next; one that never is, is refused.
    fn next(&self, schedule: &Schedule) -> Result<Timestamp, Problem> {
        schedule.next_after(self.env.clock.now()).ok_or_else(|| {
            let message = format!("{} is never due any more.", schedule.cadence);
            Problem::new(Code::InvalidCadence, message)
        })
    }

    /// The caller's schedules, by name; `limit` is 1 to 1,000.
    pub async fn schedules(
        &self,
        caller: &Caller,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Schedule>, Problem> {
        let registry = &self.env.registry;
        registry.schedules_of(&caller.user, limit, cursor).await
    }

    /// A schedule of the caller's.
    pub async fn schedule(
        &self,
        caller: &Caller,
        name: &ScheduleName,
    ) -> Result<Schedule, Problem> {
        Ok(self.own_schedule(caller, name).await?.value)
    }

    async fn own_schedule(
        &self,
        caller: &Caller,
        name: &ScheduleName,
    ) -> Result<Stored<Schedule>, Problem> {
        let stored = self.env.registry.schedule(&caller.user, name).await?;
        stored.ok_or_else(|| schedule_not_found(name.as_str()))
    }

    /// Lets a schedule hold still, or go on.
    pub async fn pause_schedule(
        &self,
        caller: &Caller,
        name: &ScheduleName,
        paused: bool,
    ) -> Result<Schedule, Problem> {
        let stored = self.own_schedule(caller, name).await?;
        if stored.value.state != ScheduleState::Active {
            return Err(taken(&stored.value));
        }
        let mut after = stored.value.clone();
        after.paused = paused;
        let next = self.next(&after)?;
        let put = self.schedules.put(&after, next).await;
        put.map_err(from_schedules)?;
        let now = self.env.clock.now();
        let change = |schedule: &mut Schedule| {
            if schedule.paused && !paused {
                // What came due in the meantime is not made up for.
                schedule.last_fired_at = Some(now);
            }
            schedule.paused = paused;
        };
        let stored = self.env.registry.change_schedule(&stored, change).await?;
        Ok(stored.value)
    }

    /// Deletes a schedule of the caller's. Its saves and what they made stay.
    pub async fn delete_schedule(
        &self,
        caller: &Caller,
        name: &ScheduleName,
    ) -> Result<(), Problem> {
        let stored = self.own_schedule(caller, name).await?;
        if stored.value.state == ScheduleState::Deleting {
            // An earlier deletion did not get through.
            return self.remove(&stored).await;
        }
        self.take_back(&stored).await
    }

    /// Starts the saves of all schedules that are due; for servers that have no scheduler beside
    /// them. Safe to run at any time, and twice at once: the execution's name is made of the time
    /// that the schedule was due, so both start the same one. One run makes up for all missed.
    pub async fn fire_due_schedules(&self) -> Result<Vec<Fired>, Problem> {
        let mut fired = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.env.registry.active_schedules(PAGE, cursor).await?;
            for schedule in &page.items {
                // One schedule that cannot be fired must not keep the others from it.
                match self.fire(schedule).await {
                    Ok(it) => fired.extend(it),
                    Err(problem) => tracing::warn!(
                        schedule = %schedule.name, owner = %schedule.owner,
                        code = %problem.code, problem = problem.chain(),
                        "a schedule could not be fired; it is tried again"
                    ),
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(fired);
            }
        }
    }

    async fn fire(&self, listed: &Schedule) -> Result<Option<Fired>, Problem> {
        let now = self.env.clock.now();
        if listed.due(now).is_none() {
            return Ok(None);
        }
        // The index may be behind: the record itself decides.
        let registry = &self.env.registry;
        let Some(stored) = registry.schedule(&listed.owner, &listed.name).await? else {
            return Ok(None);
        };
        let schedule = &stored.value;
        let fires = schedule.state == ScheduleState::Active && !schedule.paused;
        let Some(due) = schedule.due(now).filter(|_| fires) else {
            return Ok(None);
        };
        let execution = execution_name(schedule, due);
        match self.executions.start(&execution, schedule.input()).await {
            // Another server was first, and its execution has ended already.
            Ok(()) | Err(ExecutionsError::AlreadyExists { .. }) => {}
            Err(error) => return Err(from_executions(error)),
        }
        let note = |schedule: &mut Schedule| schedule.last_fired_at = Some(now);
        match registry.change_schedule(&stored, note).await {
            Ok(_) => {}
            // Another server has noted it, or its owner has changed it.
            Err(problem) if problem.code == Code::RegistryConflict => return Ok(None),
            Err(problem) => return Err(problem),
        }
        Ok(Some(Fired {
            owner: listed.owner.clone(),
            schedule: listed.name.clone(),
            due,
            execution,
        }))
    }
}

/// The name of the execution that a schedule starts for the time that it is due: hexadecimal digits,
/// as in the names that EventBridge Scheduler gives.
fn execution_name(schedule: &Schedule, due: Timestamp) -> String {
    let (owner, name, made) = (&schedule.owner, &schedule.name, schedule.created_at);
    let hash = Sha256::digest(format!("schedule\n{owner}\n{name}\n{made}\n{due}"));
    hash.iter()
        .take(16)
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
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

/// What a failing scheduler means to whoever asked.
fn from_schedules(error: SchedulesError) -> Problem {
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
