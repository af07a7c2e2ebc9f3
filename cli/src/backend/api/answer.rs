//! What the API answered, read: as it should be, or as the problem that it tells.

use http::{HeaderMap, StatusCode};
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::WWW_AUTHENTICATE;
use prism_functions::domain::ids::shown;
use prism_functions::domain::sensitive::ShownFile;
use prism_functions::domain::{Code, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::url::Url;

/// An answer that is no problem.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Bytes,
    url: Url,
}

/// A problem as the API tells it.
#[derive(Debug, Deserialize)]
struct Told {
    code: String,
    detail: String,
    hint: Option<String>,
    #[serde(default)]
    files: Vec<ShownFile>,
}

impl Answer {
    /// Reads the head of what came back.
    pub(super) fn of(answer: Response<Bytes>, url: &Url) -> Result<Self, Problem> {
        let (head, body) = answer.into_parts();
        if head.status.is_success() {
            return Ok(Self {
                body,
                url: url.clone(),
            });
        }
        if let Ok(told) = serde_json::from_slice::<Told>(&body) {
            return Err(problem(told));
        }
        Err(unnamed(head.status, &head.headers, &body, url))
    }

    /// Its body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| self.unreadable(error))
    }

    /// Its body as text.
    pub(crate) fn text(self) -> Result<String, Problem> {
        String::from_utf8(self.body.to_vec()).map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, error: impl std::error::Error + Send + Sync + 'static) -> Problem {
        let message = format!("What {} answered is no answer of Prism's API.", self.url);
        Problem::new(Code::ApiUnavailable, message)
            .because(error)
            .hint("Check the profile's url; the deployment may also be of another version.")
    }
}

/// A problem that the API names is the same problem here.
fn problem(told: Told) -> Problem {
    let named = told.code.parse().ok();
    let message = match named {
        Some(_) => told.detail,
        // A newer deployment may have codes that this program does not know.
        None => format!("The API answered {}: {}", told.code, told.detail),
    };
    Problem {
        hint: told.hint,
        files: told.files,
        ..Problem::new(named.unwrap_or(Code::AwsRefused), message)
    }
}

/// What stands before the API, such as API Gateway, tells no code.
fn unnamed(status: StatusCode, headers: &HeaderMap, body: &[u8], url: &Url) -> Problem {
    let body = String::from_utf8_lossy(body);
    let said = format!("HTTP status {}, {}", status.as_u16(), shown(body.trim()));
    let challenge = headers.get(WWW_AUTHENTICATE);
    let challenge = challenge
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let expired = challenge.contains("expired") || body.contains("expired");
    let skewed = body.contains("Signature expired") || body.contains("not yet current");
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if skewed => {
            let message = "The API refuses the time in the request's signature.";
            Problem::new(Code::ClockWrong, message)
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if expired => Problem::new(
            Code::CredentialsExpired,
            "The token or the credentials have expired.",
        ),
        StatusCode::UNAUTHORIZED => {
            let message = "The API does not accept the token or the credentials.";
            Problem::new(Code::CredentialsRefused, message)
        }
        StatusCode::FORBIDDEN => {
            let message = "The API lets these credentials do nothing.";
            Problem::new(Code::PermissionMissing, message)
                .hint("Ask an administrator for execute-api:Invoke on the API.")
        }
        StatusCode::NOT_FOUND => Problem::new(
            Code::DeploymentNotFound,
            format!("There is no API of Prism at {url}."),
        )
        .hint("Check the profile's url: prism doctor"),
        StatusCode::TOO_MANY_REQUESTS => {
            Problem::new(Code::Throttled, "The API had too many calls.")
        }
        _ => Problem::new(
            Code::ApiUnavailable,
            format!("The API at {url} does not work now."),
        ),
    }
    .because(said)
}
