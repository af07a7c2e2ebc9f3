//! Commands that change several things, one after the other. A failure is reported after all others have been changed, so
//! that it is known what became of each.

use std::fmt::Write as _;

use prism_functions::domain::Problem;
use serde_json::{Value, json};

use crate::errors::Outcome;
use crate::exit;
use crate::output::Output;

/// What was changed, and what was not.
#[derive(Default)]
pub(crate) struct Done {
    values: Vec<Value>,
    text: String,
    failed: Vec<(String, Problem)>,
}

impl Done {
    /// Adds a change, as JSON and as text.
    pub(crate) fn add(&mut self, (value, text): (Value, String)) {
        self.values.push(value);
        self.text.push_str(&text);
    }

    pub(crate) fn fail(&mut self, name: &impl ToString, problem: Problem) {
        self.failed.push((name.to_string(), problem));
    }

    /// Prints what was changed: one result, or a list if several were named. Then returns what failed. `what` says so of
    /// all together, as "instances could not be stopped".
    pub(crate) fn report(self, out: &Output, count: usize, list: &str, what: &str) -> Outcome {
        let Self {
            values,
            text,
            failed,
        } = self;
        let printed = match values.as_slice() {
            [] => Ok(()),
            [one] if count == 1 => out.show(one, || text),
            several => out.show_each(&json!({ list: several }), || text),
        };
        if let Some(problem) = failure(failed, count, what) {
            return Err(problem.into());
        }
        printed?;
        Ok(exit::DONE)
    }
}

/// The failures of a command on this number of things, as one problem with the code of the first.
fn failure(mut failed: Vec<(String, Problem)>, count: usize, what: &str) -> Option<Problem> {
    if count == 1 || failed.is_empty() {
        return failed.pop().map(|(_, problem)| problem);
    }
    let mut message = format!("{} of {count} {what}.", failed.len());
    let mut hints: Vec<&str> = Vec::new();
    for (at, (name, problem)) in failed.iter().enumerate() {
        // The causes of the first are printed with it.
        let reason = if at == 0 {
            problem.message.clone()
        } else {
            problem.chain()
        };
        if reason.starts_with(&format!("{name} ")) {
            let _ = write!(message, " {reason}");
        } else {
            let _ = write!(message, " {name}: {reason}");
        }
        if !hints.contains(&problem.advice()) {
            hints.push(problem.advice());
        }
    }
    let hint = hints.join(" ");
    let (_, first) = failed.into_iter().next()?;
    Some(Problem { message, ..first }.hint(hint))
}
