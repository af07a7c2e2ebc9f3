//! Firing the schedules that are due, where no scheduler stands beside the server.

use sha2::{Digest, Sha256};

use crate::domain::schedule::{Schedule, ScheduleState};
use crate::domain::{Code, Problem, ScheduleName, Timestamp, UserId};
use crate::operations::{Service, from_executions};
use crate::ports::ExecutionsError;

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
        if listed.due(now).is_none() && !listed.is_ahead(now) {
            return Ok(None);
        }
        // The index may be behind: the record itself decides.
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
            // Another server was first, and its execution has ended already.
            Ok(()) | Err(ExecutionsError::AlreadyExists { .. }) => {}
            Err(error) => return Err(from_executions(error)),
        }
        let note = |schedule: &mut Schedule| schedule.last_fired_at = Some(now);
        match registry.change_schedule(&stored, None, note).await {
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
    hex::encode(&hash[..16])
}
