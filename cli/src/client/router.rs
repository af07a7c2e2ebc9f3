//! Calls the API's router in this process, as HTTP would but without a socket.

use axum::body::{Body, to_bytes};
use prism_functions::api::{Api, Authenticated, ProblemBody};
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::{Answer as _, Reply};
use prism_functions::operations::{Asked, Operation, Service};
use prism_functions::rules::access::Caller;
use tower::ServiceExt as _;

/// The maximum size of a response, in bytes.
const MOST_BYTES: usize = 16 << 20;

pub(super) struct Router {
    router: axum::Router,
    caller: Caller,
}

impl Router {
    pub(super) fn new(service: Service, caller: Caller) -> Self {
        Self {
            router: Api::new(service).router(),
            caller,
        }
    }

    pub(super) async fn call<O: Operation>(&self, asked: Asked<O>) -> Result<O::Output, Problem> {
        let mut request = asked.to_request()?.map(Body::from);
        let caller = Authenticated(self.caller.clone());
        request.extensions_mut().insert(caller);
        let answer = self.router.clone().oneshot(request).await;
        let (head, body) = answer.expect("a router never fails").into_parts();
        let body = to_bytes(body, MOST_BYTES).await.map_err(|error| {
            Problem::new(Code::ApiUnavailable, "The answer cannot be read.").because(error)
        })?;
        let reply = Reply {
            status: head.status,
            headers: head.headers,
            body,
        };
        if reply.status.is_success() {
            return O::Output::read(&reply);
        }
        let told: ProblemBody = serde_json::from_slice(&reply.body).expect("it tells a problem");
        Err(told.into())
    }
}
