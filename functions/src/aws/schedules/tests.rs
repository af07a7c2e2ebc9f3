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

fn daily() -> Schedule {
    schedule("ada", "daily", "1d")
}

fn made() -> Reply {
    Reply::found(json!({"ScheduleArn": "arn"}))
}

fn scheduler(aws: &Aws) -> EventBridgeSchedules {
    EventBridgeSchedules::new(&aws.clients(), Some(target()))
}

fn next() -> Timestamp {
    "2026-01-06T09:00:00Z".parse().unwrap()
}

fn error(status: u16, code: &str) -> Reply {
    Reply::json(status, json!({"__type": code, "Message": "why"}))
}

#[tokio::test]
async fn a_schedule_starts_the_machine_as_its_owner() {
    let aws = Aws::answering([made()]);
    let schedules = scheduler(&aws);
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
    assert!(asked["ClientToken"].take().is_string());
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
    let aws = Aws::answering([made()]);
    let target = ScheduleTarget {
        dead_letters: None,
        ..target()
    };
    let schedules = EventBridgeSchedules::new(&aws.clients(), Some(target));
    schedules.put(&daily(), next()).await.unwrap();
    let asked = aws.json(0);
    assert_eq!(asked["ScheduleExpression"], "rate(1 day)");
    assert_eq!(asked["StartDate"], json!(next().timestamp()));
    assert!(asked["Target"].get("DeadLetterConfig").is_none());
}

#[tokio::test]
async fn one_that_is_there_is_changed() {
    let aws = Aws::answering([error(409, "ConflictException"), made()]);
    let schedules = scheduler(&aws);
    let mut daily = daily();
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

/// If a token were used twice, the scheduler would treat the second pause as a repetition of the first.
#[tokio::test]
async fn the_same_change_made_again_later_is_made_again() {
    let one = || [error(409, "ConflictException"), made()];
    let aws = Aws::answering(one().into_iter().chain(one()));
    let schedules = scheduler(&aws);
    let daily = daily();
    for _ in 0..2 {
        schedules.put(&daily, next()).await.unwrap();
    }
    let tokens: std::collections::BTreeSet<String> = (0..4)
        .map(|call| aws.json(call)["ClientToken"].to_string())
        .collect();
    assert_eq!(tokens.len(), 4);
}

#[tokio::test]
async fn what_fires_is_told_with_whose_it_is() {
    let daily = daily();
    let summary = |name: &str| json!({"Name": name, "GroupName": "prism"});
    let detail = |input: &str| {
        let target = json!({"Arn": "arn", "RoleArn": "arn", "Input": input});
        Reply::found(json!({"Name": "x", "Target": target}))
    };
    let pages = [
        json!({"Schedules": [summary("prism-1"), summary("prism-2")], "NextToken": "more"}),
        json!({"Schedules": [summary("prism-3")]}),
    ];
    let [first, second] = pages.map(Reply::found);
    // One schedule was deleted since it was listed, and one belongs to another user.
    let aws = Aws::answering([
        first,
        detail(&daily.input().to_string()),
        error(404, "ResourceNotFoundException"),
        second,
        detail("{\"hello\": 1}"),
    ]);
    let schedules = scheduler(&aws);
    let firing = schedules.firing().await.unwrap();
    let known = Firing {
        id: "prism-1".to_owned(),
        owner: "ada".parse().unwrap(),
        schedule: "daily".parse().unwrap(),
    };
    assert_eq!(firing, [known]);
    let (list, more) = (aws.uri(0), aws.uri(3));
    assert!(
        list.contains("ScheduleGroup=prism") && list.contains("NamePrefix=prism-"),
        "{list}"
    );
    assert!(more.contains("NextToken=more"), "{more}");
    assert_eq!(schedules.id(&daily), name(&daily));
    let denied = Aws::answering([error(403, "AccessDeniedException")]);
    let schedules = scheduler(&denied);
    let Err(SchedulesError::Refused(refusal)) = schedules.firing().await else {
        panic!("it is refused");
    };
    assert_eq!(refusal.action, "scheduler:ListSchedules");
}

#[tokio::test]
async fn one_that_is_gone_is_gone() {
    let aws = Aws::answering([
        error(404, "ResourceNotFoundException"),
        error(403, "AccessDeniedException"),
    ]);
    let schedules = scheduler(&aws);
    let daily = daily();
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
        let schedules = scheduler(&aws);
        let daily = daily();
        let error = schedules.put(&daily, next()).await.unwrap_err();
        let transient = matches!(error, SchedulesError::Unavailable { .. });
        assert_eq!(transient, passes, "{code}: {error}");
    }
    let nowhere = EventBridgeSchedules::new(&Aws::answering([]).clients(), None);
    let refused = nowhere.delete(&daily()).await;
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
