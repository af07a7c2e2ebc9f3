//! What a function of Lambda is: a step, or the sweep. Its handler's name says which.

use serde_json::{Value, json};

use crate::domain::Problem;
use crate::service::Service;
use crate::steps::{self, Entry};

/// The handler that finds saves whose execution has ended without them.
pub const SWEEP: &str = "Sweep";

/// What the function runs.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// A step of a save.
    Step(&'static Entry),
    /// The sweep.
    Sweep,
}

/// No handler has that name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no handler {name:?}; there are {known}")]
pub struct UnknownHandler {
    name: String,
    known: String,
}

impl Handler {
    /// The handler of that name.
    pub fn find(name: &str) -> Result<Self, UnknownHandler> {
        if name == SWEEP {
            return Ok(Handler::Sweep);
        }
        steps::find(name).map(Handler::Step).ok_or_else(|| {
            let known = steps::ALL.iter().map(|step| step.name).chain([SWEEP]);
            UnknownHandler {
                name: name.to_owned(),
                known: known.collect::<Vec<_>>().join(", "),
            }
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Handler::Step(step) => step.name,
            Handler::Sweep => SWEEP,
        }
    }

    /// Runs it on the payload of an invocation. The sweep takes any: whatever woke it, it looks
    /// for itself.
    pub(super) async fn invoke(self, service: &Service, payload: Value) -> Result<Value, Problem> {
        match self {
            Handler::Step(step) => (step.invoke)(&service.env, payload).await,
            Handler::Sweep => {
                let recoveries = service.sweep().await?;
                let recoveries: Vec<Value> = recoveries
                    .iter()
                    .map(|it| json!({"save_id": it.save_id, "execution": it.execution}))
                    .collect();
                Ok(json!({ "recoveries": recoveries }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_and_the_sweep_have_their_handler() {
        for step in steps::ALL {
            assert_eq!(Handler::find(step.name).unwrap().name(), step.name);
        }
        assert_eq!(Handler::find(SWEEP).unwrap().name(), SWEEP);
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
