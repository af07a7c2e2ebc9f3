//! Finds the database error behind a problem and reports it.

use std::error::Error;

use prism_functions::domain::{Code, Problem};

use crate::sqlite::SqliteError;

/// Returns the same problem, with the code and the hint of the database error that caused it, if there is one. The
/// core does not know about databases: it reports such an error as a service that does not respond.
pub fn explain(problem: Problem) -> Problem {
    let Some((code, hint)) = found(&problem) else {
        return problem;
    };
    Problem {
        code,
        hint: Some(hint),
        ..problem
    }
}

fn found(problem: &Problem) -> Option<(Code, String)> {
    let mut cause: Option<&(dyn Error + 'static)> = problem.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<SqliteError>() {
            return Some((code(error), sentence(&error.hint())));
        }
        cause = error.source();
    }
    None
}

fn code(error: &SqliteError) -> Code {
    match error {
        SqliteError::Locked { .. } => Code::LocalStateLocked,
        SqliteError::Corrupt { .. } | SqliteError::Foreign { .. } => Code::LocalStateCorrupt,
        SqliteError::Full { .. } => Code::DiskFull,
        SqliteError::Newer { .. } => Code::LocalStateNewer,
        SqliteError::ReadOnly { .. } | SqliteError::Io { .. } => Code::LocalIo,
        SqliteError::Other { .. } => Code::Internal,
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().collect::<String>());
    format!(
        "{}{}.",
        first.unwrap_or_default(),
        letters.as_str().trim_end_matches('.')
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use prism_functions::ports::TableError;

    #[test]
    fn the_database_behind_a_problem_gives_it_its_code() {
        let locked = SqliteError::Locked {
            path: "registry.db".into(),
            holder: None,
            source: "busy".into(),
        };
        let table = TableError::Unavailable {
            reason: "no answer".to_owned(),
            transient: true,
            advice: None,
            source: Some(Box::new(locked)),
        };
        let problem = explain(
            Problem::new(Code::RegistryUnavailable, "The registry did not respond.").because(table),
        );
        assert_eq!(problem.code, Code::LocalStateLocked);
        assert!(
            problem.advice().starts_with("Wait until"),
            "{}",
            problem.advice()
        );
        let other = explain(Problem::new(Code::NotReady, "Not yet."));
        assert_eq!(other.code, Code::NotReady);
    }
}
