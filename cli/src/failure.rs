//! The reasons for which a command ends early.

use prism_functions::domain::Problem;

/// Why a command ended without doing what was requested.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error that has not been printed yet.
    Problem(Problem),
    /// The reader of the output has closed it, as in `prism list | head -1`.
    NobodyReads,
}

/// The result of a command: an exit code, or a failure.
pub(crate) type Outcome = Result<u8, Failure>;

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
