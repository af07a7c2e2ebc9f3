//! Conditional changes, which depend on the state of a record when it was read.

use crate::domain::schedule::Schedule;
use crate::domain::{Code, Problem};
use crate::registry::Stored;

/// The states of a record that a caller expects: a list of tags, each of which identifies one state of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(Vec<String>);

impl Expected {
    /// Expects one of these tags.
    pub fn one_of(tags: impl IntoIterator<Item = String>) -> Self {
        Self(tags.into_iter().collect())
    }

    /// Returns the tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Expects this revision of a template, a version or a project.
    pub fn revision(revision: u64) -> Self {
        Self(vec![revision.to_string()])
    }
}

/// Returns the tag of a record whose revisions never restart.
pub(super) fn tag<T>(stored: &Stored<T>) -> String {
    stored.revision.to_string()
}

/// Returns the tag of a schedule. It contains more than the revision, because a schedule that is created again under
/// the same name restarts its revisions.
pub(super) fn schedule_tag(stored: &Stored<Schedule>) -> String {
    let made = stored.value.created_at.timestamp_micros();
    format!("{made}-{}", stored.revision)
}

/// Refuses a record that is not in an expected state. The caller must make the write depend on the same record.
pub(super) fn check(expected: Option<&Expected>, what: &str, tag: &str) -> Result<(), Problem> {
    match expected {
        Some(Expected(tags)) if !tags.iter().any(|known| known == tag) => Err(Problem::new(
            Code::PreconditionFailed,
            format!("{what} was changed since it was read."),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_as_it_is_known_may_be_changed() {
        let check = |expected: Option<&Expected>| check(expected, "The schedule", "2");
        assert!(check(None).is_ok());
        assert!(check(Some(&Expected::revision(2))).is_ok());
        let several = Expected::one_of(["1".to_owned(), "2".to_owned()]);
        assert!(check(Some(&several)).is_ok());
        for other in [Expected::one_of([]), Expected::revision(1)] {
            let problem = check(Some(&other)).unwrap_err();
            assert_eq!(problem.code, Code::PreconditionFailed);
            assert_eq!(
                problem.message,
                "The schedule was changed since it was read."
            );
        }
    }
}
