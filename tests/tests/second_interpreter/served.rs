//! Serves the steps of one world at a time with Lambda's own protocol, together with its clock.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use prism_asl::VirtualClock;
use prism_local::executions::StepFunctions;
use serde_json::Value;

use crate::trouble::{Answer, REQUEST_ID, Trouble, refusal};

#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) clock: VirtualClock,
    pub(crate) steps: StepFunctions,
    pub(crate) trouble: Arc<Trouble>,
}

/// The server. Whoever advances the world's clock holds its lock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Served(Arc<Mutex<Option<Stage>>>);

impl Served {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let served = Self::default();
        let router = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .route("/clock", post(pass))
            .with_state(served.clone());
        let listener = std::net::TcpListener::bind(address).expect("the address is free");
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        served
    }

    pub(crate) fn alone<T>(&self, what: impl FnOnce(&mut Option<Stage>) -> T) -> T {
        // A step that panicked has been reported to its caller, which fails the test.
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs something with the served world, outside of the threads that respond.
    async fn on_stage<T: Send + 'static>(
        self,
        what: impl FnOnce(&Stage) -> T + Send + 'static,
    ) -> Result<T, Response> {
        let done =
            tokio::task::spawn_blocking(move || self.alone(|stage| stage.as_ref().map(what)));
        match done.await {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err((StatusCode::CONFLICT, "nothing is served now").into_response()),
            Err(panic) => {
                Err((StatusCode::INTERNAL_SERVER_ERROR, panic.to_string()).into_response())
            }
        }
    }
}

async fn invoke(
    State(served): State<Served>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Response> {
    let payload: Value = serde_json::from_slice(&body)
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()).into_response())?;
    let answer = served.on_stage(move |stage| {
        stage
            .clock
            .run(stage.trouble.invoke(&stage.steps, &name, payload))
    });
    Ok(told(answer.await?))
}

fn told(answer: Answer) -> Response {
    let mut headers = HeaderMap::new();
    let takes = HeaderValue::from(answer.takes.as_secs());
    headers.insert("x-prism-takes", takes);
    headers.insert("x-amzn-requestid", HeaderValue::from_static(REQUEST_ID));
    match answer.result {
        Ok(value) => (headers, Json(value)).into_response(),
        Err(failure) => {
            let Some(error) = failure.error.strip_prefix("Lambda.") else {
                let unhandled = HeaderValue::from_static("Unhandled");
                headers.insert("x-amz-function-error", unhandled);
                return (headers, failure.cause).into_response();
            };
            let error = HeaderValue::from_str(error).expect("it is a name");
            headers.insert("x-amzn-errortype", error);
            (StatusCode::TOO_MANY_REQUESTS, headers, Json(refusal())).into_response()
        }
    }
}

async fn pass(State(served): State<Served>, Json(body): Json<Value>) -> Result<Response, Response> {
    let seconds = body["seconds"].as_f64().unwrap_or(-1.0);
    let duration = Duration::try_from_secs_f64(seconds)
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()).into_response())?;
    let passed = served.on_stage(move |stage| {
        let slept = prism_asl::Clock::sleep(&stage.clock, duration);
        stage.clock.run(slept);
    });
    passed.await?;
    Ok(StatusCode::OK.into_response())
}
