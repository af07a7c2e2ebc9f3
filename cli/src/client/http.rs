//! The HTTP API of a deployment: each request sent, timed, tried again where that does no harm.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Bytes;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::{Answer as _, Reply};
use prism_functions::operations::{Asked, Operation};
use prism_functions::ports::Clock;
use prism_local::clock::WallClock;

use super::identity::Identity;
use super::transport::{NoAnswer, Transport};
use super::url::Url;
use super::{Client, Way, answer};
use crate::environment::Environment;
use crate::profile::Profile;

/// How long one attempt may take: API Gateway gives its functions 30 seconds.
const ATTEMPT: Duration = Duration::from_secs(35);
/// How often a call is attempted.
const ATTEMPTS: u32 = 4;
/// The first pause between attempts, which doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, whatever the API asks for. Launches are told to come back within a minute.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The API at a URL, for one caller.
pub(super) struct Http {
    url: Url,
    transport: Transport,
    identity: Identity,
    clock: Arc<dyn Clock>,
}

impl Http {
    fn new(url: Url, transport: Transport, identity: Identity, clock: Arc<dyn Clock>) -> Self {
        Self {
            url,
            transport,
            identity,
            clock,
        }
    }

    /// Where it is.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Asks for an operation.
    pub(super) async fn call<O: Operation>(&self, asked: Asked<O>) -> Result<O::Output, Problem> {
        let repeatable = O::is_repeatable(&asked);
        let reply = self.send(&asked.to_request()?, repeatable).await?;
        O::Output::read(&reply)
    }

    /// Sends a request, and again where the API is not ready for it and a repetition does no harm. An answer that says
    /// what went wrong is that problem.
    async fn send(&self, request: &Request<Bytes>, repeatable: bool) -> Result<Reply, Problem> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            let outcome = self.once(request).await;
            let wait = match &outcome {
                Ok(answer) => busy(answer, pause),
                // The connection may have been lost before or after the request had its effect.
                Err(Lost::Way(_)) => Some(pause),
                Err(Lost::Problem(_)) => None,
            };
            if let Some(wait) = wait
                && repeatable
                && attempt < ATTEMPTS
            {
                self.clock.sleep(wait.min(LONGEST_PAUSE)).await;
                pause *= 2;
                continue;
            }
            return match outcome {
                Ok(answer) => answer::read(answer, &self.url),
                Err(Lost::Problem(problem)) => Err(problem),
                Err(Lost::Way(why)) => Err(self.no_answer(request.method(), repeatable, &why)),
            };
        }
        unreachable!("the last attempt returns")
    }

    /// Makes one attempt. Returns what the answer's head says, and then the answer, or the problem that it is; fails
    /// where there is none.
    async fn ask(
        &self,
        request: &Request<Bytes>,
    ) -> Result<(HeaderMap, Result<Reply, Problem>), Problem> {
        match self.once(request).await {
            Ok(answer) => Ok((answer.headers().clone(), answer::read(answer, &self.url))),
            Err(Lost::Problem(problem)) => Err(problem),
            Err(Lost::Way(why)) => Err(self.no_answer(request.method(), true, &why)),
        }
    }

    /// One attempt: whatever the API answers.
    async fn once(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let request = self.signed(request).await.map_err(Lost::Problem)?;
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

    /// The request as it is sent, with who asks.
    async fn signed(&self, request: &Request<Bytes>) -> Result<Request<Full<Bytes>>, Problem> {
        let body = request.body().clone();
        let mut signed = Request::new(Full::new(body.clone()));
        *signed.method_mut() = request.method().clone();
        *signed.headers_mut() = request.headers().clone();
        let uri = self.url.join(&request.uri().to_string());
        *signed.uri_mut() = uri.parse::<Uri>().map_err(|error| {
            // What a user has typed gets into the path.
            Problem::new(Code::InvalidInput, "The request cannot be made of this.").because(error)
        })?;
        let headers = signed.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let program = concat!("prism/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(program));
        self.identity.sign(&mut signed, &body).await?;
        Ok(signed)
    }

    fn no_answer(&self, method: &Method, repeatable: bool, why: &str) -> Problem {
        if *method != Method::GET && !repeatable {
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

/// The API that a profile names.
pub(crate) async fn open(profile: &Profile, environment: &Environment) -> Result<Client, Problem> {
    let clock: Arc<dyn Clock> = Arc::new(WallClock::real());
    let http = named(profile, environment, &clock).await?;
    Ok(Client::new(Way::Http(Box::new(http)), clock))
}

async fn named(
    profile: &Profile,
    environment: &Environment,
    clock: &Arc<dyn Clock>,
) -> Result<Http, Problem> {
    let url: Url = profile.url.as_deref().unwrap_or_default().parse()?;
    let transport = Transport::for_url(&url)?;
    let identity = Identity::of(profile, environment, clock).await?;
    Ok(Http::new(url, transport, identity, Arc::clone(clock)))
}

/// What an API says when it is asked for one operation, once.
pub(crate) struct Heard<T> {
    /// Where it is.
    pub(crate) url: Url,
    /// The headers of its answer.
    pub(crate) headers: HeaderMap,
    /// Its answer.
    pub(crate) answer: Result<T, Problem>,
}

/// Asks the API that a profile names for an operation, once.
pub(crate) async fn hear<O: Operation>(
    profile: &Profile,
    environment: &Environment,
    clock: &Arc<dyn Clock>,
    asked: Asked<O>,
) -> Result<Heard<O::Output>, Problem> {
    let http = named(profile, environment, clock).await?;
    let (headers, reply) = http.ask(&asked.to_request()?).await?;
    Ok(Heard {
        url: http.url,
        headers,
        answer: reply.and_then(|reply| O::Output::read(&reply)),
    })
}

/// What the head of an answer says, whoever answers at a URL, and whatever.
#[cfg(feature = "aws")]
pub(crate) async fn head_of(url: &str, clock: &Arc<dyn Clock>) -> Result<HeaderMap, Problem> {
    let url: Url = url.parse()?;
    let transport = Transport::for_url(&url)?;
    let http = Http::new(url, transport, Identity::Nobody, Arc::clone(clock));
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = Uri::from_static("/");
    Ok(http.ask(&request).await?.0)
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
