//! An interpreter for the Amazon States Language in JSONata mode.
//!
//! [`Machine::load`] reads a definition. It refuses everything that AWS would refuse or that this interpreter would
//! run incorrectly, and returns the path of the offending field. An [`Execution`] then runs the definition and
//! records the events that `GetExecutionHistory` would return. Time, functions and randomness are injected
//! ([`Clock`], [`Functions`], a seed), so a run on a [`VirtualClock`] is exact and repeatable.
//!
//! # What is supported
//! Standard workflows with Task (`lambda:invoke`, with or without a task token, or the ARN of a function), Choice,
//! Wait, Pass, Parallel, inline Map, Succeed and Fail; Retry, Catch, variables, timeouts, stops, and AWS's limits on
//! payloads, variables, histories and time. Not supported, and refused: `JSONPath`, other integrations, heartbeats,
//! distributed Map, redrives.
//!
//! # Why this JSONata engine
//! `jlens-core` and `jsonata-core` were compared. The first has compiled expressions that are `Send + Sync`, takes
//! the time and the seed of an evaluation from its caller, reports what an expression reads, limits an evaluation by
//! counted steps, and counts depth exactly as AWS was observed to. The second shares values within one thread only,
//! uses its faster mode only for expressions without variables, reads the system's clock and randomness itself, and
//! limits evaluations by time. They are similar in speed, size and build time. Only the `jsonata` module depends on
//! the engine.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use async_trait::async_trait;
//! use prism_asl::{
//!     Execution, Functions, Identity, Machine, MemoryHistory, Status, StopHandle, TaskFailure,
//!     TaskTokens, VirtualClock,
//! };
//! use serde_json::{Value, json};
//!
//! struct Greeter;
//!
//! #[async_trait]
//! impl Functions for Greeter {
//!     async fn invoke(&self, _function: &str, payload: Value) -> Result<Value, TaskFailure> {
//!         Ok(json!({"greeting": format!("Hello, {}", payload["name"].as_str().unwrap_or("you"))}))
//!     }
//! }
//!
//! let machine = Machine::load(r#"{
//!     "QueryLanguage": "JSONata",
//!     "StartAt": "Greet",
//!     "States": {
//!         "Greet": {
//!             "Type": "Task",
//!             "Resource": "arn:aws:states:::lambda:invoke",
//!             "Arguments": {"FunctionName": "greet", "Payload": "{% $states.input %}"},
//!             "Output": "{% $states.result.Payload.greeting %}",
//!             "End": true
//!         }
//!     }
//! }"#).unwrap();
//! let clock = VirtualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
//! let execution = Execution {
//!     machine: Arc::new(machine),
//!     identity: Identity::of("us-east-1", "111122223333", "greeter", "first", &clock),
//!     input: json!({"name": "Ada"}),
//!     clock: Arc::new(clock.clone()),
//!     functions: Arc::new(Greeter),
//!     history: Arc::new(MemoryHistory::new()),
//!     seed: 1,
//!     stop: StopHandle::new(),
//!     tokens: TaskTokens::new(),
//! };
//! let outcome = clock.run(execution.run());
//! assert_eq!(outcome.status, Status::Succeeded);
//! assert_eq!(outcome.output.as_deref(), Some(&json!("Hello, Ada")));
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};

pub mod errors;
mod history;
mod jsonata;
mod load;
mod machine;
mod ports;
mod run;
mod template;
mod virtual_clock;

pub use history::{EVENT_LIMIT, Event, History, HistoryEvent, MemoryHistory, Resource, StateKind};
pub use load::LoadError;
pub use machine::Machine;
pub use ports::{Clock, Functions, TaskFailure};
pub use run::{
    Execution, Identity, Outcome, PAYLOAD_LIMIT_BYTES, Status, StopHandle, TaskTokens, TokenError,
};
pub use virtual_clock::{Deadlock, VirtualClock};

/// Ignores poisoning, so that a panic elsewhere does not cause a second one here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
