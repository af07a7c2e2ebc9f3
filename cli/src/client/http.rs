//! The HTTP API of a deployment: sends each request with a timeout, and retries it if that is safe.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper::body::Bytes;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::{Answer as _, Reply};
use prism_functions::operations::{Asked, Operation};
use prism_functions::ports::Clock;
use prism_local::clock::WallClock;
use reqwest::redirect::Policy;

use super::identity::Identity;
use super::url::Url;
use super::{Client, Way, answer};
use crate::environment::Environment;
use crate::profile::Profile;
use crate::text::causes;

/// The time limit for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// The time limit for one attempt. API Gateway allows its functions 30 seconds.
const ATTEMPT: Duration = Duration::from_secs(35);
/// The maximum number of attempts for one call.
const ATTEMPTS: u32 = 4;
/// The first pause between attempts. Each further pause is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, whatever the API asks for. Launches are told to come back within a minute.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The maximum size of a response, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// The API at a URL, for one caller.
pub(super) struct Http {
    url: Url,
    client: reqwest::Client,
    identity: Identity,
    clock: Arc<dyn Clock>,
}

impl Http {
    fn new(url: Url, identity: Identity, clock: &Arc<dyn Clock>) -> Result<Self, Problem> {
        Ok(Self {
            client: client(&url)?,
            url,
            identity,
            clock: Arc::clone(clock),
        })
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
        let request = request.try_into().map_err(|error| self.lost(error))?;
        let answer = self.client.execute(request).await;
        let mut answer = answer.map_err(|error| self.lost(error))?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.lost(error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST_BYTES {
                let message = format!("The API's response has more than {MOST_BYTES} bytes.");
                let problem = Problem::new(Code::ApiUnavailable, message);
                return Err(Lost::Problem(problem));
            }
        }
        let (head, _) = Response::from(answer).into_parts();
        Ok(Response::from_parts(head, body.into()))
    }

    /// Builds the request to send, with the caller's authentication.
    async fn signed(&self, request: &Request<Bytes>) -> Result<Request<Bytes>, Problem> {
        let text = self.url.join(&request.uri().to_string());
        // The path contains user input. It must be sent as it is signed, without dot segments removed, for example.
        let uri = reqwest::Url::parse(&text).is_ok_and(|url| url.as_str() == text);
        let uri = uri.then(|| text.parse::<Uri>().ok()).flatten();
        let Some(uri) = uri else {
            let message = "These values cannot be sent in a URL.";
            return Err(Problem::new(Code::InvalidInput, message));
        };
        let mut signed = request.clone();
        *signed.uri_mut() = uri;
        let json = HeaderValue::from_static("application/json");
        signed.headers_mut().insert(ACCEPT, json);
        self.identity.sign(&mut signed).await?;
        Ok(signed)
    }

    fn lost(&self, error: reqwest::Error) -> Lost {
        let causes = causes(&error);
        if error.is_connect() {
            Lost::Problem(self.unreached(&causes.join(": ")))
        } else if error.is_timeout() {
            Lost::Way(format!("no response came within {} s", ATTEMPT.as_secs()))
        } else if causes.is_empty() {
            Lost::Way(error.without_url().to_string())
        } else {
            Lost::Way(causes.join(": "))
        }
    }

    fn no_answer(&self, method: &Method, repeatable: bool, why: &str) -> Problem {
        if *method != Method::GET && !repeatable {
            let message = format!(
                "It is not known whether the API at {} carried out the request: {why}.",
                self.url
            );
            return Problem::new(Code::RequestInDoubt, message);
        }
        self.unreached(why)
    }

    fn unreached(&self, why: &str) -> Problem {
        let message = format!("The API at {} does not respond: {why}.", self.url);
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
    let identity = Identity::of(profile, environment, clock).await?;
    Http::new(url, identity, clock)
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
    let http = Http::new(url.parse()?, Identity::Nobody, clock)?;
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = Uri::from_static("/");
    Ok(http.ask(&request).await?.0)
}

/// The client for a URL. It follows no redirects, so that credentials are only sent to the URL of the profile. Requests
/// to this machine are not encrypted, and are never sent to a proxy.
fn client(url: &Url) -> Result<reqwest::Client, Problem> {
    #[cfg(not(feature = "api"))]
    if !url.plain {
        return Err(crate::lacking::without_api("HTTPS"));
    }
    // The client needs a provider even if nothing is encrypted. An error means that one is installed already.
    #[cfg(feature = "api")]
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("prism/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .timeout(ATTEMPT)
        .https_only(!url.plain);
    let builder = if url.plain {
        builder.no_proxy()
    } else {
        builder
    };
    builder.build().map_err(|error| {
        let message = "The HTTP client cannot be set up.";
        Problem::new(Code::LocalIo, message).because(error).hint(
            "Check that this machine has CA certificates (the package is often called ca-certificates), and check \
             the variable HTTPS_PROXY.",
        )
    })
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
