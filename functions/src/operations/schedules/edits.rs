//! Changes to a schedule: when it is due, how many versions it keeps, and whether it is paused. It can also be changed
//! to save another instance, by name. The template cannot be changed: another template requires another schedule.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};

use super::{from_schedules, taken};
use crate::domain::audit::{AuditAction, AuditEvent};
use crate::domain::save::{SaveRequest, check_excluded, check_name};
use crate::domain::schedule::{
    Cadence, Schedule, ScheduleState, TimeZone, check_jitter, check_keep,
};
use crate::domain::{Code, How, Problem, ScheduleName, Timestamp};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, IfMatch, Json};
use crate::operations::{Asked, Service};
use crate::registry::Stored;
use crate::rules::access::Caller;
use crate::steps;

/// The number of a schedule's versions to keep: a number, or null for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<u32>", into = "Option<u32>")]
pub enum Keep {
    /// Keep all versions.
    All,
    /// Keep this number of the newest versions.
    Newest(u32),
}

impl From<Option<u32>> for Keep {
    fn from(number: Option<u32>) -> Self {
        number.map_or(Self::All, Self::Newest)
    }
}

impl From<Keep> for Option<u32> {
    fn from(keep: Keep) -> Self {
        match keep {
            Keep::All => None,
            Keep::Newest(number) => Some(number),
        }
    }
}

/// Changes to a schedule. Omitted fields do not change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleEdit {
    /// Whether the schedule is paused. Runs that are due during a pause are skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// The number of the schedule's versions to keep, 1 to 100, beginning with its next run; null for all of them.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub keep: Option<Keep>,
    /// How often the schedule is due from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadence: Option<Cadence>,
    /// The time zone of a cron expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<TimeZone>,
    /// The maximum random delay of each run, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1440)]
    pub jitter_minutes: Option<u32>,
    /// The instance to save from now on, by its name or its ID. Versions of the previous instance are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub instance: Option<String>,
    /// How a running instance is captured from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    /// The volumes to leave out of the AMIs from now on: device names, such as `/dev/sdf`, or volume IDs. Empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 40)]
    pub exclude_volumes: Option<BTreeSet<String>>,
    /// Whether you consent to runs showing the sensitive files that the instance has now. Setting it again renews the
    /// consent for the files that exist by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_sensitive: Option<bool>,
}

/// Distinguishes null from an omitted value.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Keep>, D::Error> {
    Keep::deserialize(from).map(Some)
}

impl ScheduleEdit {
    /// Creates a change that only pauses or resumes a schedule.
    pub fn pause(paused: bool) -> Self {
        Self {
            paused: Some(paused),
            ..Self::default()
        }
    }

    /// Checks the fields without any I/O.
    pub fn check(&self) -> Result<(), Problem> {
        check_keep(self.keep.and_then(Option::from))?;
        if let Some(instance) = &self.instance {
            check_name("instance name or ID", instance)?;
        }
        if let Some(volumes) = &self.exclude_volumes {
            check_excluded(volumes)?;
        }
        let jitter = self.jitter_minutes.unwrap_or_default();
        check_jitter(jitter, self.cadence.as_ref())
    }

    /// Returns the name of the audit event.
    fn action(&self) -> AuditAction {
        match self.paused {
            Some(paused) if *self == Self::pause(paused) && paused => AuditAction::SchedulePause,
            Some(paused) if *self == Self::pause(paused) => AuditAction::ScheduleResume,
            _ => AuditAction::ScheduleEdit,
        }
    }

    /// Returns the schedule with the changes applied.
    fn of(&self, before: &Schedule, now: Timestamp) -> Schedule {
        let mut after = before.clone();
        if let Some(keep) = self.keep {
            after.keep = keep.into();
        }
        if let Some(cadence) = &self.cadence {
            after.cadence = cadence.clone();
        }
        if let Some(timezone) = self.timezone {
            after.timezone = timezone;
        }
        if let Some(minutes) = self.jitter_minutes {
            after.jitter_minutes = minutes;
        }
        if let Some(how) = self.how {
            after.request.how = how;
        }
        if let Some(volumes) = &self.exclude_volumes {
            after.request.exclude_volumes.clone_from(volumes);
        }
        let times = |it: &Schedule| (it.cadence.clone(), it.timezone, it.jitter_minutes);
        after.paused = self.paused.unwrap_or(before.paused);
        // Runs that were not due before must not count as missed now.
        if (before.paused && !after.paused) || times(&after) != times(before) {
            after.resumed_at = Some(now);
        }
        after
    }
}

operation! {
    /// Changes a schedule
    ///
    /// You can pause or resume a schedule, and change when it is due, how many versions it keeps and which instance it
    /// saves. The template cannot be changed. Omitted fields do not change.
    ChangeSchedule by change_schedule: Patch "/v1/schedules/{name}" of "schedules",
    path: ScheduleName, head: IfMatch, body: Json<ScheduleEdit>,
    output: Found<Schedule>,
    rights: [],
    // Repeating it changes nothing.
    repeatable: |_| true,
}

async fn change_schedule(
    service: &Service,
    caller: &Caller,
    asked: Asked<ChangeSchedule>,
) -> Answered<ChangeSchedule> {
    let (name, Json(edit)) = (&asked.path, &asked.body);
    edit.check()?;
    let stored = service.expected_schedule(caller, name, &asked.head).await?;
    if stored.value.state != ScheduleState::Active {
        return Err(taken(&stored.value));
    }
    let mut after = edit.of(&stored.value, service.env.clock.now());
    after.check()?;
    if let Some(instance) = &edit.instance {
        service.point_to(caller, &mut after, instance).await?;
    }
    if let Some(consents) = edit.publish_sensitive {
        after.request.publish_sensitive = consents;
        (_, after.consents) = service.consents(caller, &after).await?;
    }
    let event = service
        .about(caller, edit.action(), name)
        .with("changes", edit);
    let changed = service.replace_schedule(&stored, after, &event).await?;
    Ok(Found::new(changed))
}

impl Service {
    /// Changes an active schedule, first in the scheduler, whose runs request what it was told.
    pub(in crate::operations) async fn replace_schedule(
        &self,
        stored: &Stored<Schedule>,
        after: Schedule,
        event: &AuditEvent,
    ) -> Result<Schedule, Problem> {
        let next = self.next(&after)?;
        // Written even if nothing changes, because an earlier change may have been interrupted before this point.
        let put = self.schedules.put(&after, next).await;
        put.map_err(from_schedules)?;
        if after == stored.value {
            return Ok(after);
        }
        let change = |schedule: &mut Schedule| schedule.clone_from(&after);
        let registry = &self.env.registry;
        let changed = registry.change_schedule(stored, Some(event), change);
        match changed.await {
            Ok(stored) => Ok(stored.value),
            Err(problem) => {
                if problem.code == Code::RegistryConflict {
                    self.yield_to_others(&after).await?;
                }
                Err(problem)
            }
        }
    }

    /// Changes the instance of a schedule to another instance of its owner.
    async fn point_to(
        &self,
        caller: &Caller,
        schedule: &mut Schedule,
        instance: &str,
    ) -> Result<(), Problem> {
        let request = SaveRequest {
            instance: instance.to_owned(),
            // The agreement concerned the data of the previous instance.
            accept_instance_store_loss: None,
            ..schedule.request.clone()
        };
        let (found, ..) = steps::addressed(&self.env, caller, &request, None).await?;
        if schedule.instance_id.as_ref() != Some(&found.id) || schedule.request.instance != instance
        {
            schedule.request = request;
            schedule.instance_id = Some(found.id);
        }
        Ok(())
    }

    /// Resolves a concurrent change of the record: the scheduler is set to what the record says now, or cleared if
    /// there is no record any more.
    async fn yield_to_others(&self, made: &Schedule) -> Result<(), Problem> {
        let registry = &self.env.registry;
        let stored = registry.schedule(&made.owner, &made.name).await?;
        let same = |it: &Stored<Schedule>| {
            it.value.created_at == made.created_at && it.value.state == ScheduleState::Active
        };
        let done = match stored.filter(same) {
            Some(stored) => {
                let next = self.next(&stored.value)?;
                self.schedules.put(&stored.value, next).await
            }
            None => self.schedules.delete(made).await,
        };
        done.map_err(from_schedules)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn all_are_kept_by_null_and_nothing_changes_by_nothing() {
        let keep = |value| from_value::<ScheduleEdit>(value).unwrap().keep;
        assert_eq!(keep(json!({})), None);
        assert_eq!(keep(json!({"keep": null})), Some(Keep::All));
        assert_eq!(keep(json!({"keep": 7})), Some(Keep::Newest(7)));
        for edit in [
            json!({}),
            json!({"keep": null}),
            json!({"keep": 7, "cadence": "rate(1 day)"}),
        ] {
            let read: ScheduleEdit = from_value(edit.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), edit);
        }
    }

    #[test]
    fn it_is_written_down_for_what_it_is() {
        let action = |value| from_value::<ScheduleEdit>(value).unwrap().action();
        assert_eq!(action(json!({"paused": true})), AuditAction::SchedulePause);
        assert_eq!(
            action(json!({"paused": false})),
            AuditAction::ScheduleResume
        );
        assert_eq!(
            action(json!({"paused": true, "keep": 1})),
            AuditAction::ScheduleEdit
        );
        assert_eq!(action(json!({"keep": 1})), AuditAction::ScheduleEdit);
    }
}
