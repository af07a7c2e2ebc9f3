//! Converts events to the JSON of `GetExecutionHistory`.

use serde_json::{Map, Value, json};

use super::{Event, HistoryEvent, Resource, StateKind};

impl HistoryEvent {
    /// The event as `GetExecutionHistory` returns it: payloads are JSON texts, and the timestamp is in seconds since
    /// 1970, with milliseconds as the fraction.
    pub fn to_json(&self) -> Value {
        #[expect(clippy::cast_precision_loss, reason = "exact up to the year 287396")]
        let seconds = self.timestamp.timestamp_millis() as f64 / 1_000.0;
        let mut object = Map::new();
        object.insert("timestamp".to_owned(), json!(seconds));
        object.insert("type".to_owned(), json!(self.event.type_name()));
        object.insert("id".to_owned(), json!(self.id));
        object.insert("previousEventId".to_owned(), json!(self.previous_event_id));
        if let Some((field, details)) = self.event.details() {
            object.insert(field, details);
        }
        Value::Object(object)
    }
}

impl Event {
    /// The `type` of the event, such as `TaskStateEntered`.
    pub fn type_name(&self) -> String {
        match self {
            Self::ExecutionStarted { .. } => "ExecutionStarted".to_owned(),
            Self::ExecutionSucceeded { .. } => "ExecutionSucceeded".to_owned(),
            Self::ExecutionFailed { .. } => "ExecutionFailed".to_owned(),
            Self::ExecutionTimedOut { .. } => "ExecutionTimedOut".to_owned(),
            Self::ExecutionAborted { .. } => "ExecutionAborted".to_owned(),
            Self::StateEntered { kind, .. } => format!("{}StateEntered", kind.name()),
            Self::StateExited { kind, .. } => format!("{}StateExited", kind.name()),
            Self::StateAborted { kind } => format!("{}StateAborted", kind.name()),
            Self::StateStarted { kind, .. } => format!("{}StateStarted", kind.name()),
            Self::StateSucceeded { kind } => format!("{}StateSucceeded", kind.name()),
            Self::StateFailed { kind } => format!("{}StateFailed", kind.name()),
            Self::MapIterationStarted { .. } => "MapIterationStarted".to_owned(),
            Self::MapIterationSucceeded { .. } => "MapIterationSucceeded".to_owned(),
            Self::MapIterationFailed { .. } => "MapIterationFailed".to_owned(),
            Self::MapIterationAborted { .. } => "MapIterationAborted".to_owned(),
            Self::TaskScheduled { resource, .. } => resource.event("Scheduled"),
            Self::TaskStarted { resource } => resource.event("Started"),
            Self::TaskSubmitted { resource, .. } => resource.event("Submitted"),
            Self::TaskSucceeded { resource, .. } => resource.event("Succeeded"),
            Self::TaskFailed { resource, .. } => resource.event("Failed"),
            Self::TaskTimedOut { resource, .. } => resource.event("TimedOut"),
            Self::EvaluationFailed { .. } => "EvaluationFailed".to_owned(),
        }
    }

    /// The name of the details field and its content, for event types that have one.
    fn details(&self) -> Option<(String, Value)> {
        let details = match self {
            Self::ExecutionStarted { input, role_arn } => {
                let mut details = payload("input", input);
                details.insert("roleArn".to_owned(), json!(role_arn));
                details
            }
            Self::ExecutionSucceeded { output } => payload("output", output),
            Self::ExecutionFailed { error, cause }
            | Self::ExecutionTimedOut { error, cause }
            | Self::ExecutionAborted { error, cause } => {
                failure(error.as_deref(), cause.as_deref())
            }
            Self::StateEntered { name, input, .. } => {
                let mut details = payload("input", input);
                details.insert("name".to_owned(), json!(name));
                return Some(("stateEnteredEventDetails".to_owned(), details.into()));
            }
            Self::StateExited {
                name,
                output,
                assigned,
                ..
            } => {
                let mut details = payload("output", output);
                details.insert("name".to_owned(), json!(name));
                assigned_variables(&mut details, assigned);
                return Some(("stateExitedEventDetails".to_owned(), details.into()));
            }
            Self::StateStarted {
                kind: StateKind::Map,
                length: Some(length),
            } => object(json!({"length": length})),
            Self::StateAborted { .. }
            | Self::StateStarted { .. }
            | Self::StateSucceeded { .. }
            | Self::StateFailed { .. } => return None,
            Self::MapIterationStarted { name, index }
            | Self::MapIterationSucceeded { name, index }
            | Self::MapIterationFailed { name, index }
            | Self::MapIterationAborted { name, index } => {
                object(json!({"name": name, "index": index}))
            }
            Self::EvaluationFailed {
                state,
                location,
                error,
                cause,
            } => {
                let mut details = failure(Some(error), Some(cause));
                details.insert("state".to_owned(), json!(state));
                if let Some(location) = location {
                    details.insert("location".to_owned(), json!(location));
                }
                details
            }
            _ => return self.task_details(),
        };
        Some((self.details_field(), details.into()))
    }

    fn task_details(&self) -> Option<(String, Value)> {
        let details = match self {
            Self::TaskScheduled {
                resource,
                region,
                parameters,
                timeout_s,
            } => {
                let mut details = match resource {
                    Resource::LambdaInvoke | Resource::LambdaCallback => {
                        let mut details = resource.integration();
                        details.insert("region".to_owned(), json!(region));
                        details.insert("parameters".to_owned(), json!(parameters));
                        details
                    }
                    Resource::LambdaFunction(arn) => {
                        let mut details = payload("input", parameters);
                        details.insert("resource".to_owned(), json!(arn));
                        details
                    }
                };
                if let Some(seconds) = timeout_s {
                    details.insert("timeoutInSeconds".to_owned(), json!(seconds));
                }
                details
            }
            Self::TaskStarted {
                resource: Resource::LambdaFunction(_),
            } => return None,
            Self::TaskStarted { resource } => resource.integration(),
            Self::TaskSubmitted { resource, output } | Self::TaskSucceeded { resource, output } => {
                let mut details = payload("output", output);
                details.extend(resource.integration());
                details
            }
            Self::TaskFailed {
                resource,
                error,
                cause,
            }
            | Self::TaskTimedOut {
                resource,
                error,
                cause,
            } => {
                let error = Some(error.as_str()).filter(|error| !error.is_empty());
                let mut details = failure(error, cause.as_deref());
                details.extend(resource.integration());
                details
            }
            _ => return None,
        };
        Some((self.details_field(), details.into()))
    }

    fn details_field(&self) -> String {
        let mut field = self.type_name();
        field[..1].make_ascii_lowercase();
        field + "EventDetails"
    }
}

impl Resource {
    fn event(&self, what: &str) -> String {
        match self {
            Self::LambdaInvoke | Self::LambdaCallback => format!("Task{what}"),
            Self::LambdaFunction(_) => format!("LambdaFunction{what}"),
        }
    }

    /// The fields that `Task…` events have and `LambdaFunction…` events do not.
    fn integration(&self) -> Map<String, Value> {
        match self {
            Self::LambdaInvoke => object(json!({"resourceType": "lambda", "resource": "invoke"})),
            Self::LambdaCallback => {
                object(json!({"resourceType": "lambda", "resource": "invoke.waitForTaskToken"}))
            }
            Self::LambdaFunction(_) => Map::new(),
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn payload(field: &str, text: &str) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert(field.to_owned(), json!(text));
    details.insert(format!("{field}Details"), json!({"truncated": false}));
    details
}

fn failure(error: Option<&str>, cause: Option<&str>) -> Map<String, Value> {
    let mut details = Map::new();
    if let Some(error) = error {
        details.insert("error".to_owned(), json!(error));
    }
    if let Some(cause) = cause {
        details.insert("cause".to_owned(), json!(cause));
    }
    details
}

fn assigned_variables(
    details: &mut Map<String, Value>,
    assigned: &[(std::sync::Arc<str>, std::sync::Arc<str>)],
) {
    if assigned.is_empty() {
        return;
    }
    let variables: Map<String, Value> = assigned
        .iter()
        .map(|(name, text)| (name.to_string(), json!(text)))
        .collect();
    details.insert("assignedVariables".to_owned(), variables.into());
    details.insert(
        "assignedVariablesDetails".to_owned(),
        json!({"truncated": false}),
    );
}
