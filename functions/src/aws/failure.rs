//! Interprets failed calls to any AWS service.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::ports::Refusal;

/// No response arrived in time.
pub(super) const TIMEOUT: &str = "Timeout";
/// The connection failed or was lost.
pub(super) const UNREACHABLE: &str = "Unreachable";
/// The request could not be created, for example because there are no credentials.
const NOT_SENT: &str = "RequestNotSent";
/// The service failed without returning an error code.
pub(super) const UNAVAILABLE: &str = "ServiceUnavailable";
/// The response is not one that this service sends.
pub(super) const UNREADABLE: &str = "UnreadableAnswer";

/// A failed call: the service's error code and message, or one of Prism's own with its cause.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: String,
    pub(super) message: String,
    /// The cause, if the service itself did not respond.
    pub(super) source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub(super) fn of<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let (code, message) = match &error {
            SdkError::ServiceError(answer) => match answer.err().code() {
                Some(code) => {
                    let message = answer.err().message().unwrap_or("no reason was given");
                    return Self {
                        code: code.to_owned(),
                        message: message.to_owned(),
                        source: None,
                    };
                }
                None => without_code(answer.raw().status().as_u16()),
            },
            SdkError::TimeoutError(_) => (TIMEOUT, "the request timed out".to_owned()),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                (TIMEOUT, "the request timed out".to_owned())
            }
            SdkError::DispatchFailure(failure) if failure.is_io() => {
                (UNREACHABLE, "the connection failed".to_owned())
            }
            SdkError::ResponseError(_) => (
                UNAVAILABLE,
                "the response was incomplete or not valid".to_owned(),
            ),
            _ => (NOT_SENT, "the request could not be sent".to_owned()),
        };
        Self {
            code: code.to_owned(),
            message,
            source: Some(Box::new(error)),
        }
    }

    /// Whether the same call may succeed later without intervention.
    pub(super) fn is_transient(&self) -> bool {
        let code = self.code.as_str();
        matches!(
            code,
            TIMEOUT
                | UNREACHABLE
                | UNAVAILABLE
                | "InternalServerError"
                | "InternalServerException"
                | "InternalFailure"
        ) || code.contains("InProgress")
            || self.is_throttle()
    }

    /// Whether the service refused the call because it received too many.
    pub(super) fn is_throttle(&self) -> bool {
        let codes = ["Throttl", "ThroughputExceeded", "LimitExceeded"];
        codes.iter().any(|part| self.code.contains(part))
    }

    /// Converts a refusal of a call that requires `action` on `resource`. Returns the failure itself if it is not
    /// one.
    pub(super) fn refusal(self, action: &str, resource: &str) -> Result<Refusal, Self> {
        match Refusal::of(&self.code, &self.message, action, resource) {
            Some(refusal) => Ok(Refusal {
                source: self.source,
                ..refusal
            }),
            None => Err(self),
        }
    }

    /// The error code and the message.
    pub(super) fn reason(&self) -> String {
        format!("{}: {}", self.code, self.message)
    }
}

/// A response without an error code comes from something between Prism and the service.
fn without_code(status: u16) -> (&'static str, String) {
    let code = if status >= 500 {
        UNAVAILABLE
    } else {
        UNREADABLE
    };
    (code, format!("a response with HTTP status {status}"))
}
