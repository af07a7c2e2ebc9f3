//! The identity of the caller.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::problem::Refused;
use crate::domain::{Code, Problem};
use crate::rules::access::Caller;

/// The authenticated caller. The outermost layer adds it to the request as an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated(pub Caller);

/// Why a request is not authenticated, if the outermost layer has details.
#[derive(Debug, Clone)]
pub struct Anonymous(Arc<Problem>);

impl Anonymous {
    pub fn because(problem: Problem) -> Self {
        Self(Arc::new(problem))
    }
}

impl<S: Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        if let Some(Anonymous(problem)) = parts.extensions.get() {
            return Err(Refused::shared(Arc::clone(problem)));
        }
        let message = "The request is not authenticated.";
        Err(Problem::new(Code::NotAuthenticated, message).into())
    }
}
