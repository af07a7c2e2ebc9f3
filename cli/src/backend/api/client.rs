//! One call of the API: sent, timed, tried again where that does no harm.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, IF_MATCH, RETRY_AFTER, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Response};
use prism_functions::domain::{Code, Problem};
use prism_functions::ports::Clock;
use serde_json::Value;

use super::answer::Answer;
use super::identity::Identity;
use super::transport::{NoAnswer, Transport};
use super::url::Url;

/// How long one attempt may take: API Gateway gives its functions 30 seconds.
const ATTEMPT: Duration = Duration::from_secs(35);
/// How often a call is attempted.
const ATTEMPTS: u32 = 4;
/// The first pause between attempts, which doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, whatever the API asks for. Launches are told to come back within a minute.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The header that makes a repetition the same request.
const KEY: &str = "idempotency-key";

/// Something that is asked of the API.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
    key: Option<String>,
    if_match: Option<String>,
    /// Whether asking twice is no more than asking once.
    repeatable: bool,
}

impl Call {
    /// A question.
    pub(crate) fn get(path: &str) -> Self {
        Self::of(Method::GET, path)
    }

    /// A call by a method, to a path with its query.
    pub(crate) fn of(method: Method, path: impl Into<String>) -> Self {
        Self {
            repeatable: matches!(method, Method::GET | Method::DELETE),
            method,
            path: path.into(),
            body: None,
            key: None,
            if_match: None,
        }
    }

    /// The same with a body.
    pub(crate) fn body(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// The same as a call that changes nothing.
    pub(crate) fn harmless(self) -> Self {
        Self {
            repeatable: true,
            ..self
        }
    }

    /// The same as a call that is made once, since another would find it done.
    pub(crate) fn once(self) -> Self {
        Self {
            repeatable: false,
            ..self
        }
    }

    /// The same with the ETag of what it was decided on.
    pub(crate) fn if_match(self, tag: String) -> Self {
        Self {
            if_match: Some(tag),
            ..self
        }
    }

    /// The same with a key, under which the API does it once however often it is asked.
    pub(crate) fn key(self, key: String) -> Self {
        Self {
            key: Some(key),
            repeatable: true,
            ..self
        }
    }
}

/// The API at a URL, for one caller.
pub(crate) struct Client {
    url: Url,
    transport: Transport,
    identity: Identity,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// See the type.
    pub(super) fn new(
        url: Url,
        transport: Transport,
        identity: Identity,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            url,
            transport,
            identity,
            clock,
        }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Makes a call, and again where the API is not ready for it and a repetition does no harm. An
    /// answer that says what went wrong is that problem.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, Problem> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            let outcome = self.once(&call).await;
            let wait = match &outcome {
                Ok(answer) => busy(answer, pause),
                // The connection may have been lost before or after the request had its effect.
                Err(Lost::Way(_)) => Some(pause),
                Err(Lost::Problem(_)) => None,
            };
            if let Some(wait) = wait
                && call.repeatable
                && attempt < ATTEMPTS
            {
                self.clock.sleep(wait.min(LONGEST_PAUSE)).await;
                pause *= 2;
                continue;
            }
            return match outcome {
                Ok(answer) => Answer::of(answer, &self.url),
                Err(Lost::Problem(problem)) => Err(problem),
                Err(Lost::Way(why)) => Err(self.no_answer(&call, &why)),
            };
        }
        unreachable!("the last attempt returns")
    }

    /// Makes one attempt. Answers what the answer's head says, and then the answer, or the problem
    /// that it is; fails where there is none.
    pub(crate) async fn ask(
        &self,
        call: &Call,
    ) -> Result<(HeaderMap, Result<Answer, Problem>), Problem> {
        match self.once(call).await {
            Ok(answer) => Ok((answer.headers().clone(), Answer::of(answer, &self.url))),
            Err(Lost::Problem(problem)) => Err(problem),
            Err(Lost::Way(why)) => Err(self.no_answer(call, &why)),
        }
    }

    /// One attempt: whatever the API answers.
    async fn once(&self, call: &Call) -> Result<Response<Bytes>, Lost> {
        let request = self.request(call).await.map_err(Lost::Problem)?;
        let late = self.clock.sleep(ATTEMPT);
        tokio::select! {
            answer = self.transport.send(request) => answer.map_err(|error| match error {
                NoAnswer::Broken(why) => Lost::Way(why),
                NoAnswer::Unreached(why) => Lost::Problem(self.unreached(&why)),
                NoAnswer::TooLong(_) => Lost::Problem(
                    Problem::new(Code::ApiUnavailable, "The API's answer cannot be read.")
                        .because(error),
                ),
            }),
            () = late => Err(Lost::Way(format!("no answer came in {} s", ATTEMPT.as_secs()))),
        }
    }

    async fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, Problem> {
        let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(self.url.join(&call.path))
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("prism/", env!("CARGO_PKG_VERSION")));
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &call.key {
            request = request.header(KEY, key);
        }
        if let Some(tag) = &call.if_match {
            request = request.header(IF_MATCH, tag);
        }
        let request = request.body(Full::from(body.clone()));
        let mut request = request.map_err(|error| {
            // What a user has typed gets into headers and the path.
            Problem::new(Code::InvalidInput, "The request cannot be made of this.").because(error)
        })?;
        self.identity.sign(&mut request, body.as_bytes()).await?;
        Ok(request)
    }

    fn no_answer(&self, call: &Call, why: &str) -> Problem {
        if call.method != Method::GET && !call.repeatable {
            let message = format!(
                "Whether the API at {} did it is not known: {why}.",
                self.url
            );
            return Problem::new(Code::RequestInDoubt, message);
        }
        self.unreached(why)
    }

    fn unreached(&self, why: &str) -> Problem {
        let message = format!("The API at {} does not answer: {why}.", self.url);
        Problem::new(Code::ApiUnavailable, message)
    }
}

/// Why an attempt has no answer.
#[derive(Debug)]
enum Lost {
    /// The request could not be made, or its answer not be read.
    Problem(Problem),
    /// Nothing came back.
    Way(String),
}

/// For how long the API asks to be left alone: `usual` where it does not say.
fn busy(answer: &Response<Bytes>, usual: Duration) -> Option<Duration> {
    if !matches!(
        answer.status(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        return None;
    }
    let asked = answer.headers().get(RETRY_AFTER);
    let seconds = asked.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Some(seconds.map_or(usual, Duration::from_secs))
}
