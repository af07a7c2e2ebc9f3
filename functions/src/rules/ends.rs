//! What the end of a project rules out.

use crate::domain::end::shown;
use crate::domain::project::Project;
use crate::domain::{Code, Problem, Timestamp};

/// Refuses launches and starts for a project that has ended.
pub(crate) fn check_open(project: &Project, now: Timestamp) -> Result<(), Problem> {
    match &project.end {
        Some(end) if end.is_over(now) => {
            let (name, at) = (&project.name, shown(end.at));
            let message = format!("The project {name} ended on {at}. Nothing was changed.");
            Err(Problem::new(Code::ProjectEnded, message))
        }
        _ => Ok(()),
    }
}
