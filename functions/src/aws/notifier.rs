//! Implements the port [`Notifier`] with EventBridge and SNS.

use async_trait::async_trait;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;

use super::clients::{Clients, OnDemand};
use super::failure::Failure;
use crate::domain::{ProjectName, SaveId};
use crate::ports::{Notice, Notifier, NotifierError};

/// The source of Prism's events, which EventBridge rules match.
const SOURCE: &str = "prism";
/// The detail type of Prism's events.
const DETAIL_TYPE: &str = "Prism Save";

/// Sends every notice to an event bus, and alarms also to a topic.
#[derive(Debug, Clone)]
pub struct EventNotifier {
    events: OnDemand<aws_sdk_eventbridge::Client>,
    bus: String,
    sns: OnDemand<aws_sdk_sns::Client>,
    topic: Option<String>,
}

impl EventNotifier {
    /// Sends notices to the bus with that name, and alarms also to the topic with that ARN, if there is one.
    pub fn new(clients: &Clients, bus: impl Into<String>, topic: Option<String>) -> Self {
        Self {
            events: OnDemand::new(clients, aws_sdk_eventbridge::Client::new),
            bus: bus.into(),
            sns: OnDemand::new(clients, aws_sdk_sns::Client::new),
            topic,
        }
    }

    async fn put(&self, notice: &Notice) -> Result<(), String> {
        let detail = serde_json::to_string(notice).map_err(|error| error.to_string())?;
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(DETAIL_TYPE)
            .time(DateTime::from_secs(notice.at.timestamp()))
            .detail(detail);
        let request = self.events.get().put_events().entries(entry.build());
        match request.send().await {
            Ok(answer) => accepted(&answer),
            Err(error) => Err(Failure::of(error).reason()),
        }
    }

    async fn publish(&self, topic: &str, notice: &Notice) -> Result<(), String> {
        let request = self
            .sns
            .get()
            .publish()
            .topic_arn(topic)
            .subject(format!("Prism needs your attention: {}", about(notice)))
            .message(format!(
                "{}\n\nAbout: {}\nEvent: {}\nAt: {}\n",
                notice.text,
                about(notice),
                notice.event,
                notice.at.to_rfc3339()
            ));
        let answer = request.send().await;
        answer.map_err(|error| Failure::of(error).reason())?;
        Ok(())
    }
}

/// The subject of a notice: a save or a project.
fn about(notice: &Notice) -> &str {
    let save = notice.save_id.as_ref().map(SaveId::as_str);
    save.or(notice.project.as_ref().map(ProjectName::as_str))
        .unwrap_or("the deployment")
}

/// EventBridge returns success even if it has refused the event.
fn accepted(answer: &PutEventsOutput) -> Result<(), String> {
    let refused = answer.entries().iter().find_map(|entry| {
        let code = entry.error_code()?;
        Some(format!("{code}: {}", entry.error_message().unwrap_or("")))
    });
    match refused {
        Some(reason) => Err(reason),
        None if answer.failed_entry_count() > 0 => Err("EventBridge rejected the event".to_owned()),
        None => Ok(()),
    }
}

#[async_trait]
impl Notifier for EventNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifierError> {
        // An alarm is sent both ways, even if one of them fails.
        let put = self.put(notice).await;
        let topic = self.topic.as_deref().filter(|_| notice.alarm);
        let published = match topic {
            Some(topic) => self.publish(topic, notice).await,
            None => Ok(()),
        };
        let reasons: Vec<String> = [("EventBridge", put), ("SNS", published)]
            .into_iter()
            .filter_map(|(service, sent)| Some(format!("{service}: {}", sent.err()?)))
            .collect();
        if reasons.is_empty() {
            return Ok(());
        }
        Err(NotifierError {
            reason: reasons.join("; "),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::testing::{Aws, Reply};
    use crate::domain::NoticeEvent;

    const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:alarms";

    fn notice(alarm: bool) -> Notice {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let text = "The instance could not be brought back.";
        Notice {
            save_id: Some("save-0123456789abcdef".parse().unwrap()),
            alarm,
            ..Notice::new(NoticeEvent::SaveStranded, at, text)
        }
    }

    fn taken() -> Reply {
        Reply::found(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}))
    }

    fn published() -> Reply {
        Reply::ok(
            "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>",
        )
    }

    fn notifier(aws: &Aws) -> EventNotifier {
        EventNotifier::new(&aws.clients(), "default", Some(TOPIC.to_owned()))
    }

    #[tokio::test]
    async fn an_event_carries_the_notice_and_only_an_alarm_reaches_the_topic() {
        let aws = Aws::answering([taken(), taken(), published()]);
        let notifier = notifier(&aws);
        notifier.notify(&notice(false)).await.unwrap();
        notifier.notify(&notice(true)).await.unwrap();
        let entry = aws.json(0)["Entries"][0].clone();
        assert_eq!(entry["Source"], "prism");
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        assert_eq!(detail["event"], "save.stranded");
        assert!(aws.body(2).contains("Action=Publish"), "{}", aws.body(2));
        assert_eq!(aws.calls(), 3);
    }

    #[tokio::test]
    async fn an_alarm_is_published_although_its_event_was_refused() {
        let refused = json!({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"}]});
        let aws = Aws::answering([Reply::found(refused), published()]);
        let error = notifier(&aws).notify(&notice(true)).await.unwrap_err();
        assert_eq!(error.reason, "EventBridge: ThrottlingException: slow");
        assert_eq!(aws.calls(), 2);
    }
}
