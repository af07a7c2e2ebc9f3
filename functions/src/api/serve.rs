//! Routes of the operations: they read the inputs from requests and convert the outputs to responses.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use http_body_util::LengthLimitError;

use super::identity::Authenticated;
use super::problem::Refused;
use super::{Api, BODY_BYTES};
use crate::domain::{Code, Problem};
use crate::operations::parts::{Reply, malformed};
use crate::operations::{self, Entry, Method, Raw};

pub(super) fn routes() -> Router<Api> {
    operations::ALL.iter().fold(Router::new(), |router, entry| {
        let serve =
            move |State(api): State<Api>,
                  caller: Authenticated,
                  path: Result<RawPathParams, RawPathParamsRejection>,
                  request: Request| serve(entry, api, caller, path, request);
        router.route(entry.path, on(filter(entry.method), serve))
    })
}

fn filter(method: Method) -> MethodFilter {
    match method {
        // HEAD requests get the same response as GET, without the body.
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    }
}

async fn serve(
    entry: &'static Entry,
    api: Api,
    Authenticated(caller): Authenticated,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Result<Response, Refused> {
    let path = path.map_err(|rejection| malformed("path", &rejection.to_string()))?;
    let (head, body) = request.into_parts();
    let raw = Raw {
        path: path.iter().map(|(_, part)| part.to_owned()).collect(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: if entry.has_body {
            to_bytes(body, BODY_BYTES).await.map_err(unread)?
        } else {
            axum::body::Bytes::new()
        },
    };
    let reply = (entry.serve)(&api.service, &caller, raw).await?;
    Ok(response(reply))
}

fn unread(error: axum::Error) -> Problem {
    let cause = error.into_inner();
    if cause.is::<LengthLimitError>() {
        let message = format!("The body has more than {BODY_BYTES} bytes.");
        return Problem::new(Code::BodyTooLarge, message);
    }
    malformed("body", &cause.to_string())
}

fn response(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}
