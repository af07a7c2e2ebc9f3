//! Task: one call of a function, and the wait for its token.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, pending, select};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

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

type Answer = Result<Value, TaskFailure>;

struct Call {
    function: Arc<str>,
    /// The payload of the function, or the error with which Lambda refuses it.
    payload: Result<Value, TaskFailure>,
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
        // Each attempt has its own token, which is closed however the attempt ends.
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
        let answer = match (call.payload, &wait) {
            (Err(refused), _) => Some(Err(refused)),
            (Ok(payload), None) => self.invoke(&call.function, payload, timeout_s).await,
            (Ok(payload), Some(wait)) => {
                self.submit(&call.function, payload, timeout_s, wait)
                    .await?
            }
        };
        self.settle(&task.resource, answer)
    }

    /// Calls the function. Returns `None`, and drops the call, if it took too long.
    async fn invoke(
        &self,
        function: &str,
        payload: Value,
        timeout_s: Option<u64>,
    ) -> Option<Answer> {
        let answer = self.core.functions.invoke(function, payload);
        let limit = async {
            match timeout_s {
                Some(seconds) => self.core.clock.limit(Duration::from_secs(seconds)).await,
                None => pending().await,
            }
        };
        match select(answer, Box::pin(limit)).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }

    /// Calls the function, which passes the token on, and waits for the result of the token. The timeout covers both.
    /// If the function fails, the Task fails. If the token gets its result while the function still runs, the Task
    /// ends too, and the function is left running.
    async fn submit(
        &mut self,
        function: &str,
        payload: Value,
        timeout_s: Option<u64>,
        wait: &Wait,
    ) -> Result<Option<Answer>, Failure> {
        let core = self.core;
        let function = core.functions.invoke(function, payload);
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
        // The function's result is recorded but not used.
        let Ok(Payload { text, .. }) = Payload::new(self.integration_result(&submitted)) else {
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

    fn settle(&mut self, resource: &Resource, answer: Option<Answer>) -> Result<Value, Failure> {
        let resource = resource.clone();
        let (error, cause, timed_out) = match answer {
            Some(Ok(payload)) => {
                let result = match resource {
                    Resource::LambdaInvoke => self.integration_result(&payload),
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
            // An error and a cause are optional in SendTaskFailure.
            Some(Err(failure)) => (
                failure.error,
                Some(failure.cause).filter(|cause| !cause.is_empty()),
                false,
            ),
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

/// The timer of a Task that waits for its token. It is created after the function has been called, so that a result that takes exactly this
/// long is still in time.
async fn limit(core: &Core, timeout_s: Option<u64>) {
    match timeout_s {
        Some(seconds) => core.clock.sleep(Duration::from_secs(seconds)).await,
        None => pending().await,
    }
}

impl Flow<'_> {
    /// The result of the integration: the function's result, with the headers of Lambda's response. The request ID is
    /// derived from the event that it belongs to.
    fn integration_result(&self, payload: &Value) -> Value {
        let digest = Sha256::digest(format!("{}:{}", self.core.execution_arn, self.last));
        let hex = hex::encode(digest);
        let parts = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..32],
        ];
        let request_id = parts.join("-");
        let length = payload.to_string().len().to_string();
        let date = self
            .core
            .clock
            .now()
            .format("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        let trace = format!("Root=1-{}-{};Sampled=0", &hex[32..40], &hex[40..64]);
        let headers = [
            ("X-Amz-Executed-Version", "$LATEST"),
            ("x-amzn-Remapped-Content-Length", "0"),
            ("Connection", "keep-alive"),
            ("x-amzn-RequestId", &request_id),
            ("Content-Length", &length),
            ("Date", &date),
            ("X-Amzn-Trace-Id", &trace),
            ("Content-Type", "application/json"),
        ];
        let all = headers.map(|(name, value)| (name.to_owned(), json!([value])));
        let first = headers.map(|(name, value)| (name.to_owned(), json!(value)));
        json!({
            "ExecutedVersion": "$LATEST",
            "Payload": payload,
            "SdkHttpMetadata": {
                "AllHttpHeaders": Map::from_iter(all),
                "HttpHeaders": Map::from_iter(first),
                "HttpStatusCode": 200,
            },
            "SdkResponseMetadata": {"RequestId": request_id},
            "StatusCode": 200,
        })
    }
}

fn too_large(resource: &Resource) -> String {
    let name = match resource {
        Resource::LambdaInvoke | Resource::LambdaCallback => "lambda",
        Resource::LambdaFunction(arn) => arn,
    };
    format!(
        "The state/task '{name}' returned a result with a size exceeding the maximum number of bytes \
         service limit."
    )
}

/// Extracts the call from the arguments. They were checked at load unless one expression computes all of them.
fn call(resource: &Resource, arguments: &Payload) -> Result<Call, String> {
    if let Resource::LambdaFunction(arn) = resource {
        return Ok(Call {
            function: Arc::clone(arn),
            payload: Ok(Value::clone(&arguments.value)),
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
            payload: sent(object.get("Payload")),
            shown: Arc::clone(&arguments.text),
        }),
        _ => Err(refuse("the field 'FunctionName' must be a string")),
    }
}

/// What Lambda receives for a Payload: an empty object if it is absent or null, and for a text, the JSON that the
/// text contains.
fn sent(payload: Option<&Value>) -> Result<Value, TaskFailure> {
    match payload {
        None | Some(Value::Null) => Ok(json!({})),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|why| TaskFailure {
            error: "Lambda.InvalidRequestContentException".to_owned(),
            cause: format!("Could not parse request body into json: {why}"),
        }),
        Some(payload) => Ok(payload.clone()),
    }
}
