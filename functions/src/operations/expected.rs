//! Changes that depend on how a record stood when it was read.

use crate::domain::schedule::Schedule;
use crate::domain::{Code, Problem};
use crate::registry::Stored;

/// As what a caller knows the record that is to be changed: by tags, each of one state of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(Vec<String>);

impl Expected {
    /// As one of these tags says.
    pub fn one_of(tags: impl IntoIterator<Item = String>) -> Self {
        Self(tags.into_iter().collect())
    }

    /// The tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// As a template, a version or a project stands at this revision.
    pub fn revision(revision: u64) -> Self {
        Self(vec![revision.to_string()])
    }
}

/// The tag of a record whose revisions nobody begins anew.
pub(super) fn tag<T>(stored: &Stored<T>) -> String {
    stored.revision.to_string()
}

/// The tag of a schedule: one that is made anew under the same name begins its revisions anew.
pub(super) fn schedule_tag(stored: &Stored<Schedule>) -> String {
    let made = stored.value.created_at.timestamp_micros();
    format!("{made}-{}", stored.revision)
}

/// Refuses what stands otherwise than it is known. Whoever asks has to make the change depend on the
/// same record.
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
