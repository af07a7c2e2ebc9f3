//! Problems as `application/problem+json` (RFC 9457).

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::sensitive::ShownFile;
use crate::domain::{Class, Code, InvalidId, Problem};

pub const PROBLEM_JSON: &str = "application/problem+json";

/// A problem that a handler returns. Its response contains only the status; `finish` adds the body.
#[derive(Debug, Clone)]
pub struct Refused(Arc<Problem>);

impl Refused {
    pub(super) fn shared(problem: Arc<Problem>) -> Self {
        Self(problem)
    }

    pub(super) fn into_problem(self) -> Problem {
        Arc::try_unwrap(self.0).unwrap_or_else(|shared| Problem {
            code: shared.code,
            message: shared.message.clone(),
            hint: shared.hint.clone(),
            files: shared.files.clone(),
            retry_after_s: shared.retry_after_s,
            source: shared.source.as_ref().map(|_| shared.chain().into()),
        })
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(Arc::new(problem))
    }
}

impl From<InvalidId> for Refused {
    fn from(invalid: InvalidId) -> Self {
        Problem::from(invalid).into()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = status(self.0.code).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of a response with a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(title = "Problem", description = "What went wrong (RFC 9457).")]
pub struct ProblemBody {
    /// The kind of problem: `urn:prism:problem:` followed by the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the code means.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What happened, in a sentence that names the resources involved.
    pub detail: String,
    /// The stable error code.
    pub code: String,
    /// What to do about it.
    pub hint: String,
    /// All files that the problem is about, if it is about files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ShownFile>,
}

impl ProblemBody {
    /// Creates the body of a problem. Its cause is only logged, because error messages from AWS contain names of roles
    /// and accounts.
    pub fn of(problem: &Problem) -> Self {
        let code = problem.code;
        Self {
            kind: format!("urn:prism:problem:{code}"),
            title: code.means().to_owned(),
            status: status(code).as_u16(),
            detail: problem.message.clone(),
            code: code.to_string(),
            hint: problem.advice().to_owned(),
            files: problem.files.clone(),
        }
    }
}

impl From<ProblemBody> for Problem {
    /// Reads a problem from a body. A newer deployment may use codes that this version does not know; the message then
    /// contains the name of the code.
    fn from(body: ProblemBody) -> Self {
        let problem = if let Ok(code) = body.code.parse() {
            Problem::new(code, body.detail)
        } else {
            let message = format!("The API returned {}: {}", body.code, body.detail);
            Problem::new(Code::AwsRefused, message)
        };
        let problem = problem.with_files(body.files);
        if body.hint.is_empty() {
            problem
        } else {
            problem.hint(body.hint)
        }
    }
}

/// Returns the HTTP status for a code.
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::NotAuthenticated => StatusCode::UNAUTHORIZED,
        Code::NotAllowed => StatusCode::FORBIDDEN,
        Code::InstanceNotFound
        | Code::SaveNotFound
        | Code::TemplateNotFound
        | Code::VersionNotFound
        | Code::ScheduleNotFound
        | Code::KeyNotFound
        | Code::ShareNotFound
        | Code::ProjectNotFound
        | Code::MemberNotFound
        | Code::JoinCodeInvalid
        | Code::LinkNotFound
        | Code::RouteNotFound => StatusCode::NOT_FOUND,
        Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Code::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::WrongContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::Internal | Code::LocalStateCorrupt | Code::LocalIo | Code::DiskFull => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => match code.class() {
            Class::BadInput => StatusCode::BAD_REQUEST,
            Class::Refused => StatusCode::CONFLICT,
            Class::Failed => StatusCode::BAD_GATEWAY,
            Class::Transient => StatusCode::SERVICE_UNAVAILABLE,
        },
    }
}

/// Returns the number of seconds after which to repeat the request, if the problem may be temporary.
pub(super) fn retry_after_s(problem: &Problem) -> Option<u32> {
    problem.retry_after_s.or(match problem.code {
        Code::RegistryConflict | Code::LocalStateLocked => Some(1),
        Code::NoCapacity => Some(60),
        code => (code.class() == Class::Transient).then_some(5),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_back_from_its_body() {
        let problem = Problem::new(Code::StopProtected, "Stop protection is enabled.")
            .hint("Lift it.")
            .because("the role arn:aws:iam::111122223333:role/x");
        let text = serde_json::to_string(&ProblemBody::of(&problem)).unwrap();
        let body: ProblemBody = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (body.status, body.title.as_str()),
            (409, "Stop protection is enabled.")
        );
        let back = Problem::from(body);
        assert_eq!(back.code, Code::StopProtected);
        assert_eq!(back.message, "Stop protection is enabled.");
        assert_eq!(back.advice(), "Lift it.");
    }

    #[test]
    fn what_lies_behind_a_fault_of_ours_stays_inside() {
        let problem = Problem::new(Code::Internal, "A record cannot be read.").because("secret");
        assert_eq!(ProblemBody::of(&problem).detail, "A record cannot be read.");
    }

    #[test]
    fn every_code_has_a_status_of_its_class_and_only_transient_ones_say_when() {
        for code in Code::ALL {
            let status = status(*code);
            let (client, server) = (status.is_client_error(), status.is_server_error());
            match code.class() {
                Class::BadInput | Class::Refused => assert!(client, "{code} {status}"),
                Class::Failed => assert!(server, "{code} {status}"),
                Class::Transient => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{code}"),
            }
            let says = retry_after_s(&Problem::new(*code, "")).is_some();
            assert_eq!(says, code.class() == Class::Transient, "{code}");
        }
        let known = Problem::new(Code::Throttled, "").retry_after(17);
        assert_eq!(retry_after_s(&known), Some(17));
    }
}
