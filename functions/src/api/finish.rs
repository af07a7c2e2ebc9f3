//! The layer around all routes: it adds the request ID to each response, and converts each problem to its response body
//! and log entry.

use std::panic::AssertUnwindSafe;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;

use super::Api;
use super::identity::Authenticated;
use super::problem::{PROBLEM_JSON, ProblemBody, Refused, retry_after_s, status};
use crate::domain::{Class, Code, Problem};

/// The header that contains the request ID in the response; the log contains the same ID.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request ID that the outermost layer has assigned. If there is none, one is created here.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

pub(super) async fn finish(State(api): State<Api>, request: Request, next: Next) -> Response {
    let given = request.extensions().get::<RequestId>().cloned();
    let id = given.unwrap_or_else(|| RequestId(format!("{:016x}", api.service.entropy.next())));
    let asked = Asked {
        id: &id.0,
        method: request.method().to_string(),
        route: request.extensions().get::<MatchedPath>().cloned(),
        user: request.extensions().get::<Authenticated>().cloned(),
    };
    asked.record();
    // A handler that panics fails only its own request. The panic hook has already reported it.
    let ran = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = ran.unwrap_or_else(|_| {
        let message = "The API could not process the request.";
        answer(&Problem::new(Code::Internal, message))
    });
    if let Some(refused) = response.extensions_mut().remove::<Refused>() {
        let problem = (api.explain)(refused.into_problem());
        asked.log(&problem);
        let headers = std::mem::take(response.headers_mut());
        response = answer(&problem);
        // For example, the header that lists the allowed methods.
        for (name, value) in headers {
            if let Some(name) = name.filter(|name| *name != CONTENT_TYPE) {
                response.headers_mut().entry(name).or_insert(value);
            }
        }
    } else {
        asked.log_done(response.status().as_u16());
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Creates the response for a problem. This is the only place where a problem becomes HTTP.
pub fn answer(problem: &Problem) -> Response {
    let code = problem.code;
    let body = serde_json::to_string(&ProblemBody::of(problem)).expect("strings serialize to JSON");
    let mut response = (status(code), body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if let Some(seconds) = retry_after_s(problem) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if code == Code::NotAuthenticated {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// What is logged about a request. The body and the headers are not logged, because they may contain secrets.
struct Asked<'a> {
    id: &'a str,
    method: String,
    route: Option<MatchedPath>,
    user: Option<Authenticated>,
}

impl Asked<'_> {
    /// Adds the fields to the current span, if the outermost layer has created one, so that all log entries of the
    /// request contain them.
    fn record(&self) {
        let (span, (_, method, route, user)) = (tracing::Span::current(), self.fields());
        span.record("method", method);
        span.record("route", route);
        span.record("user", user);
    }

    fn log_done(&self, status: u16) {
        let (id, method, route, user) = self.fields();
        tracing::debug!(request.id = id, user, method, route, status, "answered");
    }

    fn log(&self, problem: &Problem) {
        let (id, method, route, user) = self.fields();
        let (code, chain) = (problem.code, problem.chain());
        let status = status(code).as_u16();
        match code.class() {
            _ if code == Code::Internal => {
                tracing::error!(request.id = id, user, method, route, status, %code, problem = chain, "failed");
            }
            Class::BadInput | Class::Refused if !code.is_about_setup() => {
                tracing::info!(request.id = id, user, method, route, status, %code, problem = chain, "refused");
            }
            _ => {
                tracing::warn!(request.id = id, user, method, route, status, %code, problem = chain, "failed");
            }
        }
    }

    fn fields(&self) -> (&str, &str, &str, &str) {
        let user = self
            .user
            .as_ref()
            .map(|Authenticated(who)| who.user.as_str());
        let route = self.route.as_ref().map(MatchedPath::as_str);
        (
            self.id,
            &self.method,
            route.unwrap_or("-"),
            user.unwrap_or("-"),
        )
    }
}
