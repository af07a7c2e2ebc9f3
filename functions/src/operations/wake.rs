//! Events: EventBridge reports changes of AMIs, instances and executions, so that saves notice them sooner.
//!
//! An event is only a hint: the code that it wakes checks the actual state. If an event is lost, late, duplicated or
//! out of order, this only affects when a change is noticed; polling and the sweep notice it too.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Recovery, Service, from_executions};
use crate::domain::save::{SaveRecord, SaveState};
use crate::domain::{ImageId, InstanceId, Problem, Region, SaveId, Timestamp};
use crate::ports::Executions;
use crate::registry::Awaited;
use crate::rules::Env;

/// An AMI became available, failed, was deregistered or disabled.
const IMAGE: &str = "EC2 AMI State Change";
/// An instance began or finished a change of its state.
const INSTANCE: &str = "EC2 Instance State-change Notification";
/// An execution began or ended.
const EXECUTION: &str = "Step Functions Execution Status Change";

/// What an event has caused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Woken {
    /// Whether a wait was ended.
    pub wait_ended: bool,
    /// The recovery that was started, if any.
    pub recovery: Option<Recovery>,
}

/// The fields that all events have.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "detail-type")]
    kind: String,
    region: Region,
    #[serde(default)]
    time: Option<Timestamp>,
    detail: Value,
}

#[derive(Deserialize)]
struct OfImage {
    #[serde(rename = "ImageId")]
    image: ImageId,
}

#[derive(Deserialize)]
struct OfInstance {
    #[serde(rename = "instance-id")]
    instance: InstanceId,
    state: String,
}

#[derive(Deserialize)]
struct OfExecution {
    name: String,
    status: String,
    /// The input of the execution, as JSON text; omitted if it is too large for an event.
    #[serde(default)]
    input: Option<String>,
}

impl Service {
    /// Handles an event from EventBridge. An event that is unknown or malformed is logged and ignored, since a retry
    /// would not help. Fails only if the registry or an AWS service does not respond.
    pub async fn wake(&self, event: &Value) -> Result<Woken, Problem> {
        let Some(event) = read::<Event>(event, "an event") else {
            return Ok(Woken::default());
        };
        match event.kind.as_str() {
            IMAGE => self.on_image(&event).await,
            INSTANCE => self.on_instance(&event).await,
            EXECUTION => self.on_execution(&event).await,
            other => {
                tracing::info!(kind = other, "an event of another kind was ignored");
                Ok(Woken::default())
            }
        }
    }

    /// Handles the payload that the function is invoked with: a batch from the queue, whose messages are events, or a
    /// single event. For a batch, it returns the messages to deliver again; it fails if all of them failed.
    pub async fn wake_by(&self, payload: &Value) -> Result<Value, Problem> {
        let Some(messages) = payload.get("Records").and_then(Value::as_array) else {
            let Woken {
                wait_ended,
                recovery,
            } = self.wake(payload).await?;
            let recovery =
                recovery.map(|it| json!({"save_id": it.save_id, "execution": it.execution}));
            return Ok(json!({ "wait_ended": wait_ended, "recovery": recovery }));
        };
        let (mut again, mut failed) = (Vec::new(), None);
        for message in messages {
            let body = message["body"].as_str().unwrap_or_default();
            // Invalid JSON is ignored like a malformed event.
            let event = serde_json::from_str(body).unwrap_or_default();
            if let Err(problem) = self.wake(&event).await {
                let (code, text) = (problem.code, problem.chain());
                tracing::warn!(%code, problem = text, "an event could not be handled");
                again.push(json!({ "itemIdentifier": message["messageId"] }));
                failed = Some(problem);
            }
        }
        match failed {
            Some(problem) if again.len() == messages.len() => Err(problem),
            _ => Ok(json!({ "batchItemFailures": again })),
        }
    }

    async fn on_image(&self, event: &Event) -> Result<Woken, Problem> {
        let Some(OfImage { image }) = read(&event.detail, IMAGE) else {
            return Ok(Woken::default());
        };
        let wait_ended = self.end_wait(&event.region, Awaited::Image(&image)).await?;
        Ok(Woken {
            wait_ended,
            recovery: None,
        })
    }

    /// Handles the change of an instance: for a save that must bring it back, and for its meter.
    async fn on_instance(&self, event: &Event) -> Result<Woken, Problem> {
        let Some(OfInstance { instance, state }) = read(&event.detail, INSTANCE) else {
            return Ok(Woken::default());
        };
        if !matches!(state.as_str(), "running" | "stopped" | "terminated") {
            return Ok(Woken::default());
        }
        let woken = self.on_owed(&event.region, &instance).await?;
        let down_since = event.time.filter(|_| state != "running");
        self.meter_event(&event.region, &instance, down_since)
            .await?;
        Ok(woken)
    }

    /// Makes a save that waits for the instance check its state at once. If no execution works on restoring the
    /// instance, it is recovered now and not only by the next sweep. Most instances have no duty, which costs only one
    /// read.
    async fn on_owed(&self, region: &Region, instance: &InstanceId) -> Result<Woken, Problem> {
        let duty = self.env.registry.duty(region, instance).await?;
        let Some(duty) = duty.filter(|duty| duty.value.discharged.is_none()) else {
            return Ok(Woken::default());
        };
        let awaited = Awaited::Instance(instance);
        let wait_ended = self.end_wait(region, awaited).await?;
        let record = self.env.registry.save(&duty.value.save_id).await?;
        let recovery = match record.map(|stored| stored.value) {
            Some(record) if record.state == SaveState::Stranded => {
                self.recover_stranded(&duty.value, &record).await?
            }
            Some(record) => self.recover_abandoned(&record).await?,
            None => None,
        };
        Ok(Woken {
            wait_ended,
            recovery,
        })
    }

    async fn on_execution(&self, event: &Event) -> Result<Woken, Problem> {
        let Some(execution) = read::<OfExecution>(&event.detail, EXECUTION) else {
            return Ok(Woken::default());
        };
        if matches!(execution.status.as_str(), "RUNNING" | "SUCCEEDED") {
            return Ok(Woken::default());
        }
        let Some(id) = save_of(&execution) else {
            let name = execution.name;
            tracing::info!(execution = name, "an execution without a save has ended");
            return Ok(Woken::default());
        };
        let recovery = match self.env.registry.save(&id).await? {
            Some(stored) => self.recover_abandoned(&stored.value).await?,
            None => None,
        };
        Ok(Woken {
            wait_ended: false,
            recovery,
        })
    }

    /// Makes a waiting save check its state at once. If this fails, the save is only delayed.
    pub(super) async fn hurry(&self, record: &SaveRecord) {
        let region = &record.request.region;
        let instance = record.plan.as_ref().map(|plan| &plan.instance.id);
        let image = record.image.as_ref().map(Awaited::Image);
        for awaited in instance.map(Awaited::Instance).into_iter().chain(image) {
            if let Err(problem) = self.end_wait(region, awaited).await {
                let problem = problem.chain();
                tracing::warn!(save.id = %record.save_id, problem, "the save could not be woken");
            }
        }
    }

    async fn end_wait(&self, region: &Region, awaited: Awaited<'_>) -> Result<bool, Problem> {
        end_wait(&self.env, &*self.executions, region, awaited).await
    }
}

/// Ends the wait for something that has changed, if an execution waits for it. Returns whether one did.
pub async fn end_wait(
    env: &Env,
    executions: &dyn Executions,
    region: &Region,
    awaited: Awaited<'_>,
) -> Result<bool, Problem> {
    match env.registry.wait(region, awaited, env.clock.now()).await? {
        Some(wait) => executions.wake(&wait.token).await.map_err(from_executions),
        None => Ok(false),
    }
}

fn read<T: DeserializeOwned>(value: &Value, what: &str) -> Option<T> {
    T::deserialize(value)
        .map_err(|error| tracing::warn!(what, %error, "an unreadable event was ignored"))
        .ok()
}

/// Returns the save that an execution belongs to, from its input or otherwise from its name. For executions started by
/// a schedule, the definition derives the ID of the save from the name.
fn save_of(execution: &OfExecution) -> Option<SaveId> {
    let input: Option<Value> = execution
        .input
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let said = ["recover", "save_id"]
        .iter()
        .find_map(|field| input.as_ref()?.get(field)?.as_str()?.parse().ok());
    said.or_else(|| {
        let name = execution.name.to_ascii_lowercase();
        let name = name.strip_prefix("save-").unwrap_or(&name);
        let hex = name.chars().filter(char::is_ascii_hexdigit);
        let digits: String = hex.chain("00000000".chars()).take(20).collect();
        format!("save-{digits}").parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, input: Option<&str>) -> Option<String> {
        let execution = OfExecution {
            name: name.to_owned(),
            status: "ABORTED".to_owned(),
            input: input.map(str::to_owned),
        };
        save_of(&execution).map(String::from)
    }

    #[test]
    fn an_execution_is_of_the_save_that_its_input_or_its_name_says() {
        let id = "save-0123456789abcdef0123";
        let said = Some(id.to_owned());
        assert_eq!(of("any", Some(&format!(r#"{{"save_id":"{id}"}}"#))), said);
        let recovery = format!(r#"{{"recover":"{id}","epoch":2}}"#);
        assert_eq!(of("any", Some(&recovery)), said);
        for name in [id.to_owned(), format!("{id}-2"), format!("{id}-again")] {
            assert_eq!(of(&name, None), said, "{name}");
            assert_eq!(of(&name, Some("not JSON")), said, "{name}");
        }
        let scheduled = "01234567-89AB-cdef-0123-456789abcdef_extra";
        assert_eq!(of(scheduled, Some(r#"{"schedule":"nightly"}"#)), said);
        let made = Some("save-eee00000000".to_owned());
        assert_eq!(
            of("nightly-greeter-é", Some(r#"{"schedule":"nightly"}"#)),
            made
        );
    }
}
