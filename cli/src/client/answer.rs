//! Reads a response of the API: its value, or the problem that it reports.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Bytes;
use prism_functions::api::ProblemBody;
use prism_functions::domain::ids::shown;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::Reply;

use super::url::Url;

/// Reads a successful response.
pub(super) fn read(answer: Response<Bytes>, url: &Url) -> Result<Reply, Problem> {
    let (head, body) = answer.into_parts();
    if head.status.is_success() || head.status == StatusCode::NOT_MODIFIED {
        return Ok(Reply {
            status: head.status,
            headers: head.headers,
            body,
        });
    }
    match serde_json::from_slice::<ProblemBody>(&body) {
        Ok(body) => Err(body.into()),
        Err(_) => Err(unnamed(head.status, &head.headers, &body, url)),
    }
}

/// The problem for an error without a code, which comes from something in front of the API, such as API Gateway.
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
            let message = "The API rejects the time in the request's signature.";
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
            let message = "These credentials have no access to the API.";
            Problem::new(Code::PermissionMissing, message)
                .hint("Ask an administrator for execute-api:Invoke on the API.")
        }
        StatusCode::NOT_FOUND => Problem::new(
            Code::DeploymentNotFound,
            format!("There is no Prism API at {url}."),
        )
        .hint("Check the profile's url with \"prism doctor\"."),
        StatusCode::TOO_MANY_REQUESTS => {
            Problem::new(Code::Throttled, "The API received too many requests.")
        }
        _ => Problem::new(
            Code::ApiUnavailable,
            format!("The API at {url} is not available now."),
        ),
    }
    .because(said)
}
