//! Formats events as text for people.

use std::fmt;

use super::{Event, HistoryEvent};

/// One line: ID, predecessor, type, and the most important details.
impl fmt::Display for HistoryEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.timestamp.format("%H:%M:%S%.3f");
        write!(
            f,
            "{:>3} <- {:<3} {at} {}",
            self.id,
            self.previous_event_id,
            self.event.type_name()
        )?;
        match &self.event {
            Event::ExecutionStarted { input, .. } => write!(f, " {input}"),
            Event::ExecutionSucceeded { output }
            | Event::TaskSubmitted { output, .. }
            | Event::TaskSucceeded { output, .. } => write!(f, " {output}"),
            Event::ExecutionFailed { error, cause }
            | Event::ExecutionTimedOut { error, cause }
            | Event::ExecutionAborted { error, cause } => {
                write_failure(f, error.as_deref(), cause.as_deref())
            }
            Event::TaskFailed { error, cause, .. } | Event::TaskTimedOut { error, cause, .. } => {
                write_failure(f, Some(error), cause.as_deref())
            }
            Event::StateEntered { name, input, .. } => write!(f, " {name} {input}"),
            Event::StateExited {
                name,
                output,
                assigned,
                ..
            } => {
                write!(f, " {name} {output}")?;
                assigned
                    .iter()
                    .try_for_each(|(name, value)| write!(f, " ${name}={value}"))
            }
            Event::StateStarted {
                length: Some(length),
                ..
            } => write!(f, " length {length}"),
            Event::MapIterationStarted { name, index }
            | Event::MapIterationSucceeded { name, index }
            | Event::MapIterationFailed { name, index }
            | Event::MapIterationAborted { name, index } => write!(f, " {name} #{index}"),
            Event::TaskScheduled {
                parameters,
                timeout_s,
                ..
            } => {
                write!(f, " {parameters}")?;
                timeout_s.map_or(Ok(()), |seconds| write!(f, " within {seconds} s"))
            }
            Event::EvaluationFailed {
                state,
                location,
                error,
                cause,
            } => {
                write!(f, " {state}")?;
                if let Some(location) = location {
                    write!(f, " at {location}")?;
                }
                write_failure(f, Some(error), Some(cause))
            }
            Event::StateAborted { .. }
            | Event::StateStarted { .. }
            | Event::StateSucceeded { .. }
            | Event::StateFailed { .. }
            | Event::TaskStarted { .. } => Ok(()),
        }
    }
}

fn write_failure(
    f: &mut fmt::Formatter<'_>,
    error: Option<&str>,
    cause: Option<&str>,
) -> fmt::Result {
    if let Some(error) = error {
        write!(f, " {error}")?;
    }
    cause.map_or(Ok(()), |cause| write!(f, ": {cause}"))
}
