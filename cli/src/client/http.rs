//! The HTTP API of a deployment: sends each request with a timeout, and retries it if that is safe.

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

/// The timeout of one attempt. API Gateway allows its functions 30 seconds.
const ATTEMPT: Duration = Duration::from_secs(35);
/// The maximum number of attempts for one call.
const ATTEMPTS: u32 = 4;
/// The first pause between attempts. Each further pause is twice as long.
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

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) async fn call<O: Operation>(&self, asked: Asked<O>) -> Result<O::Output, Problem> {
        let repeatable = O::is_repeatable(&asked);
        let reply = self.send(&asked.to_request()?, repeatable).await?;
        O::Output::read(&reply)
    }

    /// Sends a request. Retries it if the API is not ready and a repetition is safe. An error response is returned as
    /// its problem.
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

    /// Makes one attempt. Returns the status and headers, then the response or the problem that it reports. Fails if
    /// there is no response.
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

    /// Makes one attempt and returns any response, including errors.
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

    /// Builds the request to send, with the caller's authentication.
    async fn signed(&self, request: &Request<Bytes>) -> Result<Request<Full<Bytes>>, Problem> {
        let body = request.body().clone();
        let mut signed = Request::new(Full::new(body.clone()));
        *signed.method_mut() = request.method().clone();
        *signed.headers_mut() = request.headers().clone();
        let uri = self.url.join(&request.uri().to_string());
        *signed.uri_mut() = uri.parse::<Uri>().map_err(|error| {
            // The path contains user input.
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

/// Opens the API that a profile names.
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

/// The response of an API to one operation that is attempted once.
pub(crate) struct Heard<T> {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// The response, or the problem that it reports.
    pub(crate) answer: Result<T, Problem>,
}

/// Calls an operation of the API that a profile names, without retries.
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

/// Returns the headers of the response at a URL, whatever its status is.
#[cfg(feature = "aws")]
pub(crate) async fn head_of(url: &str, clock: &Arc<dyn Clock>) -> Result<HeaderMap, Problem> {
    let url: Url = url.parse()?;
    let transport = Transport::for_url(&url)?;
    let http = Http::new(url, transport, Identity::Nobody, Arc::clone(clock));
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = Uri::from_static("/");
    Ok(http.ask(&request).await?.0)
}

/// Why an attempt has no response.
#[derive(Debug)]
enum Lost {
    /// The request could not be made, or the response could not be read.
    Problem(Problem),
    /// No response arrived.
    Way(String),
}

/// How long the API asks the client to wait, or `usual` if it does not say.
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
