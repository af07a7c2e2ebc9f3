//! What an operation is: declared once, and from that come its route, its description, and how clients ask for it.

use std::future::Future;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::HeaderMap;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::{RefOr, Schema};

use super::Service;
use super::parts::{
    Answer, BodyPart, Described, HeadParts, Json, Nothing, PathParts, QueryParts, Reply,
};
use crate::domain::Problem;
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

impl Method {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
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
    /// A summary and, after an empty line, what else there is to know.
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

    /// Does it.
    fn run(
        service: &Service,
        caller: &Caller,
        asked: Asked<Self>,
    ) -> impl Future<Output = Result<Self::Output, Problem>> + Send;
}

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
    pub fn to_raw(&self) -> Result<Raw, Problem> {
        let mut headers = HeaderMap::new();
        self.head.write(&mut headers)?;
        let body = self.body.write(&mut headers)?;
        Ok(Raw {
            path: self.path.write(),
            query: self.query.write()?,
            headers,
            body,
        })
    }
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
