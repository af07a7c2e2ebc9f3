//! The role of a Lambda function: a step, the sweep, the ends, the event handler, the API, or the delivery of notices. The
//! handler name selects it.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::domain::Problem;
use crate::operations::{Recovery, Service};
use crate::steps::{self, Entry};

/// The handler that finds saves whose execution has ended without completing them.
pub const SWEEP: &str = "Sweep";

/// The handler that ends instances and projects that are due.
pub const ENDS: &str = "Ends";

/// How long [`ENDS`] waits for turns. The next invocation, a minute later, continues.
const ENDS_WAIT: TimeDelta = TimeDelta::seconds(45);

/// The handler that receives events from EventBridge.
pub const WAKE: &str = "Wake";

pub const API: &str = "Api";

/// The handler that delivers notices to users.
pub const DELIVER: &str = "Deliver";

/// What the function runs.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    Step(&'static Entry),
    Sweep,
    Ends,
    /// The event handler, which ends the waits of saves.
    Wake,
    Api,
    /// The delivery of notices to users.
    Deliver,
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
        match name {
            SWEEP => return Ok(Handler::Sweep),
            ENDS => return Ok(Handler::Ends),
            WAKE => return Ok(Handler::Wake),
            API => return Ok(Handler::Api),
            DELIVER => return Ok(Handler::Deliver),
            _ => {}
        }
        steps::find(name).map(Handler::Step).ok_or_else(|| {
            let known = steps::ALL.iter().map(|step| step.name);
            let known = known.chain([SWEEP, ENDS, WAKE, API, DELIVER]);
            UnknownHandler {
                name: name.to_owned(),
                known: known.collect::<Vec<_>>().join(", "),
            }
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Handler::Step(step) => step.name,
            Handler::Sweep => SWEEP,
            Handler::Ends => ENDS,
            Handler::Wake => WAKE,
            Handler::Api => API,
            Handler::Deliver => DELIVER,
        }
    }

    /// Runs the handler on the payload of an invocation. The sweep and the ends accept any payload, because they find
    /// their work themselves.
    pub(super) async fn invoke(self, service: &Service, payload: Value) -> Result<Value, Problem> {
        match self {
            Handler::Step(step) => (step.invoke)(&service.env, payload).await,
            Handler::Sweep => {
                let recoveries = service.sweep().await?;
                let recoveries: Vec<Value> = recoveries.iter().map(told).collect();
                Ok(json!({ "recoveries": recoveries }))
            }
            Handler::Ends => {
                let ended = service.sweep_ends(ENDS_WAIT).await?;
                let ended: Vec<&str> = ended.iter().map(|it| it.instance.as_str()).collect();
                Ok(json!({ "ended": ended }))
            }
            Handler::Wake => service.wake_by(&payload).await,
            Handler::Deliver => service.deliver_by(&payload).await,
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
        for name in [SWEEP, ENDS, WAKE, API, DELIVER] {
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
