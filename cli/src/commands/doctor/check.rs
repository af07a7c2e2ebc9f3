//! A check and what came of it.

use prism_functions::domain::Problem;
use serde::Serialize;

use crate::explain::explain;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// It is as it should be.
    Ok,
    /// It is worth knowing.
    Warn,
    /// Commands will fail.
    Fail,
}

impl Verdict {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
    }
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// What is checked.
    pub(crate) name: &'static str,
    /// What came of it.
    pub(crate) verdict: Verdict,
    /// The code of the problem, if there is one.
    pub(crate) code: Option<&'static str>,
    /// What was found.
    pub(crate) detail: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl Check {
    /// It is as it should be.
    pub(crate) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            verdict: Verdict::Ok,
            code: None,
            detail: detail.into(),
            hint: None,
        }
    }

    /// It is worth knowing.
    pub(crate) fn warn(name: &'static str, problem: Problem) -> Self {
        Self::of_problem(name, Verdict::Warn, problem)
    }

    /// Commands will fail.
    pub(crate) fn fail(name: &'static str, problem: Problem) -> Self {
        Self::of_problem(name, Verdict::Fail, problem)
    }

    /// What an attempt found.
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
