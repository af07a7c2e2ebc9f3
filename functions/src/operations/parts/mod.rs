//! The parts of requests and responses: paths, queries, headers and bodies.

mod answer;
mod body;
mod head;
mod pages;
mod path;
mod query;
mod text;

use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

pub use answer::{
    Accepted, Answer, Created, Described, Either, Found, Fresh, NoContent, NotModified, Perhaps,
    Planned, Reply, Told, Trial, Valued, YAML, Yaml,
};
pub use body::{BODY_BYTES, BodyPart, Json};
pub use head::{HeadParts, IDEMPOTENCY_KEY, IdempotencyKey, IfMatch, IfNoneMatch, MustMatch};
pub use pages::{PAGE_DEFAULT, PAGE_MOST, Page, Paging};
pub use path::{InstanceName, KeyId, PathParts, Segment, VersionRef};
pub use query::{DryRun, InRegion, QueryParts};
pub use text::TextPage;

use crate::domain::{Code, Problem};

/// An empty input.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::IntoParams,
)]
pub struct Nothing {}

/// The maximum number of characters that a message quotes from a parser, whose messages repeat their input.
const QUOTED: usize = 400;

/// Creates the problem for an invalid part of a request. A parser's message begins with the path of the field.
pub(crate) fn malformed(what: &str, reason: &str) -> Problem {
    let reason = reason.replace(". at line", " at line");
    if reason.contains("PRIVATE KEY") {
        let message = format!("The {what} contains a private key, which nobody else may see.");
        return Problem::new(Code::InvalidKey, message);
    }
    let plain = |c: char| if c.is_control() { '�' } else { c };
    let mut quoted: String = reason.chars().take(QUOTED).map(plain).collect();
    if reason.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    let message = format!("The {what} is not valid: {quoted}.");
    Problem::new(Code::InvalidInput, message).hint("GET /v1/openapi.json describes it.")
}

/// Returns a reference to the schema of a type, by its name.
fn named<T: ToSchema>() -> RefOr<Schema> {
    utoipa::openapi::Ref::from_schema_name(T::name()).into()
}

/// Adds the schema of a type, and those that it refers to.
fn register<T: ToSchema>(into: &mut Vec<(String, RefOr<Schema>)>) {
    into.push((T::name().into_owned(), T::schema()));
    T::schemas(into);
}
