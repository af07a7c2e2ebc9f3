//! The role of a Lambda function: a step, the sweep, the event handler, or the API. The handler name selects it.

use serde_json::{Value, json};

use crate::domain::Problem;
use crate::operations::{Recovery, Service};
use crate::steps::{self, Entry};

/// The handler that finds saves whose execution has ended without completing them.
pub const SWEEP: &str = "Sweep";

/// The handler that receives events from EventBridge.
pub const WAKE: &str = "Wake";

/// The handler that serves the HTTP API.
pub const API: &str = "Api";

/// What the function runs.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// A step of a save.
    Step(&'static Entry),
    Sweep,
    /// The event handler, which ends the waits of saves.
    Wake,
    /// The HTTP API.
    Api,
}

/// There is no handler with that name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no handler {name:?}; the handlers are {known}")]
pub struct UnknownHandler {
    name: String,
    known: String,
}

impl Handler {
    pub fn find(name: &str) -> Result<Self, UnknownHandler> {
        if name == SWEEP {
            return Ok(Handler::Sweep);
        }
        if name == WAKE {
            return Ok(Handler::Wake);
        }
        if name == API {
            return Ok(Handler::Api);
        }
        steps::find(name).map(Handler::Step).ok_or_else(|| {
            let known = steps::ALL.iter().map(|step| step.name);
            let known = known.chain([SWEEP, WAKE, API]);
            UnknownHandler {
                name: name.to_owned(),
                known: known.collect::<Vec<_>>().join(", "),
            }
        })
    }

    /// The name of the handler.
    pub fn name(self) -> &'static str {
        match self {
            Handler::Step(step) => step.name,
            Handler::Sweep => SWEEP,
            Handler::Wake => WAKE,
            Handler::Api => API,
        }
    }

    /// Runs the handler on the payload of an invocation. The sweep accepts any payload, because it finds its work
    /// itself.
    pub(super) async fn invoke(self, service: &Service, payload: Value) -> Result<Value, Problem> {
        match self {
            Handler::Step(step) => (step.invoke)(&service.env, payload).await,
            Handler::Sweep => {
                let recoveries = service.sweep().await?;
                let recoveries: Vec<Value> = recoveries.iter().map(told).collect();
                Ok(json!({ "recoveries": recoveries }))
            }
            Handler::Wake => service.wake_by(&payload).await,
            // The API has state of its own that is created once: see `Gateway`.
            Handler::Api => unreachable!("the gateway handles these requests"),
        }
    }
}

fn told(recovery: &Recovery) -> Value {
    json!({"save_id": recovery.save_id, "execution": recovery.execution})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_and_all_the_rest_have_their_handler() {
        for step in steps::ALL {
            assert_eq!(Handler::find(step.name).unwrap().name(), step.name);
        }
        for name in [SWEEP, WAKE, API] {
            assert_eq!(Handler::find(name).unwrap().name(), name);
        }
    }

    #[test]
    fn an_unknown_handler_is_told_what_there_is() {
        let error = Handler::find("bootstrap").unwrap_err().to_string();
        assert!(
            error.contains("\"bootstrap\"") && error.contains("PlanSave"),
            "{error}"
        );
    }
}
