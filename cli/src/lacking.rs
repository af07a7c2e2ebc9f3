//! What a binary lacks that was built without the feature `aws`, or without any.

use prism_functions::domain::{Code, Problem};

pub(crate) fn missing(what: &str) -> Problem {
    let message = format!("This prism was built without {what}.");
    Problem::new(Code::BackendMissing, message)
}

/// The problem of a binary that lacks something because it was built without the feature `api`.
#[cfg(not(feature = "api"))]
pub(crate) fn without_api(what: &str) -> Problem {
    missing(what).hint("Build it with its default features: cargo install --path cli")
}
