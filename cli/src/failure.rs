//! What ends a command early.

use prism_functions::domain::Problem;

/// Why a command ends without having done what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something went wrong, and is still to be told.
    Problem(Problem),
    /// Whoever read the output has had enough: `prism list | head -1`.
    NobodyReads,
}

/// How a command ends: with an exit code, or early.
pub(crate) type Outcome = Result<u8, Failure>;

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
