//! Implements the port [`Schedules`] with EventBridge Scheduler.

use std::error::Error;

use async_trait::async_trait;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::types::{
    DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState,
    Target,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::future::try_join_all;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::clients::{Clients, OnDemand};
use super::failure::Failure;
use crate::domain::schedule::{Cadence, LATE_MINUTES, Schedule};
use crate::domain::{ScheduleName, Timestamp};
use crate::ports::{Firing, Schedules, SchedulesError};
use crate::rules::access::Caller;
use crate::rules::config::ScheduleTarget;

/// The prefix of the schedule names in the group.
const PREFIX: &str = "prism-";
/// The error code for a resource that does not exist.
const GONE: &str = "ResourceNotFoundException";
/// How many pages of a hundred are read before a group counts as endless.
const PAGES: usize = 1000;
/// How many schedules are read concurrently.
const AT_ONCE: usize = 8;
/// For how long the scheduler retries to start an execution, in seconds.
const LATEST_S: i32 = LATE_MINUTES.cast_signed() * 60;
/// The number of retries in that time.
const RETRIES: i32 = 10;

/// The schedules of a group.
#[derive(Debug, Clone)]
pub struct EventBridgeSchedules {
    client: OnDemand<Client>,
    target: Option<ScheduleTarget>,
}

impl EventBridgeSchedules {
    /// Schedules with this target, in the home Region. Without a target every schedule is refused: functions that
    /// create no schedules need no target.
    pub fn new(clients: &Clients, target: Option<ScheduleTarget>) -> Self {
        Self {
            client: OnDemand::new(clients, Client::new),
            target,
        }
    }

    fn target(&self) -> Result<&ScheduleTarget, SchedulesError> {
        self.target
            .as_ref()
            .ok_or_else(|| SchedulesError::Unacceptable {
                reason: "no schedule group or role is configured".to_owned(),
            })
    }

    async fn create(&self, wanted: &Wanted) -> Result<(), Failure> {
        let request = self
            .client
            .get()
            .create_schedule()
            .name(&wanted.name)
            .group_name(&wanted.group)
            .description(&wanted.description)
            .schedule_expression(&wanted.expression)
            .schedule_expression_timezone(&wanted.timezone)
            .set_start_date(wanted.start)
            .state(wanted.state.clone())
            .flexible_time_window(wanted.window.clone())
            .target(wanted.target.clone());
        request.send().await.map(drop).map_err(Failure::of)
    }

    async fn update(&self, wanted: &Wanted) -> Result<(), Failure> {
        let request = self
            .client
            .get()
            .update_schedule()
            .name(&wanted.name)
            .group_name(&wanted.group)
            .description(&wanted.description)
            .schedule_expression(&wanted.expression)
            .schedule_expression_timezone(&wanted.timezone)
            .set_start_date(wanted.start)
            .state(wanted.state.clone())
            .flexible_time_window(wanted.window.clone())
            .target(wanted.target.clone());
        request.send().await.map(drop).map_err(Failure::of)
    }

    /// A page of the names in the group that belong to Prism, and the token of the next page.
    async fn page(
        &self,
        group: &str,
        token: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), SchedulesError> {
        let request = self.client.get().list_schedules();
        let request = request.group_name(group).name_prefix(PREFIX);
        let page = request.max_results(100).set_next_token(token).send().await;
        let failed = |error| failed("scheduler:ListSchedules", group, of(error));
        let page = page.map_err(failed)?;
        let names = page.schedules.into_iter().filter_map(|it| it.name);
        let token = page.next_token.filter(|token| !token.is_empty());
        Ok((names.collect(), token))
    }

    /// The schedule that this name fires. `None` if it was deleted in the meantime, or starts something that does not
    /// belong to this deployment.
    async fn read(&self, group: &str, id: &str) -> Result<Option<Firing>, SchedulesError> {
        let request = self.client.get().get_schedule().group_name(group).name(id);
        let found = match request.send().await.map_err(of) {
            Err(failure) if failure.code == GONE => return Ok(None),
            Err(failure) => return Err(failed("scheduler:GetSchedule", group, failure)),
            Ok(found) => found,
        };
        let input = found.target.and_then(|target| target.input);
        let started = input.and_then(|input| serde_json::from_str::<Started>(&input).ok());
        Ok(started.map(|started| Firing {
            id: id.to_owned(),
            owner: started.caller.user,
            schedule: started.schedule,
        }))
    }
}

/// The part of an execution's input that identifies the owner.
#[derive(Deserialize)]
struct Started {
    schedule: ScheduleName,
    caller: Caller,
}

#[async_trait]
impl Schedules for EventBridgeSchedules {
    async fn put(&self, schedule: &Schedule, next: Timestamp) -> Result<(), SchedulesError> {
        let wanted = Wanted::of(self.target()?, schedule, next)?;
        let group = &wanted.group;
        match self.create(&wanted).await {
            Err(failure) if failure.code == "ConflictException" => {
                let changed = self.update(&wanted).await;
                changed.map_err(|failure| failed("scheduler:UpdateSchedule", group, failure))
            }
            made => made.map_err(|failure| failed("scheduler:CreateSchedule", group, failure)),
        }
    }

    async fn delete(&self, schedule: &Schedule) -> Result<(), SchedulesError> {
        self.remove(&name(schedule)).await
    }

    fn id(&self, schedule: &Schedule) -> String {
        name(schedule)
    }

    async fn firing(&self) -> Result<Vec<Firing>, SchedulesError> {
        // A function without a configured group creates no schedules.
        let Some(target) = &self.target else {
            return Ok(Vec::new());
        };
        let (mut all, mut token) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = self.page(&target.group, token).await?;
            for some in page.0.chunks(AT_ONCE) {
                let read = some.iter().map(|id| self.read(&target.group, id));
                all.extend(try_join_all(read).await?.into_iter().flatten());
            }
            token = page.1;
            if token.is_none() {
                return Ok(all);
            }
        }
        Err(SchedulesError::Unacceptable {
            reason: format!("the group {} has more than {PAGES} pages", target.group),
        })
    }

    async fn remove(&self, id: &str) -> Result<(), SchedulesError> {
        let group = &self.target()?.group;
        let request = self.client.get().delete_schedule();
        let request = request.name(id).group_name(group);
        match request.send().await.map_err(of) {
            Err(failure) if failure.code == GONE => Ok(()),
            Err(failure) => Err(failed("scheduler:DeleteSchedule", group, failure)),
            Ok(_) => Ok(()),
        }
    }
}

fn of<E>(error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    Failure::of(error)
}

/// A schedule as it is sent to EventBridge Scheduler.
struct Wanted {
    name: String,
    group: String,
    description: String,
    expression: String,
    timezone: String,
    start: Option<DateTime>,
    state: ScheduleState,
    window: FlexibleTimeWindow,
    target: Target,
}

impl Wanted {
    fn of(
        target: &ScheduleTarget,
        schedule: &Schedule,
        next: Timestamp,
    ) -> Result<Self, SchedulesError> {
        // Without a start date, a rate begins immediately: the instance would stop while its owner still types.
        let start = match schedule.cadence {
            Cadence::Rate { .. } => Some(DateTime::from_secs(next.timestamp())),
            Cadence::Cron(_) => None,
        };
        let state = if schedule.paused {
            ScheduleState::Disabled
        } else {
            ScheduleState::Enabled
        };
        let jitter = i32::try_from(schedule.jitter_minutes).ok();
        let window = match jitter.filter(|minutes| *minutes > 0) {
            Some(minutes) => FlexibleTimeWindow::builder()
                .mode(FlexibleTimeWindowMode::Flexible)
                .maximum_window_in_minutes(minutes),
            None => FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off),
        };
        let retries = RetryPolicy::builder()
            .maximum_event_age_in_seconds(LATEST_S)
            .maximum_retry_attempts(RETRIES);
        let dead_letters = target
            .dead_letters
            .as_ref()
            .map(|arn| DeadLetterConfig::builder().arn(arn).build());
        let (owner, name) = (&schedule.owner, self::name(schedule));
        Ok(Self {
            name,
            group: target.group.clone(),
            description: description(owner.as_str(), schedule),
            expression: schedule.cadence.to_string(),
            timezone: schedule.timezone.to_string(),
            start,
            state,
            window: window.build().map_err(incomplete)?,
            target: Target::builder()
                .arn(&target.machine)
                .role_arn(&target.role)
                .input(schedule.input().to_string())
                .retry_policy(retries.build())
                .set_dead_letter_config(dead_letters)
                .build()
                .map_err(incomplete)?,
        })
    }
}

fn incomplete(error: aws_smithy_types::error::operation::BuildError) -> SchedulesError {
    SchedulesError::Unavailable {
        reason: "the request could not be built".to_owned(),
        source: Some(Box::new(error)),
    }
}

/// The description that the console shows, of at most 512 characters.
fn description(owner: &str, schedule: &Schedule) -> String {
    let text = format!(
        "{owner}: {} saves {} as {}",
        schedule.name, schedule.request.instance, schedule.request.template
    );
    text.chars().take(512).collect()
}

/// The name in the group. The names of different owners cannot collide, and a deleted schedule is never mistaken for
/// a later one with the same name.
fn name(schedule: &Schedule) -> String {
    let made = schedule.created_at.timestamp().to_string();
    let hash = token(&[schedule.owner.as_str(), schedule.name.as_str(), &made]);
    format!("{PREFIX}{}", &hash[..40])
}

/// 64 hexadecimal digits derived from some texts. The boundaries between the texts count too.
fn token(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// Interprets the failure of a call that requires an IAM action on the schedules of a group.
fn failed(action: &str, group: &str, failure: Failure) -> SchedulesError {
    let failure = match failure.refusal(action, &format!("the schedule group {group}")) {
        Ok(refusal) => return SchedulesError::Refused(refusal),
        Err(failure) => failure,
    };
    if failure.is_transient() || failure.source.is_some() {
        return SchedulesError::Unavailable {
            reason: failure.reason(),
            source: failure.source,
        };
    }
    SchedulesError::Unacceptable {
        reason: failure.reason(),
    }
}

#[cfg(test)]
mod tests;
