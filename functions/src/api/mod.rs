//! The HTTP API: the service's operations as routes under `/v1`, described by an OpenAPI 3.1 document that is generated
//! from the same code. One router is used by Lambda, `prism local serve` and the tests.
//!
//! Requests and responses use the types of the service; only their envelope is defined here. The caller is never read
//! from the request: the outermost layer authenticates the request in its own way and adds an [`Authenticated`] to it
//! (promise P7). Every problem becomes `application/problem+json` in one place, `finish`, which also logs it.

mod config;
mod finish;
mod identity;
mod openapi;
mod portal;
mod problem;
mod schemas;
mod serve;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::{Router, middleware};

use crate::domain::ids::shown;
use crate::domain::{Code, Problem};
use crate::operations::Service;

pub use crate::operations::parts::{BODY_BYTES, PAGE_DEFAULT, PAGE_MOST, Page, Planned};
pub use crate::operations::{Launched, Me};
pub use config::{PublicConfig, SizeView, TypeView};
pub use finish::{RequestId, answer};
pub use identity::{Anonymous, Authenticated};
pub use openapi::document;
pub use portal::Portal;
pub use problem::{PROBLEM_JSON, ProblemBody, Refused, status};

/// The header with the idempotency key: requests with the same key are the same request.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The state of the routes.
#[derive(Clone)]
pub struct Api {
    service: Arc<Service>,
    explain: fn(Problem) -> Problem,
    portal: Option<Portal>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

impl Api {
    pub fn new(service: Service) -> Self {
        Self {
            service: Arc::new(service),
            explain: |problem| problem,
            portal: None,
        }
    }

    /// Sets a function that adds details to problems, for a caller that knows more about their causes.
    #[must_use]
    pub fn explained_by(mut self, explain: fn(Problem) -> Problem) -> Self {
        self.explain = explain;
        self
    }

    /// Also serves the portal's files, outside `/v1`.
    #[must_use]
    pub fn with_portal(mut self, portal: Portal) -> Self {
        self.portal = Some(portal);
        self
    }

    /// Returns the router. A layer around it must add an [`Authenticated`] to each request; without it, every route
    /// except that of the OpenAPI document and that of the configuration returns 401.
    pub fn router(self) -> Router {
        let portal = self.portal.clone();
        let router = serve::routes()
            .merge(openapi::route(&openapi::document()))
            .merge(config::route())
            .method_not_allowed_fallback(method_not_allowed)
            .fallback(route_not_found)
            .layer(DefaultBodyLimit::max(BODY_BYTES))
            .layer(middleware::from_fn_with_state(self.clone(), finish::finish))
            .with_state(self);
        match portal {
            Some(portal) => portal.around(router),
            None => router,
        }
    }
}

async fn route_not_found(uri: Uri) -> Refused {
    let message = format!("The API has no route {}.", shown(uri.path()));
    Problem::new(Code::RouteNotFound, message).into()
}

async fn method_not_allowed(method: Method, uri: Uri) -> Refused {
    let message = format!(
        "{} does not support {}.",
        shown(uri.path()),
        shown(method.as_str())
    );
    Problem::new(Code::MethodNotAllowed, message).into()
}
