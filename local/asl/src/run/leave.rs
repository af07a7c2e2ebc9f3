//! Leaving a state: its Output and its Assign.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::flow::Flow;
use super::payload::{PAYLOAD_LIMIT_BYTES, Payload};
use super::scope::{StateContext, View};
use crate::errors::{self, Failure};
use crate::history::{Event, StateKind};
use crate::machine::Exit;
use crate::template::EvaluationError;

/// The maximum size of all variables of an execution, as JSON text.
///
/// Source: AWS Step Functions Developer Guide, "Passing data between states with variables".
const VARIABLES_LIMIT_BYTES: usize = 10 * 1024 * 1024;

pub(super) struct Done<'a> {
    /// `$states.result`, if the state has one. Otherwise, the default output is the input.
    pub(super) result: Option<Value>,
    pub(super) exit: &'a Exit,
    /// The path of the exit's fields in the state, such as `Choices[1]/`.
    pub(super) at: String,
    pub(super) next: Option<usize>,
}

pub(super) struct Left {
    pub(super) output: Payload,
    pub(super) next: Option<usize>,
    assigned: Vec<(Arc<str>, Payload)>,
}

pub(super) type Assigned = Vec<(Arc<str>, Value)>;

/// Evaluates Output and Assign. Neither sees the results of the other, or of another entry: the variables change when
/// the state is left.
pub(super) fn evaluate(
    view: &View<'_>,
    done: &Done<'_>,
) -> Result<(Option<Value>, Assigned), EvaluationError> {
    let at = &done.at;
    let assigned = done
        .exit
        .assign
        .iter()
        .map(|(name, template)| {
            let value = template.evaluate(view, &format!("{at}Assign/{name}"))?;
            Ok((Arc::clone(name), value))
        })
        .collect::<Result<_, _>>()?;
    let output = done.exit.output.as_ref();
    let output = output
        .map(|output| output.evaluate(view, &format!("{at}Output")))
        .transpose()?;
    Ok((output, assigned))
}

impl Left {
    /// The variables of one Assign together may be as large as a payload, and all variables of an execution together
    /// as large as [`VARIABLES_LIMIT_BYTES`].
    pub(super) fn new(
        flow: &Flow<'_>,
        context: &StateContext<'_>,
        output: Payload,
        assigned: Assigned,
        next: Option<usize>,
    ) -> Result<Self, Failure> {
        let assigned: Vec<_> = assigned
            .into_iter()
            .map(|(name, value)| (name, Payload::unbounded(value)))
            .collect();
        let size: usize = assigned.iter().map(|(_, value)| value.text.len()).sum();
        if size > PAYLOAD_LIMIT_BYTES {
            return Err(flow.too_large(context, context.name));
        }
        let replaced = assigned.iter().filter_map(|(name, _)| flow.own.get(name));
        let kept = flow.core.variable_bytes.load(Ordering::Relaxed) - replaced.sum::<usize>();
        if kept + size > VARIABLES_LIMIT_BYTES {
            let cause = "The variables of the execution exceed the maximum size service limit.";
            return Err(flow.failure(context, errors::DATA_LIMIT_EXCEEDED, cause));
        }
        Ok(Self {
            output,
            next,
            assigned,
        })
    }
}

impl Flow<'_> {
    pub(super) fn leave(
        &mut self,
        kind: StateKind,
        name: &Arc<str>,
        mut left: Left,
    ) -> Result<Left, Failure> {
        let assigned = std::mem::take(&mut left.assigned);
        if !assigned.is_empty() {
            let variables = Arc::make_mut(&mut self.variables);
            for (name, payload) in &assigned {
                let bytes = payload.text.len();
                let before = self.own.insert(Arc::clone(name), bytes).unwrap_or_default();
                let all = &self.core.variable_bytes;
                all.fetch_add(bytes, Ordering::Relaxed);
                all.fetch_sub(before, Ordering::Relaxed);
                variables.insert(Arc::clone(name), Arc::clone(&payload.value));
            }
        }
        self.record(Event::StateExited {
            kind,
            name: Arc::clone(name),
            output: Arc::clone(&left.output.text),
            assigned: assigned
                .into_iter()
                .map(|(name, payload)| (name, payload.text))
                .collect(),
        })?;
        self.is_in(None);
        Ok(left)
    }
}
