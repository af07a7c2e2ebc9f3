//! What a request brings: its body, its query, its key. What is wrong is named, with its rule.

use std::error::Error;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::problem::Refused;
use super::{Api, BODY_BYTES, IDEMPOTENCY_KEY};
use crate::domain::object::Object;
use crate::domain::{Code, Problem, Region};

/// The most characters that a message takes over from a parser, which repeats what it was given.
const QUOTED: usize = 400;

/// The JSON of a body.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        match Json::<Object<T>>::from_request(request, state).await {
            Ok(Json(Object(value))) => Ok(Self(value)),
            Err(rejection) => Err(unreadable(&rejection).into()),
        }
    }
}

fn unreadable(rejection: &JsonRejection) -> Problem {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            Problem::new(Code::WrongContentType, "The body is not sent as JSON.")
        }
        rejection if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("The body has more than {BODY_BYTES} bytes.");
            Problem::new(Code::BodyTooLarge, message)
        }
        rejection => malformed("body", rejection),
    }
}

/// The values of a query. One that the route does not have is refused, as a slip of the pen.
#[derive(Debug)]
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(values)) => Ok(Self(values)),
            Err(rejection) => Err(malformed("query", &rejection).into()),
        }
    }
}

/// A parser's sentence begins with the path of the field.
fn malformed(what: &str, rejection: &dyn Error) -> Problem {
    let reason = rejection.source().unwrap_or(rejection).to_string();
    let reason = reason.replace(". at line", " at line");
    let plain = |c: char| if c.is_control() { '�' } else { c };
    let mut quoted: String = reason.chars().take(QUOTED).map(plain).collect();
    if reason.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    let message = format!("The {what} is not as it should be: {quoted}.");
    Problem::new(Code::InvalidInput, message).hint("GET /v1/openapi.json describes it.")
}

/// The id under which the same request is the same request.
#[derive(Debug)]
pub(super) struct RequestKey(pub(super) Option<String>);

impl<S: Sync> FromRequestParts<S> for RequestKey {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let mut keys = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(key) = keys.next() else {
            return Ok(Self(None));
        };
        if let (Ok(key), None) = (key.to_str(), keys.next()) {
            return Ok(Self(Some(key.to_owned())));
        }
        let message = "The header Idempotency-Key is given twice, or has odd characters.";
        Err(Problem::new(Code::InvalidRequestId, message).into())
    }
}

/// Which Region.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InRegion {
    /// The Region of the instance.
    #[param(value_type = Region)]
    region: String,
}

impl InRegion {
    /// The Region, which the account has.
    pub(super) async fn region(&self, api: &Api) -> Result<Region, Problem> {
        let region = self.region.parse()?;
        api.service.check_region(&region).await?;
        Ok(region)
    }
}

/// Whether to do it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Trial {
    /// Check everything and answer with the plan, and do nothing.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// The parts of the path that are names.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(names)) => Ok(Self(names)),
            Err(rejection) => Err(malformed("path", &rejection).into()),
        }
    }
}
