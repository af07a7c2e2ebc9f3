//! Leaving a state: its Output and its Assign.

use std::sync::Arc;

use serde_json::Value;

use super::flow::Flow;
use super::payload::{PAYLOAD_LIMIT_BYTES, Payload};
use super::scope::{StateContext, View};
use super::state::Done;
use crate::errors::Failure;
use crate::history::{Event, StateKind};
use crate::template::EvaluationError;

/// What a state leaves behind.
pub(super) struct Left {
    pub(super) output: Payload,
    pub(super) next: Option<usize>,
    assigned: Vec<(Arc<str>, Payload)>,
}

/// New values of variables.
pub(super) type Assigned = Vec<(Arc<str>, Value)>;

/// Evaluates Output and Assign. Neither sees what the other, or another entry, gives: the
/// variables change once the state is left.
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
    /// The variables of one Assign may together be as large as a payload.
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
        Ok(Self {
            output,
            next,
            assigned,
        })
    }
}

impl Flow<'_> {
    /// Changes the variables and records that the state was left.
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
