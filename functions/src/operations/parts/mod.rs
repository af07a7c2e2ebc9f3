//! What requests and answers are made of: the parts of a path, the query, headers, bodies.

mod answer;
mod body;
mod head;
mod pages;
mod path;
mod query;

use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

pub use answer::{
    Accepted, Answer, Created, Described, Either, Found, NoContent, Perhaps, Planned, Reply, Told,
    Trial, YAML, Yaml,
};
pub use body::{BODY_BYTES, BodyPart, Json};
pub use head::{HeadParts, IDEMPOTENCY_KEY, IdempotencyKey, IfMatch, MustMatch};
pub use pages::{PAGE_DEFAULT, PAGE_MOST, Page, Paging};
pub use path::{InstanceName, PathParts, Segment, VersionRef};
pub use query::{DryRun, InRegion, QueryParts};

use crate::domain::{Code, Problem};

/// No part of that kind.
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

/// The most characters that a message takes over from a parser, which repeats what it was given.
const QUOTED: usize = 400;

/// That a part of a request is not valid. A parser's sentence begins with the path of the field.
pub(crate) fn malformed(what: &str, reason: &str) -> Problem {
    let reason = reason.replace(". at line", " at line");
    let plain = |c: char| if c.is_control() { '�' } else { c };
    let mut quoted: String = reason.chars().take(QUOTED).map(plain).collect();
    if reason.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    let message = format!("The {what} is not as it should be: {quoted}.");
    Problem::new(Code::InvalidInput, message).hint("GET /v1/openapi.json describes it.")
}

/// The schema of a type, by its name where it has one of its own.
fn named<T: ToSchema>() -> RefOr<Schema> {
    utoipa::openapi::Ref::from_schema_name(T::name()).into()
}

/// Adds a type's schema under its name, and those that it names.
fn register<T: ToSchema>(into: &mut Vec<(String, RefOr<Schema>)>) {
    into.push((T::name().into_owned(), T::schema()));
    T::schemas(into);
}
