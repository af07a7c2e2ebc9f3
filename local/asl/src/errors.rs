//! The error names that the interpreter itself raises, and how they travel out of a state.
//!
//! Source of the names and of which handlers match them: AWS Step Functions Developer Guide, "Handling errors in Step
//! Functions workflows".

use crate::history::StateKind;

/// Wildcard of `ErrorEquals`: every error except [`RUNTIME`]. It matches [`DATA_LIMIT_EXCEEDED`] only if a Task
/// raised it. Recordings of AWS show this, although the guide says that it never matches.
pub const ALL: &str = "States.ALL";
/// Wildcard of `ErrorEquals`: every error that [`ALL`] matches, except [`TIMEOUT`].
pub const TASK_FAILED: &str = "States.TaskFailed";
/// A Task ran longer than its `TimeoutSeconds`.
pub const TIMEOUT: &str = "States.Timeout";
/// An error that the execution cannot recover from. No Retry and no Catch ever matches it.
pub const RUNTIME: &str = "States.Runtime";
/// A payload is larger than [`PAYLOAD_LIMIT_BYTES`](crate::PAYLOAD_LIMIT_BYTES), or all variables together exceed
/// their own limit. It can be matched by its own name, and by [`ALL`] if a Task raised it.
pub const DATA_LIMIT_EXCEEDED: &str = "States.DataLimitExceeded";
/// A JSONata expression failed, returned nothing, or returned a value of the wrong type.
pub const QUERY_EVALUATION: &str = "States.QueryEvaluationError";
/// No rule of a Choice matched and it has no Default.
///
/// This is the name in the States Language Specification. The Developer Guide reserves it and
/// says that AWS reports [`RUNTIME`], which nothing catches: do not rely on catching either.
pub const NO_CHOICE_MATCHED: &str = "States.NoChoiceMatched";

/// An error on its way out of a state: to a Retry, to a Catch, or to the end of the execution.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: String,
    pub(crate) cause: Option<String>,
    /// The ID of the event before it, which the next event names as its predecessor.
    pub(crate) event: u64,
}

impl Failure {
    /// An error raised by the interpreter. As on AWS, its cause names the state.
    pub(crate) fn in_state(
        error: &str,
        cause: &str,
        state: &str,
        entered: u64,
        event: u64,
    ) -> Self {
        Self {
            error: error.to_owned(),
            cause: Some(format!(
                "An error occurred while executing the state '{state}' (entered at the event id \
                 #{entered}). {cause}"
            )),
            event,
        }
    }

    pub(crate) fn matches(&self, error_equals: &[String], kind: StateKind) -> bool {
        let error = self.error.as_str();
        error != RUNTIME
            && error_equals.iter().any(|name| match name.as_str() {
                ALL => error != DATA_LIMIT_EXCEEDED || kind == StateKind::Task,
                TASK_FAILED => error != DATA_LIMIT_EXCEEDED && error != TIMEOUT,
                name => name == error,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_leave_out_what_aws_leaves_out() {
        let table = [
            ("Mine", &["States.ALL"][..], true),
            ("Mine", &["States.TaskFailed"], true),
            ("Mine", &["Other", "Mine"], true),
            ("Mine", &["mine"], false),
            (TIMEOUT, &["States.TaskFailed"], false),
            (TIMEOUT, &["States.ALL"], true),
            (TIMEOUT, &["States.Timeout"], true),
            (QUERY_EVALUATION, &["States.ALL"], true),
            (RUNTIME, &["States.ALL"], false),
            (RUNTIME, &["States.Runtime"], false),
            (DATA_LIMIT_EXCEEDED, &["States.ALL"], true),
            (DATA_LIMIT_EXCEEDED, &["States.TaskFailed"], false),
            (DATA_LIMIT_EXCEEDED, &["States.DataLimitExceeded"], true),
        ];
        for (error, equals, expected) in table {
            let failure = Failure {
                error: error.to_owned(),
                cause: None,
                event: 0,
            };
            let equals: Vec<String> = equals.iter().map(ToString::to_string).collect();
            let matches = failure.matches(&equals, StateKind::Task);
            assert_eq!(matches, expected, "{error} {equals:?}");
            let of_task_alone = error == DATA_LIMIT_EXCEEDED && equals == [ALL];
            let matches = failure.matches(&equals, StateKind::Map);
            assert_eq!(matches, expected && !of_task_alone, "{error} {equals:?}");
        }
    }
}
