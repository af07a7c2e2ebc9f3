//! One line of states: the main line, a branch, or an iteration.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use serde_json::Value;

use super::Core;
use super::payload::Payload;
use super::scope::{StateContext, Variables};
use crate::errors::{self, Failure};
use crate::history::{Event, StateKind};
use crate::machine::Graph;
use crate::template::EvaluationError;

/// A line of states, with the data that belongs to this line only.
pub(super) struct Flow<'a> {
    pub(super) core: &'a Core,
    pub(super) variables: Variables,
    /// The sizes of the variables that this line assigned itself.
    pub(super) own: BTreeMap<Arc<str>, usize>,
    /// The item of the innermost Map around it.
    pub(super) item: Option<Arc<Value>>,
    /// The last event of this line: the predecessor of its next.
    pub(super) last: u64,
    /// The state that the line is in, so that the line can be abandoned.
    pub(super) current: Current,
}

pub(super) type Current = Arc<Mutex<Option<StateKind>>>;

impl<'a> Flow<'a> {
    pub(super) fn new(core: &'a Core) -> Self {
        Self {
            core,
            variables: Variables::default(),
            own: BTreeMap::new(),
            item: None,
            last: 0,
            current: Current::default(),
        }
    }

    pub(super) fn branch(&self, item: Option<Arc<Value>>) -> Self {
        Self {
            core: self.core,
            variables: Arc::clone(&self.variables),
            own: BTreeMap::new(),
            item: item.or_else(|| self.item.clone()),
            last: self.last,
            current: Current::default(),
        }
    }

    /// Runs the states of a graph to the end. The future is boxed because graphs contain graphs.
    pub(super) fn graph<'f>(
        &'f mut self,
        graph: &'f Graph,
        mut input: Payload,
    ) -> BoxFuture<'f, Result<Payload, Failure>> {
        Box::pin(async move {
            let mut index = graph.start;
            loop {
                self.core.stop.go_on().await;
                let left = self.visit(&graph.states[index], input).await?;
                input = left.output;
                match left.next {
                    Some(next) => index = next,
                    None => return Ok(input),
                }
            }
        })
    }

    pub(super) fn record(&mut self, event: Event) -> Result<u64, Failure> {
        self.last = self.core.recorder.record(self.last, event)?;
        Ok(self.last)
    }

    /// Records an event that does not become the predecessor of the next one.
    pub(super) fn record_aside(&self, event: Event) -> Result<(), Failure> {
        self.core.recorder.record(self.last, event).map(drop)
    }

    pub(super) fn is_in(&self, state: Option<StateKind>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    pub(super) fn failure(&self, state: &StateContext<'_>, error: &str, cause: &str) -> Failure {
        Failure::in_state(error, cause, state.name, state.entered_event, self.last)
    }

    /// Records that an expression could not be evaluated.
    pub(super) fn evaluation_failed(
        &mut self,
        state: &StateContext<'_>,
        error: EvaluationError,
    ) -> Failure {
        let mut failure = self.failure(state, errors::QUERY_EVALUATION, &error.cause);
        let event = Event::EvaluationFailed {
            state: Arc::clone(state.name),
            location: error.location,
            error: failure.error.clone(),
            cause: failure.cause.clone().unwrap_or_default(),
        };
        // Recordings of AWS show that its predecessor is that of the state's entry.
        match self.core.recorder.record(state.before, event) {
            Ok(event) => {
                self.last = event;
                failure.event = event;
                failure
            }
            Err(full) => full,
        }
    }

    pub(super) fn too_large(&self, state: &StateContext<'_>, what: &str) -> Failure {
        let cause = format!(
            "The state/task '{what}' returned a result with a size exceeding the maximum number of \
             bytes service limit."
        );
        self.failure(state, errors::DATA_LIMIT_EXCEEDED, &cause)
    }
}

/// Releases the size of the line's own variables when the line ends.
impl Drop for Flow<'_> {
    fn drop(&mut self) {
        let bytes = self.own.values().sum();
        self.core.variable_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
