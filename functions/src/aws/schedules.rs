//! The port [`Schedules`] on EventBridge Scheduler.

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
use sha2::{Digest, Sha256};

use super::clients::{Clients, OnDemand};
use super::failure::Failure;
use crate::domain::Timestamp;
use crate::domain::schedule::{Cadence, LATE_MINUTES, Schedule};
use crate::ports::{Schedules, SchedulesError};

/// For how long the start of an execution is tried again, in seconds.
const LATEST_S: i32 = LATE_MINUTES.cast_signed() * 60;
/// How often it is tried again in that time.
const RETRIES: i32 = 10;

/// What a deployment's schedules start, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleTarget {
    /// The schedule group.
    pub group: String,
    /// The ARN of the role that EventBridge Scheduler takes on.
    pub role: String,
    /// The ARN of the state machine.
    pub machine: String,
    /// The ARN of the queue for what could not be started.
    pub dead_letters: Option<String>,
}

/// The schedules of a group.
#[derive(Debug, Clone)]
pub struct EventBridgeSchedules {
    client: OnDemand<Client>,
    target: Option<ScheduleTarget>,
}

impl EventBridgeSchedules {
    /// Schedules with this target, in the home Region. Without one every schedule is refused: the
    /// functions that make none need none.
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
                reason: "no schedule group and role are configured here".to_owned(),
            })
    }

    async fn create(&self, wanted: &Wanted) -> Result<(), Failure> {
        let request = self
            .client
            .get()
            .create_schedule()
            .name(&wanted.name)
            .group_name(&wanted.group)
            .client_token(wanted.token("create"))
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
            .client_token(wanted.token("update"))
            .description(&wanted.description)
            .schedule_expression(&wanted.expression)
            .schedule_expression_timezone(&wanted.timezone)
            .set_start_date(wanted.start)
            .state(wanted.state.clone())
            .flexible_time_window(wanted.window.clone())
            .target(wanted.target.clone());
        request.send().await.map(drop).map_err(Failure::of)
    }
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
        let target = self.target()?;
        let name = name(schedule);
        let request = self
            .client
            .get()
            .delete_schedule()
            .name(&name)
            .group_name(&target.group)
            .client_token(token(&["delete", &name]));
        match request.send().await.map_err(of) {
            Err(failure) if failure.code == "ResourceNotFoundException" => Ok(()),
            Err(failure) => Err(failed("scheduler:DeleteSchedule", &target.group, failure)),
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

/// A schedule as EventBridge Scheduler is to have it.
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
        // Without a start, a rate begins at once: the instance would stop as its owner types.
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

    /// The same for the same request: what the SDK sends again after a lost answer is done once.
    fn token(&self, action: &str) -> String {
        let start = self.start.map(|start| start.secs()).unwrap_or_default();
        token(&[
            action,
            &self.name,
            &self.expression,
            &self.timezone,
            self.state.as_str(),
            &start.to_string(),
            &self
                .window
                .maximum_window_in_minutes()
                .unwrap_or_default()
                .to_string(),
            self.target.input().unwrap_or_default(),
        ])
    }
}

fn incomplete(error: aws_smithy_types::error::operation::BuildError) -> SchedulesError {
    SchedulesError::Unavailable {
        reason: "the request could not be made".to_owned(),
        source: Some(Box::new(error)),
    }
}

/// What the console shows, at most 512 characters.
fn description(owner: &str, schedule: &Schedule) -> String {
    let text = format!(
        "{owner}: {} saves {} as {}",
        schedule.name, schedule.request.instance, schedule.request.template
    );
    text.chars().take(512).collect()
}

/// The name in the group. Owners cannot collide, whatever they are called, and a schedule that was
/// deleted is never taken for a later one of the same name.
fn name(schedule: &Schedule) -> String {
    let made = schedule.created_at.timestamp().to_string();
    let hash = token(&[schedule.owner.as_str(), schedule.name.as_str(), &made]);
    format!("prism-{}", &hash[..40])
}

/// 64 hexadecimal digits of some texts, none of which can run into the next.
fn token(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    digest
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// What the failure of a call that needs an IAM action on the schedules of a group means.
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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::testing::{Aws, Reply};
    use crate::domain::schedule::ScheduleRequest;

    fn target() -> ScheduleTarget {
        ScheduleTarget {
            group: "prism".to_owned(),
            role: "arn:aws:iam::111122223333:role/schedules".to_owned(),
            machine: "arn:aws:states:us-east-1:111122223333:stateMachine:save".to_owned(),
            dead_letters: Some("arn:aws:sqs:us-east-1:111122223333:dead".to_owned()),
        }
    }

    fn schedule(owner: &str, name: &str, cadence: &str) -> Schedule {
        let request = json!({"instance": "work", "template": "kept", "region": "us-west-2"});
        let asked = ScheduleRequest {
            name: None,
            cadence: cadence.parse().unwrap(),
            timezone: "Europe/Berlin".parse().unwrap(),
            jitter_minutes: 0,
            keep: None,
            request: serde_json::from_value(request).unwrap(),
        };
        let at = "2026-01-05T09:00:00Z".parse().unwrap();
        Schedule::new(name.parse().unwrap(), owner.parse().unwrap(), asked, at)
    }

    fn next() -> Timestamp {
        "2026-01-06T09:00:00Z".parse().unwrap()
    }

    fn error(status: u16, code: &str) -> Reply {
        Reply::json(status, json!({"__type": code, "Message": "why"}))
    }

    #[tokio::test]
    async fn a_schedule_starts_the_machine_as_its_owner() {
        let aws = Aws::answering([Reply::json(200, json!({"ScheduleArn": "arn"}))]);
        let schedules = EventBridgeSchedules::new(&aws.clients(), Some(target()));
        let nightly = schedule("ada", "nightly", "cron(0 3 ? * MON-FRI *)");
        schedules.put(&nightly, next()).await.unwrap();
        assert!(
            aws.uri(0)
                .ends_with(&format!("/schedules/{}", name(&nightly)))
        );
        let mut asked = aws.json(0);
        let input = asked["Target"]["Input"].take();
        let input: serde_json::Value = serde_json::from_str(input.as_str().unwrap()).unwrap();
        assert_eq!(input, nightly.input());
        assert_eq!(input["caller"], json!({"user": "ada"}));
        assert!(asked["ClientToken"].take().as_str().unwrap().len() == 64);
        assert_eq!(
            asked,
            json!({
                "ClientToken": null, "GroupName": "prism", "State": "ENABLED",
                "Description": "ada: nightly saves work as kept",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "ScheduleExpression": "cron(0 3 ? * MON-FRI *)",
                "ScheduleExpressionTimezone": "Europe/Berlin",
                "Target": {
                    "Arn": target().machine, "RoleArn": target().role, "Input": null,
                    "RetryPolicy": {"MaximumEventAgeInSeconds": 1800, "MaximumRetryAttempts": 10},
                    "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:111122223333:dead"},
                }
            })
        );
    }

    #[tokio::test]
    async fn a_rate_begins_when_it_has_passed_once() {
        let aws = Aws::answering([Reply::json(200, json!({"ScheduleArn": "arn"}))]);
        let target = ScheduleTarget {
            dead_letters: None,
            ..target()
        };
        let schedules = EventBridgeSchedules::new(&aws.clients(), Some(target));
        let daily = schedule("ada", "daily", "1d");
        schedules.put(&daily, next()).await.unwrap();
        let asked = aws.json(0);
        assert_eq!(asked["ScheduleExpression"], "rate(1 day)");
        assert_eq!(asked["StartDate"], json!(next().timestamp()));
        assert!(asked["Target"].get("DeadLetterConfig").is_none());
    }

    #[tokio::test]
    async fn one_that_is_there_is_changed() {
        let aws = Aws::answering([
            error(409, "ConflictException"),
            Reply::json(200, json!({"ScheduleArn": "arn"})),
        ]);
        let schedules = EventBridgeSchedules::new(&aws.clients(), Some(target()));
        let mut daily = schedule("ada", "daily", "1d");
        daily.paused = true;
        daily.jitter_minutes = 30;
        schedules.put(&daily, next()).await.unwrap();
        let (created, changed) = (aws.json(0), aws.json(1));
        let window = json!({"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30});
        assert_eq!(changed["FlexibleTimeWindow"], window);
        assert_eq!(changed["State"], "DISABLED");
        assert_eq!(changed["Target"], created["Target"]);
        assert_ne!(changed["ClientToken"], created["ClientToken"]);
    }

    #[tokio::test]
    async fn one_that_is_gone_is_gone() {
        let aws = Aws::answering([
            error(404, "ResourceNotFoundException"),
            error(403, "AccessDeniedException"),
        ]);
        let schedules = EventBridgeSchedules::new(&aws.clients(), Some(target()));
        let daily = schedule("ada", "daily", "1d");
        schedules.delete(&daily).await.unwrap();
        assert!(aws.uri(0).contains("groupName=prism"), "{}", aws.uri(0));
        let refused = schedules.delete(&daily).await.unwrap_err();
        let SchedulesError::Refused(refusal) = refused else {
            panic!("{refused}");
        };
        assert_eq!(refusal.action, "scheduler:DeleteSchedule");
        assert_eq!(refusal.resource, "the schedule group prism");
    }

    #[tokio::test]
    async fn what_may_pass_and_what_will_not_are_told_apart() {
        for (status, code, passes) in [
            (400, "ValidationException", false),
            (402, "ServiceQuotaExceededException", false),
            (403, "AccessDeniedException", false),
            (429, "ThrottlingException", true),
            (500, "InternalServerException", true),
        ] {
            let aws = Aws::answering([error(status, code)]);
            let schedules = EventBridgeSchedules::new(&aws.clients(), Some(target()));
            let daily = schedule("ada", "daily", "1d");
            let error = schedules.put(&daily, next()).await.unwrap_err();
            let transient = matches!(error, SchedulesError::Unavailable { .. });
            assert_eq!(transient, passes, "{code}: {error}");
        }
        let nowhere = EventBridgeSchedules::new(&Aws::answering([]).clients(), None);
        let refused = nowhere.delete(&schedule("ada", "daily", "1d")).await;
        assert!(matches!(refused, Err(SchedulesError::Unacceptable { .. })));
    }

    #[test]
    fn no_two_schedules_share_a_name() {
        let mut again = schedule("ada", "nightly", "1d");
        again.created_at = next();
        let all = [
            schedule("ada", "nightly", "1d"),
            schedule("ada", "nightly2", "1d"),
            schedule("bob", "nightly", "1d"),
            schedule("adanight", "ly2", "1d"),
            schedule("ada/n", "ightly", "1d"),
            again,
        ];
        let names: std::collections::BTreeSet<String> = all.iter().map(name).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.iter().all(|name| name.len() <= 64));
        assert_eq!(name(&all[0]), name(&schedule("ada", "nightly", "2d")));
    }
}
