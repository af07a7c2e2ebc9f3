//! What an operation is: declared once, and from that come its route, its description, and how clients ask for it.

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
use crate::rules::access::Caller;

/// The method of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Only tells something.
    Get,
    /// Begins or makes something.
    Post,
    /// Sets something to what the request says.
    Put,
    /// Changes parts of something.
    Patch,
    /// Ends something.
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

/// Something that callers can ask for.
pub trait Operation: Sized + Send + Sync + 'static {
    /// Its name in the description of the API.
    const ID: &'static str;
    /// The method of its route.
    const METHOD: Method;
    /// The path of its route; the names in braces are what [`Operation::Path`] is read from.
    const PATH: &'static str;
    /// What it is about.
    const TAG: &'static str;
    /// A summary and, after an empty line, what else there is to know; each line as it stands in a doc comment.
    const TEXT: &'static str;
    /// Whether what it is about may not be there.
    const MAY_MISS: bool = !matches!(Self::METHOD, Method::Get) || has_names(Self::PATH);
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

    /// Whether to ask twice is no more than to ask once.
    fn is_repeatable(asked: &Asked<Self>) -> bool {
        !matches!(Self::METHOD, Method::Post | Method::Patch) || asked.head.is_key()
    }

    /// Does it.
    fn run(
        service: &Service,
        caller: &Caller,
        asked: Asked<Self>,
    ) -> impl Future<Output = Result<Self::Output, Problem>> + Send;
}

/// What an operation returns, or the problem.
pub(super) type Answered<O> = Result<<O as Operation>::Output, Problem>;

/// Declares an operation by its description, its route, what it takes and what it returns. Its name there is that of
/// the function which does it.
macro_rules! operation {
    (
        $(#[doc = $text:literal])+
        $name:ident by $run:ident: $method:ident $path:literal of $tag:literal,
        $(path: $path_type:ty,)?
        $(query: $query:ty,)?
        $(head: $head:ty,)?
        $(body: $body:ty,)?
        output: $output:ty,
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
                $run(service, caller, asked)
            }
        }
    };
}

/// What an operation takes there: nothing where it is not said.
macro_rules! part {
    () => {
        $crate::operations::parts::Nothing
    };
    ($kind:ty) => {
        $kind
    };
}

pub(super) use {operation, part};

/// What an operation is asked for, and with what.
pub struct Asked<O: Operation> {
    /// From the path.
    pub path: O::Path,
    /// From the query.
    pub query: O::Query,
    /// From the headers.
    pub head: O::Head,
    /// From the body.
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
    /// The operation on what a path names, without a body.
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
    /// The operation on what a path names, with a query and without a body.
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
    /// The operation on what a path names, with a body.
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
    /// The same with this query.
    #[must_use]
    pub fn query(mut self, query: O::Query) -> Self {
        self.query = query;
        self
    }

    /// The same with these headers.
    #[must_use]
    pub fn head(mut self, head: O::Head) -> Self {
        self.head = head;
        self
    }

    /// Reads it from a request. What is wrong is named, with its rule: first in the path, then in the query, the
    /// headers and the body.
    fn read(raw: &Raw) -> Result<Self, Problem> {
        Ok(Self {
            path: O::Path::read(&raw.path)?,
            query: O::Query::read(&raw.query)?,
            head: O::Head::read(&raw.headers)?,
            body: O::Body::read(&raw.headers, &raw.body)?,
        })
    }

    /// The request that it is.
    ///
    /// # Errors
    /// [`Code::InvalidRequestId`](crate::domain::Code::InvalidRequestId) and the like for texts that no header can have.
    pub fn to_request(&self) -> Result<Request<Bytes>, Problem> {
        let mut request = Request::default();
        self.head.write(request.headers_mut())?;
        *request.body_mut() = self.body.write(request.headers_mut())?;
        *request.method_mut() = O::METHOD.into();
        let target = self.target()?;
        *request.uri_mut() = target.parse().map_err(|error| {
            let message = "The request cannot be made of this.";
            Problem::new(Code::InvalidInput, message).because(error)
        })?;
        Ok(request)
    }

    /// The path with what it names, and the query.
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

/// A text as a part of a path: everything but the unreserved characters of RFC 3986 as its bytes.
fn encoded(text: &str) -> String {
    const KEPT: AsciiSet = NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, &KEPT).to_string()
}

/// A request, taken apart.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    /// The parts of the path that have names, in their order.
    pub path: Vec<String>,
    /// The query.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An operation as it is listed.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name in the description of the API.
    pub id: &'static str,
    /// The method of its route.
    pub method: Method,
    /// The path of its route.
    pub path: &'static str,
    /// What it is about.
    pub tag: &'static str,
    /// A summary and, after an empty line, what else there is to know.
    pub text: &'static str,
    /// Whether what it is about may not be there.
    pub may_miss: bool,
    /// Whether it takes a body.
    pub has_body: bool,
    /// What a request may have in its path, its query and its headers.
    pub parameters: fn() -> Vec<Parameter>,
    /// Its body, where it has one.
    pub body: fn() -> Option<RefOr<Schema>>,
    /// What it may answer where all goes well.
    pub answers: fn() -> Vec<Described>,
    /// The problems that its headers bring with them.
    pub conditions: &'static [u16],
    /// The schemas that the others name.
    pub schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
    /// Does what a request asks for.
    pub serve: for<'a> fn(&'a Service, &'a Caller, Raw) -> BoxFuture<'a, Result<Reply, Problem>>,
}

/// The entry of an operation.
pub(super) const fn entry<O: Operation>() -> Entry {
    Entry {
        id: O::ID,
        method: O::METHOD,
        path: O::PATH,
        tag: O::TAG,
        text: O::TEXT,
        may_miss: O::MAY_MISS,
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

/// The names in a path.
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
