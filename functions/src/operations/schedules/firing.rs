//! Starts the runs of schedules that are due, for servers without a separate scheduler.

use sha2::{Digest, Sha256};

use crate::domain::schedule::{Schedule, ScheduleState};
use crate::domain::{Code, Problem, ScheduleName, Timestamp, UserId};
use crate::operations::{Service, from_executions};
use crate::ports::ExecutionsError;

/// The number of schedules on one page.
const PAGE: usize = 100;

/// A schedule that was due, and the execution that was started for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The owner of the schedule.
    pub owner: UserId,
    /// The name of the schedule.
    pub schedule: ScheduleName,
    /// When the schedule was due.
    pub due: Timestamp,
    /// The name of the execution.
    pub execution: String,
}

impl Service {
    /// Starts the saves of all schedules that are due, for servers without a separate scheduler. It is safe to run this
    /// at any time, and twice at once: the execution's name is derived from the time at which the schedule was due, so
    /// both runs start the same execution. One run makes up for all missed ones.
    pub async fn fire_due_schedules(&self) -> Result<Vec<Fired>, Problem> {
        let mut fired = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.env.registry.active_schedules(PAGE, cursor).await?;
            for schedule in &page.items {
                // A schedule that cannot be started must not block the others.
                match self.fire(schedule).await {
                    Ok(it) => fired.extend(it),
                    Err(problem) => tracing::warn!(
                        schedule = %schedule.name, owner = %schedule.owner,
                        code = %problem.code, problem = problem.chain(),
                        "a schedule could not be fired and will be retried"
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
        if listed.due(now).is_none() && !listed.is_ahead(now) {
            return Ok(None);
        }
        // The index may be out of date, so the record itself decides.
        let registry = &self.env.registry;
        let Some(stored) = registry.schedule(&listed.owner, &listed.name).await? else {
            return Ok(None);
        };
        if stored.value.is_ahead(now) {
            let heed = |schedule: &mut Schedule| schedule.heed_clock(now);
            registry.change_schedule(&stored, None, heed).await?;
            return Ok(None);
        }
        let schedule = &stored.value;
        let fires = schedule.state == ScheduleState::Active && !schedule.paused;
        let Some(due) = schedule.due(now).filter(|_| fires) else {
            return Ok(None);
        };
        let execution = execution_name(schedule, due);
        match self.executions.start(&execution, schedule.input()).await {
            // Another server was first, and its execution has already ended.
            Ok(()) | Err(ExecutionsError::AlreadyExists { .. }) => {}
            Err(error) => return Err(from_executions(error)),
        }
        let note = |schedule: &mut Schedule| schedule.last_fired_at = Some(now);
        match registry.change_schedule(&stored, None, note).await {
            Ok(_) => {}
            // Another server has recorded the run, or the owner has changed the schedule.
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

/// Returns the name of the execution that a schedule starts for the time at which it is due. It consists of hexadecimal
/// digits, like the names that EventBridge Scheduler creates.
fn execution_name(schedule: &Schedule, due: Timestamp) -> String {
    let (owner, name, made) = (&schedule.owner, &schedule.name, schedule.created_at);
    let hash = Sha256::digest(format!("schedule\n{owner}\n{name}\n{made}\n{due}"));
    hex::encode(&hash[..16])
}
