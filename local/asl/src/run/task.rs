//! Task: one call of a function, and the wait for its token.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, pending, select};
use serde_json::{Value, json};

use super::Core;
use super::flow::Flow;
use super::payload::Payload;
use super::scope::StateContext;
use super::tokens::Wait;
use crate::TaskFailure;
use crate::errors::{self, Failure};
use crate::history::{Event, Resource};
use crate::load;
use crate::machine::Task;

/// How a call ended.
type Answer = Result<Value, TaskFailure>;

/// What to call, and with what.
struct Call {
    function: Arc<str>,
    payload: Value,
    /// What the history shows: the integration's arguments, or the function's input.
    shown: Arc<str>,
}

impl Flow<'_> {
    pub(super) async fn task(
        &mut self,
        task: &Task,
        context: &StateContext<'_>,
        input: &Payload,
    ) -> Result<Value, Failure> {
        // Each attempt has a token of its own, which is closed however the attempt ends.
        let wait = (task.resource == Resource::LambdaCallback).then(|| {
            let core = self.core;
            core.tokens
                .wait(&core.execution_arn, context.entered_event, context.retries)
        });
        let context = &StateContext {
            token: wait.as_ref().map(|wait| &*wait.token),
            ..*context
        };
        let arguments = match &task.arguments {
            None => input.clone(),
            Some(template) => {
                let value =
                    self.evaluate(context, input, |view| template.evaluate(view, "Arguments"))?;
                self.payload(value, context)?
            }
        };
        let timeout_s = match &task.timeout_s {
            None => None,
            Some(setting) => Some(self.evaluate(context, input, |view| {
                setting.evaluate(view, "TimeoutSeconds", "positive integer", |value| {
                    load::integer(value, 1)
                })
            })?),
        };
        let call = call(&task.resource, &arguments)
            .map_err(|cause| self.failure(context, errors::RUNTIME, &cause))?;
        self.record(Event::TaskScheduled {
            resource: task.resource.clone(),
            region: Arc::clone(&self.core.region),
            parameters: Arc::clone(&call.shown),
            timeout_s,
        })?;
        self.record(Event::TaskStarted {
            resource: task.resource.clone(),
        })?;
        let answer = match &wait {
            None => self.invoke(call, timeout_s).await,
            Some(wait) => self.submit(call, timeout_s, wait).await?,
        };
        self.settle(&task.resource, answer)
    }

    /// Calls the function; `None` when it took too long. It is dropped then.
    async fn invoke(&self, call: Call, timeout_s: Option<u64>) -> Option<Answer> {
        let answer = self.core.functions.invoke(&call.function, call.payload);
        match select(answer, Box::pin(limit(self.core, timeout_s))).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }

    /// Calls the function, which passes the token on, and waits for whoever answers the token.
    /// The time limit is for both. A function that fails ends the Task; a token that is answered
    /// while the function still runs ends it too, and the function is left alone.
    async fn submit(
        &mut self,
        call: Call,
        timeout_s: Option<u64>,
        wait: &Wait,
    ) -> Result<Option<Answer>, Failure> {
        let core = self.core;
        let function = core.functions.invoke(&call.function, call.payload);
        let either = select(function, Box::pin(wait.answered()));
        let (submitted, answered, limit) =
            match select(either, Box::pin(limit(core, timeout_s))).await {
                Either::Left((Either::Left((Ok(payload), answered)), limit)) => {
                    (payload, answered, limit)
                }
                Either::Left((Either::Left((Err(failure), _)), _)) => {
                    return Ok(Some(Err(failure)));
                }
                Either::Left((Either::Right((answer, _)), _)) => return Ok(Some(answer)),
                Either::Right(_) => return Ok(None),
            };
        // What the function gives is shown, and goes nowhere.
        let Ok(Payload { text, .. }) = Payload::new(integration_result(&submitted)) else {
            let cause = too_large(&Resource::LambdaCallback);
            let error = errors::DATA_LIMIT_EXCEEDED.to_owned();
            return Ok(Some(Err(TaskFailure { error, cause })));
        };
        self.record(Event::TaskSubmitted {
            resource: Resource::LambdaCallback,
            output: text,
        })?;
        Ok(match select(answered, limit).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        })
    }

    /// Records how the call ended, and gives the Task's result.
    fn settle(&mut self, resource: &Resource, answer: Option<Answer>) -> Result<Value, Failure> {
        let resource = resource.clone();
        let (error, cause, timed_out) = match answer {
            Some(Ok(payload)) => {
                let result = match resource {
                    Resource::LambdaInvoke => integration_result(&payload),
                    Resource::LambdaFunction(_) | Resource::LambdaCallback => payload,
                };
                match Payload::new(result) {
                    Ok(Payload { value, text }) => {
                        self.record(Event::TaskSucceeded {
                            resource,
                            output: text,
                        })?;
                        return Ok(Arc::unwrap_or_clone(value));
                    }
                    Err(_) => (
                        errors::DATA_LIMIT_EXCEEDED.to_owned(),
                        Some(too_large(&resource)),
                        false,
                    ),
                }
            }
            Some(Err(failure)) => (failure.error, Some(failure.cause), false),
            None => (errors::TIMEOUT.to_owned(), None, true),
        };
        let event = if timed_out {
            Event::TaskTimedOut {
                resource,
                error: error.clone(),
                cause: None,
            }
        } else {
            Event::TaskFailed {
                resource,
                error: error.clone(),
                cause: cause.clone(),
            }
        };
        let event = self.record(event)?;
        Err(Failure {
            error,
            cause,
            event,
        })
    }
}

/// The timer of a Task. It is made once the function has begun, so that an answer that takes exactly
/// this long is in time.
async fn limit(core: &Core, timeout_s: Option<u64>) {
    match timeout_s {
        Some(seconds) => core.clock.sleep(Duration::from_secs(seconds)).await,
        None => pending().await,
    }
}

/// What the integration makes of a function's answer.
fn integration_result(payload: &Value) -> Value {
    json!({"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200})
}

fn too_large(resource: &Resource) -> String {
    let name = match resource {
        Resource::LambdaInvoke => "arn:aws:states:::lambda:invoke",
        Resource::LambdaCallback => "arn:aws:states:::lambda:invoke.waitForTaskToken",
        Resource::LambdaFunction(arn) => arn,
    };
    format!(
        "The state/task '{name}' returned a result with a size exceeding the maximum number of bytes \
         service limit."
    )
}

/// Takes the arguments apart. They were checked at load unless one expression computes them all.
fn call(resource: &Resource, arguments: &Payload) -> Result<Call, String> {
    if let Resource::LambdaFunction(arn) = resource {
        return Ok(Call {
            function: Arc::clone(arn),
            payload: Value::clone(&arguments.value),
            shown: Arc::clone(&arguments.text),
        });
    }
    let known = ["FunctionName", "Payload"];
    let refuse = |why: &str| {
        format!(
            "The Arguments '{}' could not be used to start the Task: {why}",
            arguments.text
        )
    };
    let object = arguments
        .value
        .as_object()
        .ok_or_else(|| refuse("they are not an object"))?;
    if let Some(name) = object.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(refuse(&format!("the field '{name}' is not supported")));
    }
    match object.get("FunctionName").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => Ok(Call {
            function: Arc::from(name),
            payload: object.get("Payload").cloned().unwrap_or_else(|| json!({})),
            shown: Arc::clone(&arguments.text),
        }),
        _ => Err(refuse("the field 'FunctionName' must be a string")),
    }
}
