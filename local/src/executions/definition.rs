//! The state machine's definition as deployed, with the steps as its functions.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use prism_asl::{Functions, LoadError, Machine, TaskFailure};
use prism_functions::domain::{Class, Code, Problem};
use prism_functions::rules::Env;
use prism_functions::steps;
use serde_json::Value;

/// The definition in the source. A deployment's `DefinitionSubstitutions` replace `${Name}` by the function of the step
/// `Name`, and `${Partition}` by the partition of the Region.
pub const DEFINITION: &str = include_str!("../../../statemachine/save.asl.json");

/// The loaded definition, in which each step's name is the name of its function.
pub fn machine() -> Arc<Machine> {
    static MACHINE: LazyLock<Arc<Machine>> = LazyLock::new(|| {
        // The tests load it too, so a definition that does not load is never released.
        Arc::new(load(DEFINITION).expect("the definition in the source is valid"))
    });
    Arc::clone(&MACHINE)
}

/// Loads the text of a definition, in which each step's name is the name of its function.
pub fn load(definition: &str) -> Result<Machine, LoadError> {
    Machine::load(&substituted(definition))
}

/// Replaces the placeholders of a definition: each step's name is the name of its function, and the partition is `aws`.
pub fn substituted(definition: &str) -> String {
    let text = definition.replace("${Partition}", "aws");
    steps::ALL.iter().fold(text, |text, step| {
        text.replace(&format!("${{{}}}", step.name), step.name)
    })
}

/// Runs the steps as the functions of the definition. As on Lambda, a problem becomes an error with the problem's
/// code as its name.
#[derive(Debug, Clone)]
pub struct StepFunctions {
    pub env: Env,
    /// What blocks the last step, if it is being retried.
    pub trouble: Trouble,
}

/// What blocks a step while it is retried; `None` if nothing does.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
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

/// Logs AWS's own message, which nothing else contains, so that it can be found by the save's ID.
fn log(step: &str, save: Option<&str>, problem: &Problem) {
    let (code, chain) = (problem.code, problem.chain());
    let expected = matches!(code, Code::NotReady | Code::EventMissed);
    if problem.source.is_some() && !expected {
        tracing::warn!(save.id = save, step, %code, problem = chain, "a step failed");
    } else {
        tracing::info!(save.id = save, step, %code, problem = chain, "a step failed");
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
