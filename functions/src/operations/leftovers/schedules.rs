//! Schedules that can no longer run, and entries of the scheduler without a schedule.

use super::{Left, Leftover, PAGE, left};
use crate::domain::schedule::Schedule;
use crate::domain::{Code, Problem};
use crate::operations::Service;
use crate::operations::schedules::from_schedules;
use crate::ports::Firing;
use crate::rules::access::Caller;
use crate::rules::lookup::own_instance;
use crate::steps;

impl Service {
    /// Finds the schedules that can no longer run.
    pub(super) async fn left_schedules(&self, found: &mut Vec<Leftover>) -> Result<(), Problem> {
        let mut cursor = None;
        loop {
            let page = self.env.registry.active_schedules(PAGE, cursor).await?;
            for schedule in page.items {
                if let Some(why) = self.points_nowhere(&schedule).await? {
                    let what = Left::Schedule {
                        owner: schedule.owner,
                        id: schedule.name,
                    };
                    found.push(left(what, None, why));
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Returns why a schedule can no longer run; `None` if it can.
    async fn points_nowhere(&self, schedule: &Schedule) -> Result<Option<String>, Problem> {
        let owner = Caller::new(schedule.owner.clone());
        let request = &schedule.request;
        let meant = match steps::scheduled::instance_of(&self.env, schedule).await {
            Ok(id) => id.to_string(),
            Err(problem) if problem.code == Code::ScheduleInstanceChanged => {
                let why = format!("{} is now another instance", request.instance);
                return Ok(Some(why));
            }
            Err(_) => request.instance.clone(),
        };
        match own_instance(&self.env, &owner, &request.region, &meant).await {
            Ok(instance) if instance.state.is_gone() => {
                Ok(Some(format!("its instance {} is terminated", instance.id)))
            }
            Ok(_) => Ok(None),
            Err(problem) if problem.code == Code::InstanceNotFound => {
                Ok(Some("its instance no longer exists".to_owned()))
            }
            // Several instances have the name: each run is refused, and the owner is told.
            Err(problem) if problem.code == Code::InstanceNameAmbiguous => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Finds the entries of the scheduler that have no record. Nobody sees them, and each of their runs is refused.
    /// Returns why the scheduler could not be read, if that failed.
    pub(super) async fn left_firing(
        &self,
        found: &mut Vec<Leftover>,
    ) -> Result<Option<Problem>, Problem> {
        let firing = match self.schedules.firing().await {
            Ok(firing) => firing,
            Err(error) => return Ok(Some(from_schedules(error))),
        };
        for Firing {
            id,
            owner,
            schedule,
        } in firing
        {
            // A record exists from before its entry is created until after it is removed, in any state.
            let stored = self.env.registry.schedule(&owner, &schedule).await?;
            let why = match stored {
                None => "the schedule does not exist",
                Some(stored) if self.schedules.id(&stored.value) != id => {
                    "the schedule of that name was created later"
                }
                Some(_) => continue,
            };
            let what = Left::Firing {
                id,
                owner,
                schedule,
            };
            found.push(left(what, None, why.to_owned()));
        }
        Ok(None)
    }
}
