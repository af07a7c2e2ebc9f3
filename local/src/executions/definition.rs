//! The definition as deployed, and the steps as its functions.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use prism_asl::{Functions, LoadError, Machine, TaskFailure};
use prism_functions::domain::{Class, Code, Problem, Timestamp};
use prism_functions::ports::Clock;
use prism_functions::rules::Env;
use prism_functions::steps;
use serde_json::Value;

/// The definition, exactly as deployed. `${Name}` stands for the function of the step `Name`, as in
/// the `DefinitionSubstitutions` of a deployment.
pub const DEFINITION: &str = include_str!("../../../statemachine/save.asl.json");

/// The definition, loaded, with each step's name for its function.
pub fn machine() -> Arc<Machine> {
    static MACHINE: LazyLock<Arc<Machine>> = LazyLock::new(|| {
        // The tests load it too: a definition that does not load never gets this far.
        Arc::new(load(DEFINITION).expect("the definition in the source is valid"))
    });
    Arc::clone(&MACHINE)
}

/// The text of a definition, loaded, with each step's name for its function.
pub fn load(definition: &str) -> Result<Machine, LoadError> {
    let text = steps::ALL.iter().fold(definition.to_owned(), |text, step| {
        text.replace(&format!("${{{}}}", step.name), step.name)
    });
    Machine::load(&text)
}

/// Runs the steps as the functions of the definition, as Lambda would: a problem becomes the error
/// of its code.
#[derive(Debug, Clone)]
pub struct StepFunctions {
    /// The world that the steps see.
    pub env: Env,
    /// What keeps the last step from succeeding, if it is being tried again.
    pub trouble: Trouble,
}

/// What keeps a step from succeeding while it is tried again; `None` when nothing does.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// The trouble, in a sentence.
    pub fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, trouble: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

#[async_trait]
impl Functions for StepFunctions {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let Some(step) = steps::find(function) else {
            return Err(TaskFailure::from_handler(
                "Lambda.ResourceNotFoundException",
                &format!("Function not found: {function}"),
            ));
        };
        let save = payload.get("save_id").and_then(Value::as_str);
        let save = save.map(str::to_owned);
        let result = (step.invoke)(&self.env, payload).await;
        let lasting = result.as_ref().err().filter(|problem| {
            let expected = matches!(problem.code, Code::NotReady | Code::EventMissed);
            problem.code.class() == Class::Transient && !expected
        });
        self.trouble
            .set(lasting.map(|problem| problem.message.clone()));
        result.map_err(|problem| {
            log(step.name, save.as_deref(), &problem);
            TaskFailure::from_handler(problem.code.as_str(), &problem.wire())
        })
    }
}

/// The log alone has AWS's own sentence, so that it is found there by the save's id.
fn log(step: &str, save: Option<&str>, problem: &Problem) {
    let (code, chain) = (problem.code, problem.chain());
    let expected = matches!(code, Code::NotReady | Code::EventMissed);
    if problem.source.is_some() && !expected {
        tracing::warn!(save.id = save, step, %code, problem = chain, "a step failed");
    } else {
        tracing::info!(save.id = save, step, %code, problem = chain, "a step failed");
    }
}

/// The core's clock as the interpreter's.
#[derive(Clone)]
pub struct InterpreterClock(pub Arc<dyn Clock>);

impl std::fmt::Debug for InterpreterClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InterpreterClock")
    }
}

impl prism_asl::Clock for InterpreterClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_loads_and_names_a_step_for_each_function() {
        assert!(machine().timeout_s().is_some());
        for step in steps::ALL {
            assert!(
                DEFINITION.contains(&format!("${{{}}}", step.name)),
                "{} is not in the definition",
                step.name
            );
        }
    }
}
