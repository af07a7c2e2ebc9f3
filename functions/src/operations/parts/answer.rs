//! The outputs of operations, and their HTTP responses.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{named, register};
use crate::domain::{Code, Problem};

/// The media type of JSON.
const JSON: &str = "application/json";
/// The media type of a template's file.
pub const YAML: &str = "application/yaml";

/// An HTTP response.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The description of one possible response of an operation.
pub struct Described {
    /// The status code.
    pub status: u16,
    /// What the response means.
    pub means: &'static str,
    /// The media type and the schema of the body, if there is one.
    pub content: Option<(&'static str, RefOr<Schema>)>,
}

impl std::fmt::Debug for Described {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Described")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// An output of an operation.
pub trait Answer: Sized + Send {
    /// Describes the possible responses.
    fn describe() -> Vec<Described>;
    /// Adds the schemas that the description refers to.
    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>);
    /// Converts the output to an HTTP response.
    fn reply(self) -> Result<Reply, Problem>;
    /// Reads the output from an HTTP response.
    fn read(reply: &Reply) -> Result<Self, Problem>;
}

/// A JSON value with a status, and optionally its location and its tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<T, const STATUS: u16> {
    /// The value.
    pub value: T,
    location: Option<String>,
    tag: Option<String>,
}

/// An existing resource.
pub type Found<T> = Told<T, 200>;
/// A resource that was created.
pub type Created<T> = Told<T, 201>;
/// Something that has begun and continues asynchronously.
pub type Accepted<T> = Told<T, 202>;

impl<T, const STATUS: u16> Told<T, STATUS> {
    /// Creates the output from a value.
    pub fn new(value: T) -> Self {
        Self {
            value,
            location: None,
            tag: None,
        }
    }

    /// Sets the path at which the resource is found from now on.
    #[must_use]
    pub fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }

    /// Sets the tag of the record's state, for `If-Match`; `None` if the record never changes.
    #[must_use]
    pub fn tagged(mut self, tag: Option<String>) -> Self {
        self.tag = tag;
        self
    }
}

impl<T, const STATUS: u16> Answer for Told<T, STATUS>
where
    T: Serialize + DeserializeOwned + ToSchema + Send,
{
    fn describe() -> Vec<Described> {
        let means = match STATUS {
            201 => "Created",
            202 => "Accepted: it continues asynchronously",
            _ => "OK",
        };
        vec![Described {
            status: STATUS,
            means,
            content: Some((JSON, named::<T>())),
        }]
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        register::<T>(into);
    }

    fn reply(self) -> Result<Reply, Problem> {
        let status = StatusCode::from_u16(STATUS).map_err(unwritable)?;
        let mut reply = json(status, &self.value)?;
        if let Some(location) = self.location {
            let value = HeaderValue::try_from(location).map_err(unwritable)?;
            reply.headers.insert(LOCATION, value);
        }
        if let Some(tag) = self.tag {
            reply.headers.insert(ETAG, quoted(&tag)?);
        }
        Ok(reply)
    }

    fn read(reply: &Reply) -> Result<Self, Problem> {
        Ok(Self {
            value: serde_json::from_slice(&reply.body).map_err(unreadable)?,
            location: text(&reply.headers, &LOCATION).map(str::to_owned),
            tag: unquoted(&reply.headers),
        })
    }
}

/// One of two outputs, which differ in their status.
#[derive(Debug, Clone, PartialEq)]
pub enum Either<A, B> {
    /// The first output.
    One(A),
    /// The second output.
    Other(B),
}

impl<A: Answer, B: Answer> Answer for Either<A, B> {
    fn describe() -> Vec<Described> {
        let mut all = A::describe();
        all.extend(B::describe());
        all
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        A::schemas(into);
        B::schemas(into);
    }

    fn reply(self) -> Result<Reply, Problem> {
        match self {
            Either::One(one) => one.reply(),
            Either::Other(other) => other.reply(),
        }
    }

    fn read(reply: &Reply) -> Result<Self, Problem> {
        let status = reply.status.as_u16();
        if A::describe().iter().any(|one| one.status == status) {
            A::read(reply).map(Either::One)
        } else {
            B::read(reply).map(Either::Other)
        }
    }
}

/// The response to a caller who knows the current state already: it is not repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotModified {
    /// The tag of the current state.
    pub tag: String,
}

impl Answer for NotModified {
    fn describe() -> Vec<Described> {
        vec![Described {
            status: 304,
            means: "Not modified: `If-None-Match` names the current state",
            content: None,
        }]
    }

    fn schemas(_: &mut Vec<(String, RefOr<Schema>)>) {}

    fn reply(self) -> Result<Reply, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, quoted(&self.tag)?);
        Ok(Reply {
            status: StatusCode::NOT_MODIFIED,
            headers,
            body: Bytes::new(),
        })
    }

    fn read(reply: &Reply) -> Result<Self, Problem> {
        let tag = unquoted(&reply.headers).unwrap_or_default();
        Ok(Self { tag })
    }
}

/// A resource, unless the caller already knows its current state.
pub type Fresh<T> = Either<Found<T>, NotModified>;

/// An output that contains a value, at least if the request was unconditional.
pub trait Valued: Answer {
    /// The value.
    type Value;
    /// Returns the value, if there is one.
    fn into_value(self) -> Option<Self::Value>;
}

impl<T, const STATUS: u16> Valued for Told<T, STATUS>
where
    Self: Answer,
{
    type Value = T;

    fn into_value(self) -> Option<T> {
        Some(self.value)
    }
}

impl<T> Valued for Fresh<T>
where
    Found<T>: Answer,
{
    type Value = T;

    fn into_value(self) -> Option<T> {
        match self {
            Either::One(found) => Some(found.value),
            Either::Other(NotModified { .. }) => None,
        }
    }
}

/// What a request would do. Nothing was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned<P> {
    /// Always true.
    pub dry_run: bool,
    /// What would be done.
    pub plan: P,
}

// Not derived, because the derived schema of a generic type has the same name for every argument.
impl<P: ToSchema> PartialSchema for Planned<P> {
    fn schema() -> RefOr<Schema> {
        let dry_run = ObjectBuilder::new().schema_type(Type::Boolean);
        ObjectBuilder::new()
            .property("dry_run", dry_run.description(Some("Always true.")))
            .required("dry_run")
            .property("plan", named::<P>())
            .required("plan")
            .description(Some("The result of a dry run: what the request would do."))
            .into()
    }
}

impl<P: ToSchema> ToSchema for Planned<P> {
    fn name() -> Cow<'static, str> {
        format!("Planned_{}", P::name()).into()
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        register::<P>(into);
    }
}

/// The plan for a dry run; otherwise the result.
pub type Trial<P, A> = Either<Found<Planned<P>>, A>;

impl<P, A> Trial<P, A> {
    /// Creates the output of a dry run.
    pub fn plan(plan: P) -> Self {
        Either::One(Told::new(Planned {
            dry_run: true,
            plan,
        }))
    }
}

/// A JSON value, or null if there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Perhaps<T>(pub Option<T>);

impl<T> Answer for Perhaps<T>
where
    T: Serialize + DeserializeOwned + ToSchema + Send,
{
    fn describe() -> Vec<Described> {
        let schema = OneOfBuilder::new()
            .item(named::<T>())
            .item(ObjectBuilder::new().schema_type(Type::Null));
        vec![Described {
            status: 200,
            means: "OK",
            content: Some((JSON, schema.into())),
        }]
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        register::<T>(into);
    }

    fn reply(self) -> Result<Reply, Problem> {
        json(StatusCode::OK, &self.0)
    }

    fn read(reply: &Reply) -> Result<Self, Problem> {
        let value = serde_json::from_slice(&reply.body);
        value.map(Self).map_err(unreadable)
    }
}

/// The file of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yaml(pub String);

impl Answer for Yaml {
    fn describe() -> Vec<Described> {
        let schema = named::<crate::domain::template_file::TemplateFile>();
        vec![Described {
            status: 200,
            means: "OK",
            content: Some((YAML, schema)),
        }]
    }

    fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
        register::<crate::domain::template_file::TemplateFile>(into);
    }

    fn reply(self) -> Result<Reply, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(YAML));
        Ok(Reply {
            status: StatusCode::OK,
            headers,
            body: self.0.into(),
        })
    }

    fn read(reply: &Reply) -> Result<Self, Problem> {
        let text = String::from_utf8(reply.body.to_vec());
        text.map(Self).map_err(unreadable)
    }
}

/// An empty response: the operation has succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoContent;

impl Answer for NoContent {
    fn describe() -> Vec<Described> {
        vec![Described {
            status: 204,
            means: "Done",
            content: None,
        }]
    }

    fn schemas(_: &mut Vec<(String, RefOr<Schema>)>) {}

    fn reply(self) -> Result<Reply, Problem> {
        Ok(Reply {
            status: StatusCode::NO_CONTENT,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        })
    }

    fn read(_: &Reply) -> Result<Self, Problem> {
        Ok(NoContent)
    }
}

/// Returns the value of the header ETag for a tag.
fn quoted(tag: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(format!("\"{tag}\"")).map_err(unwritable)
}

/// Returns the tag in the header ETag.
fn unquoted(headers: &HeaderMap) -> Option<String> {
    let tag = text(headers, &ETAG)?;
    Some(tag.trim_matches('"').to_owned())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Creates a JSON response.
fn json(status: StatusCode, value: &impl Serialize) -> Result<Reply, Problem> {
    let body = serde_json::to_vec(value).map_err(unwritable)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    Ok(Reply {
        status,
        headers,
        body: body.into(),
    })
}

pub(super) fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::new(Code::Internal, "The answer cannot be written.").because(error)
}

pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    let message = "What was answered is no answer of Prism's API.";
    Problem::new(Code::ApiUnavailable, message)
        .because(error)
        .hint("Check the profile's url; the deployment may also be of another version.")
}
