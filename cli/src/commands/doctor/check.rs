//! The checks of `prism doctor` and their results.

use prism_functions::domain::Problem;
use serde::Serialize;
use strum::Display;

use crate::explain::explain;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, Serialize)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Verdict {
    /// No problem was found.
    Ok,
    /// Something is worth knowing, but commands work.
    Warn,
    /// Commands will fail.
    Fail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// What is checked.
    pub(crate) name: &'static str,
    pub(crate) verdict: Verdict,
    /// The code of the problem, if there is one.
    pub(crate) code: Option<&'static str>,
    /// What was found.
    pub(crate) detail: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl Check {
    pub(crate) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            verdict: Verdict::Ok,
            code: None,
            detail: detail.into(),
            hint: None,
        }
    }

    pub(crate) fn warn(name: &'static str, problem: Problem) -> Self {
        Self::of_problem(name, Verdict::Warn, problem)
    }

    pub(crate) fn fail(name: &'static str, problem: Problem) -> Self {
        Self::of_problem(name, Verdict::Fail, problem)
    }

    /// The check for a result: passed with its text, or failed with its problem.
    pub(crate) fn of(name: &'static str, found: Result<impl Into<String>, Problem>) -> Self {
        match found {
            Ok(detail) => Self::ok(name, detail),
            Err(problem) => Self::fail(name, problem),
        }
    }

    fn of_problem(name: &'static str, verdict: Verdict, problem: Problem) -> Self {
        let problem = explain(problem);
        Self {
            name,
            verdict,
            code: Some(problem.code.as_str()),
            detail: problem.chain(),
            hint: Some(problem.advice().to_owned()),
        }
    }
}
