//! Lambda's Runtime API: provides invocations, and receives the function's responses.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::http::Server;

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
/// The deadline of every invocation, in milliseconds since 1970: later than any test runs.
const DEADLINE_MS: &str = "4102444800000";

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Returned(Value),
    Failed(String, String),
    /// The function could not initialise: the error's type and message.
    NotBegun(String, String),
}

#[derive(Debug)]
pub struct RuntimeApi {
    server: Server,
    events: UnboundedSender<String>,
    answers: UnboundedReceiver<(Instant, Answer)>,
}

struct Shared {
    events: Mutex<UnboundedReceiver<String>>,
    answers: UnboundedSender<(Instant, Answer)>,
}

impl RuntimeApi {
    pub async fn start() -> io::Result<Self> {
        let (events, waiting) = unbounded_channel();
        let (told, answers) = unbounded_channel();
        let shared = Shared {
            events: Mutex::new(waiting),
            answers: told,
        };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(returned),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2018-06-01/runtime/init/error", post(not_begun))
            .with_state(Arc::new(shared));
        Ok(Self {
            server: Server::start(router).await?,
            events,
            answers,
        })
    }

    /// The address, in the form of `AWS_LAMBDA_RUNTIME_API`.
    pub fn host(&self) -> String {
        self.server.address().to_string()
    }

    pub fn invoke(&self, payload: &Value) {
        // The receiver lives as long as the server, which this handle owns.
        let _ = self.events.send(payload.to_string());
    }

    /// The next message from the function, and when it arrived; `None` if no more can arrive.
    pub async fn answer(&mut self) -> Option<(Instant, Answer)> {
        self.answers.recv().await
    }
}

impl Shared {
    #[expect(clippy::disallowed_methods, reason = "this measures real time")]
    fn tell(&self, answer: Answer) -> StatusCode {
        // If the receiver is gone, nobody needs the response.
        let _ = self.answers.send((Instant::now(), answer));
        StatusCode::ACCEPTED
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    match shared.events.lock().await.recv().await {
        Some(event) => Ok((
            [
                ("content-type", "application/json"),
                (
                    "lambda-runtime-aws-request-id",
                    "11111111-2222-4333-8444-555555555555",
                ),
                ("lambda-runtime-deadline-ms", DEADLINE_MS),
                (
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-east-1:111122223333:function:prism",
                ),
            ],
            event,
        )),
        None => Err(StatusCode::GONE),
    }
}

async fn returned(
    State(shared): State<Arc<Shared>>,
    Path(_): Path<String>,
    body: Bytes,
) -> StatusCode {
    match serde_json::from_slice(&body) {
        Ok(value) => shared.tell(Answer::Returned(value)),
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

async fn failed(
    State(shared): State<Arc<Shared>>,
    Path(_): Path<String>,
    body: Bytes,
) -> StatusCode {
    match error(&body) {
        Some((name, text)) => shared.tell(Answer::Failed(name, text)),
        None => StatusCode::BAD_REQUEST,
    }
}

async fn not_begun(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    // Lambda shows the name from the header.
    let shown = headers.get(ERROR_TYPE).and_then(|name| name.to_str().ok());
    match error(&body) {
        Some((name, text)) if Some(name.as_str()) == shown => {
            shared.tell(Answer::NotBegun(name, text))
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

fn error(body: &[u8]) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let name = body["errorType"].as_str()?;
    let text = body["errorMessage"].as_str()?;
    Some((name.to_owned(), text.to_owned()))
}
