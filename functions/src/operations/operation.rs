//! Operations: each is declared once, and its route, its API description and its client request are derived from the
//! declaration.

use std::borrow::Cow;
use std::future::Future;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use utoipa::openapi::path::Parameter;
use utoipa::openapi::{RefOr, Schema};

use super::Service;
use super::parts::{
    Answer, BodyPart, Described, HeadParts, Json, Nothing, PathParts, QueryParts, Reply,
};
use crate::domain::{Code, Problem};
use crate::rules::access::{Caller, Right};

/// The HTTP method of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads something.
    Get,
    /// Creates or starts something.
    Post,
    /// Sets something to the value in the request.
    Put,
    /// Changes parts of something.
    Patch,
    /// Deletes something.
    Delete,
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

/// An operation that callers can request.
pub trait Operation: Sized + Send + Sync + 'static {
    /// The operation ID in the API description.
    const ID: &'static str;
    /// The method of its route.
    const METHOD: Method;
    /// The path of its route. [`Operation::Path`] is read from the names in braces.
    const PATH: &'static str;
    /// The tag that groups it in the API description.
    const TAG: &'static str;
    /// The lines of its doc comment: a summary and, after an empty line, further details.
    const TEXT: &'static str;
    /// Whether the resource may not exist, so that the operation can return 404.
    const MAY_MISS: bool = !matches!(Self::METHOD, Method::Get) || has_names(Self::PATH);
    /// The rights that it checks, some of them only for some requests. An operation that checks none shows or changes
    /// what belongs to the caller, or what everybody may see.
    const RIGHTS: &'static [Right];
    /// What is read from the path.
    type Path: PathParts;
    /// What is read from the query.
    type Query: QueryParts;
    /// What is read from the headers.
    type Head: HeadParts;
    /// What is read from the body.
    type Body: BodyPart;
    /// What it returns.
    type Output: Answer;

    /// Returns whether repeating the request has no further effect.
    fn is_repeatable(asked: &Asked<Self>) -> bool {
        !matches!(Self::METHOD, Method::Post | Method::Patch) || asked.head.is_key()
    }

    /// Runs the operation.
    fn run(
        service: &Service,
        caller: &Caller,
        asked: Asked<Self>,
    ) -> impl Future<Output = Result<Self::Output, Problem>> + Send;
}

/// The output of an operation, or a problem.
pub(super) type Answered<O> = Result<<O as Operation>::Output, Problem>;

/// Declares an operation by its description, its route, its inputs and its output. Its operation ID is the name of the
/// function that runs it.
macro_rules! operation {
    (
        $(#[doc = $text:literal])+
        $name:ident by $run:ident: $method:ident $path:literal of $tag:literal,
        $(path: $path_type:ty,)?
        $(query: $query:ty,)?
        $(head: $head:ty,)?
        $(body: $body:ty,)?
        output: $output:ty,
        rights: [$($action:ident $resource:ident),*],
        $(may_miss: $may_miss:literal,)?
        $(repeatable: |$asked:pat_param| $repeatable:expr,)?
    ) => {
        $(#[doc = $text])+
        #[derive(Debug)]
        pub struct $name;

        impl $crate::operations::Operation for $name {
            const ID: &'static str = stringify!($run);
            const METHOD: $crate::operations::Method = $crate::operations::Method::$method;
            const PATH: &'static str = $path;
            const TAG: &'static str = $tag;
            const TEXT: &'static str = concat!($($text, "\n"),+);
            const RIGHTS: &'static [$crate::rules::access::Right] = &[
                $(($crate::rules::access::Action::$action, $crate::rules::access::Resource::$resource)),*
            ];
            $(const MAY_MISS: bool = $may_miss;)?
            type Path = $crate::operations::operation::part!($($path_type)?);
            type Query = $crate::operations::operation::part!($($query)?);
            type Head = $crate::operations::operation::part!($($head)?);
            type Body = $crate::operations::operation::part!($($body)?);
            type Output = $output;

            $(fn is_repeatable($asked: &$crate::operations::Asked<Self>) -> bool {
                $repeatable
            })?

            fn run(
                service: &$crate::operations::Service,
                caller: &$crate::rules::access::Caller,
                asked: $crate::operations::Asked<Self>,
            ) -> impl Future<Output = Result<$output, $crate::domain::Problem>> + Send {
                async move {
                    let span = tracing::info_span!("operation", operation.id = Self::ID);
                    tracing::Instrument::instrument($run(service, caller, asked), span).await
                }
            }
        }
    };
}

/// The type of an input: `Nothing` if it is not declared.
macro_rules! part {
    () => {
        $crate::operations::parts::Nothing
    };
    ($kind:ty) => {
        $kind
    };
}

pub(super) use {operation, part};

/// A request for an operation, with its inputs.
pub struct Asked<O: Operation> {
    /// The input from the path.
    pub path: O::Path,
    /// The input from the query.
    pub query: O::Query,
    /// The input from the headers.
    pub head: O::Head,
    /// The input from the body.
    pub body: O::Body,
}

impl<O: Operation> std::fmt::Debug for Asked<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple(O::ID).finish_non_exhaustive()
    }
}

impl<O: Operation> Clone for Asked<O> {
    fn clone(&self) -> Self {
        Self {
            path: self.path.clone(),
            query: self.query.clone(),
            head: self.head.clone(),
            body: self.body.clone(),
        }
    }
}

impl<O: Operation<Body = Nothing>> Asked<O>
where
    O::Query: Default,
    O::Head: Default,
{
    /// Creates a request for a path, without a body.
    pub fn of(path: O::Path) -> Self {
        Self {
            path,
            query: O::Query::default(),
            head: O::Head::default(),
            body: Nothing {},
        }
    }
}

impl<O: Operation<Body = Nothing>> Asked<O>
where
    O::Head: Default,
{
    /// Creates a request for a path with a query, without a body.
    pub fn by(path: O::Path, query: O::Query) -> Self {
        Self {
            path,
            query,
            head: O::Head::default(),
            body: Nothing {},
        }
    }
}

impl<T, O: Operation<Body = Json<T>>> Asked<O>
where
    O::Query: Default,
    O::Head: Default,
{
    /// Creates a request for a path with a body.
    pub fn with(path: O::Path, body: T) -> Self {
        Self {
            path,
            query: O::Query::default(),
            head: O::Head::default(),
            body: Json(body),
        }
    }
}

impl<O: Operation> Asked<O> {
    /// Sets the query.
    #[must_use]
    pub fn query(mut self, query: O::Query) -> Self {
        self.query = query;
        self
    }

    /// Sets the headers.
    #[must_use]
    pub fn head(mut self, head: O::Head) -> Self {
        self.head = head;
        self
    }

    /// Reads the inputs from a request. An invalid input is reported with the rule that it violates, in the order path,
    /// query, headers, body.
    fn read(raw: &Raw) -> Result<Self, Problem> {
        Ok(Self {
            path: O::Path::read(&raw.path)?,
            query: O::Query::read(&raw.query)?,
            head: O::Head::read(&raw.headers)?,
            body: O::Body::read(&raw.headers, &raw.body)?,
        })
    }

    /// Converts it to an HTTP request.
    ///
    /// # Errors
    /// [`Code::InvalidRequestId`](crate::domain::Code::InvalidRequestId) or a similar code for a text that is not valid
    /// in a header.
    pub fn to_request(&self) -> Result<Request<Bytes>, Problem> {
        let mut request = Request::default();
        self.head.write(request.headers_mut())?;
        *request.body_mut() = self.body.write(request.headers_mut())?;
        *request.method_mut() = O::METHOD.into();
        let target = self.target()?;
        *request.uri_mut() = target.parse().map_err(|error| {
            let message = "The request could not be created from these values.";
            Problem::new(Code::InvalidInput, message).because(error)
        })?;
        Ok(request)
    }

    /// Returns the path with its values, and the query.
    fn target(&self) -> Result<String, Problem> {
        let mut named = self.path.write().into_iter();
        let parts = O::PATH.split('/').map(|part| match part.strip_prefix('{') {
            Some(_) => Cow::from(encoded(&named.next().unwrap_or_default())),
            None => Cow::from(part),
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let query = self.query.write()?;
        Ok(if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        })
    }
}

/// Encodes a text as a path segment: everything except the unreserved characters of RFC 3986 is percent-encoded.
fn encoded(text: &str) -> String {
    const KEPT: AsciiSet = NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, &KEPT).to_string()
}

/// A request, split into its parts.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    /// The values of the named parts of the path, in order.
    pub path: Vec<String>,
    /// The query string.
    pub query: String,
    /// The request headers.
    pub headers: HeaderMap,
    /// The request body.
    pub body: Bytes,
}

/// An operation in the list of all operations.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The operation ID in the API description.
    pub id: &'static str,
    /// The method of its route.
    pub method: Method,
    /// The path of its route.
    pub path: &'static str,
    /// The tag that groups it in the API description.
    pub tag: &'static str,
    /// A summary and, after an empty line, further details.
    pub text: &'static str,
    /// Whether the resource may not exist, so that the operation can return 404.
    pub may_miss: bool,
    /// The rights that it checks.
    pub rights: &'static [Right],
    /// Whether it takes a body.
    pub has_body: bool,
    /// The parameters in the path, the query and the headers.
    pub parameters: fn() -> Vec<Parameter>,
    /// The schema of the body, if there is one.
    pub body: fn() -> Option<RefOr<Schema>>,
    /// The responses of a successful request.
    pub answers: fn() -> Vec<Described>,
    /// The status codes of the problems that its headers can cause.
    pub conditions: &'static [u16],
    /// Adds the schemas that the others refer to.
    pub schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
    /// Runs the operation for a request.
    pub serve: for<'a> fn(&'a Service, &'a Caller, Raw) -> BoxFuture<'a, Result<Reply, Problem>>,
}

/// Returns the entry of an operation.
pub(super) const fn entry<O: Operation>() -> Entry {
    Entry {
        id: O::ID,
        method: O::METHOD,
        path: O::PATH,
        tag: O::TAG,
        text: O::TEXT,
        may_miss: O::MAY_MISS,
        rights: O::RIGHTS,
        has_body: O::Body::IS_ANY,
        parameters: parameters::<O>,
        body: O::Body::schema,
        answers: O::Output::describe,
        conditions: O::Head::PROBLEMS,
        schemas: schemas::<O>,
        serve: |service, caller, raw| Box::pin(serve::<O>(service, caller, raw)),
    }
}

async fn serve<O: Operation>(
    service: &Service,
    caller: &Caller,
    raw: Raw,
) -> Result<Reply, Problem> {
    let asked = Asked::<O>::read(&raw)?;
    O::run(service, caller, asked).await?.reply()
}

fn parameters<O: Operation>() -> Vec<Parameter> {
    let mut all = O::Path::describe(&names(O::PATH));
    all.extend(O::Query::describe());
    all.extend(O::Head::describe());
    all
}

fn schemas<O: Operation>(into: &mut Vec<(String, RefOr<Schema>)>) {
    O::Path::schemas(into);
    O::Query::schemas(into);
    O::Body::schemas(into);
    O::Output::schemas(into);
}

/// Returns the names in a path.
fn names(path: &'static str) -> Vec<&'static str> {
    let parts = path.split('/');
    let named = parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    named.collect()
}

const fn has_names(path: &str) -> bool {
    let bytes = path.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'{' {
            return true;
        }
        at += 1;
    }
    false
}
