//! Errors from AWS that are caused by how Prism is configured rather than by the call. A retry does not help until
//! someone fixes the configuration.

use std::error::Error;

use crate::domain::{Code, Problem};

/// The configuration error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    CredentialsExpired,
    /// AWS does not recognize the credentials.
    CredentialsRefused,
    /// There are no credentials.
    CredentialsMissing,
    /// The system clock is wrong.
    Clock,
    /// A permission is missing.
    Permission,
    /// A required resource does not exist: a table, a state machine, a schedule group.
    Absent,
}

impl Fault {
    /// The configuration error that AWS's error `code` with the text `message` indicates; `None` if it indicates none.
    pub fn of(code: &str, message: &str) -> Option<Self> {
        Some(match code {
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Self::CredentialsExpired,
            "InvalidSignatureException" | "SignatureDoesNotMatch" if is_about_time(message) => {
                Self::Clock
            }
            "RequestTimeTooSkewed" => Self::Clock,
            "AuthFailure" if message.contains("Not authorized") => Self::Permission,
            "AuthFailure"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException"
            | "InvalidAccessKeyId"
            | "IncompleteSignature" => Self::CredentialsRefused,
            "MissingAuthenticationTokenException" | "RequestNotSent" => Self::CredentialsMissing,
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Self::Permission,
            "ResourceNotFoundException" | "StateMachineDoesNotExist" | "InvalidArn" => Self::Absent,
            _ => return None,
        })
    }

    /// A description of the error, in one sentence.
    pub fn means(self) -> &'static str {
        match self {
            Self::CredentialsExpired => "The AWS credentials have expired.",
            Self::CredentialsRefused => "AWS rejects the credentials.",
            Self::CredentialsMissing => {
                "The request could not be sent: there are no AWS credentials, or they cannot be read."
            }
            Self::Clock => "AWS rejects the request because of the time in its signature.",
            Self::Permission => "A required permission is missing.",
            Self::Absent => "A resource in the configuration does not exist.",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::CredentialsExpired => "Get new credentials. If these are new, set the clock.",
            Self::CredentialsRefused => {
                "Check that the credentials are valid for this account and partition. If they are, check the \
                 clock."
            }
            Self::CredentialsMissing => {
                "Provide credentials: a role, a profile (AWS_PROFILE), or access keys."
            }
            Self::Clock => "Set the clock: AWS rejects requests whose time is off by minutes.",
            Self::Permission => "Ask an administrator to grant the action that the message names.",
            Self::Absent => {
                "Check the configured names (PRISM_TABLE, PRISM_STATE_MACHINE_ARN, PRISM_SCHEDULE_GROUP) and the \
                 Region (AWS_REGION)."
            }
        }
    }

    /// The code of the corresponding problem.
    pub fn code(self) -> Code {
        match self {
            Self::CredentialsExpired => Code::CredentialsExpired,
            Self::CredentialsRefused => Code::CredentialsRefused,
            Self::CredentialsMissing => Code::CredentialsMissing,
            Self::Clock => Code::ClockWrong,
            Self::Permission => Code::PermissionMissing,
            Self::Absent => Code::DeploymentNotFound,
        }
    }
}

/// A call that failed because of a configuration error.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The configuration error.
    pub fault: Fault,
    /// The IAM action that was denied, such as `dynamodb:GetItem`.
    pub action: String,
    /// The resource of the call, such as `the table prism`.
    pub resource: String,
    /// AWS's error code and message.
    pub reason: String,
    /// The underlying error, if the service itself did not respond.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Refusal {
    /// Creates the refusal for an AWS error that indicates a configuration error, for a call that needs `action` on
    /// `resource`.
    pub fn of(code: &str, message: &str, action: &str, resource: &str) -> Option<Self> {
        Some(Self {
            fault: Fault::of(code, message)?,
            action: named_action(message).unwrap_or(action).to_owned(),
            resource: resource.to_owned(),
            reason: format!("{code}: {message}"),
            source: None,
        })
    }

    /// Converts the refusal to a problem for the caller.
    pub fn problem(self) -> Problem {
        let (action, resource) = (&self.action, &self.resource);
        let message = match self.fault {
            Fault::Permission => format!("The permission for {action} on {resource} is missing."),
            Fault::Absent => format!("AWS cannot find {resource}."),
            fault => fault.means().to_owned(),
        };
        Problem::new(self.fault.code(), message)
            .hint(self.fault.advice())
            .because(self)
    }
}

/// The IAM action that AWS's message reports as missing, such as `ec2:CreateTags`. A call can need several actions,
/// and only AWS knows which one was denied. Any other text, such as an ARN, is ignored.
pub(crate) fn named_action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("to perform: ")?;
    let action = rest.split_whitespace().next()?;
    let (service, name) = action.split_once(':')?;
    let plain = |text: &str| {
        let mut letters = text.chars();
        !text.is_empty() && letters.all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    (plain(service) && plain(name)).then_some(action)
}

const NETWORK: &str =
    "Check the Region (AWS_REGION), the endpoint, and the network connection to AWS.";

/// The advice for AWS's error `code` with the text `message`; `None` if it does not indicate a configuration error.
pub fn advice(code: &str, message: &str) -> Option<&'static str> {
    match code {
        "Unreachable" => Some(NETWORK),
        _ => Fault::of(code, message).map(Fault::advice),
    }
}

/// Whether AWS rejected a signature as expired or not yet valid.
fn is_about_time(message: &str) -> bool {
    ["Signature expired", "not yet current", "too skewed"]
        .iter()
        .any(|part| message.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Class;

    #[test]
    fn a_signature_of_another_time_is_the_clocks_fault() {
        let code = "InvalidSignatureException";
        for message in [
            "Signature expired: 20260105T090000Z is now earlier than 20260105T095500Z",
            "Signature not yet current: 20260105T110000Z is still later than 20260105T101500Z",
        ] {
            assert_eq!(Fault::of(code, message), Some(Fault::Clock));
        }
        let message = "The request signature we calculated does not match";
        assert_eq!(Fault::of(code, message), Some(Fault::CredentialsRefused));
    }

    #[test]
    fn what_says_nothing_about_the_setup_has_no_advice() {
        assert_eq!(advice("RequestLimitExceeded", "slow down"), None);
        assert!(advice("Unreachable", "no connection").is_some());
        assert_eq!(
            Fault::of("Unreachable", "no connection"),
            None,
            "it may pass"
        );
    }

    #[test]
    fn a_missing_permission_names_the_action_and_what_it_is_for() {
        let refused = |message: &str| {
            let refusal = Refusal::of(
                "AccessDeniedException",
                message,
                "dynamodb:GetItem",
                "the table prism",
            );
            refusal.unwrap().problem()
        };
        let problem = refused("no");
        assert_eq!(problem.code, Code::PermissionMissing);
        assert_eq!(
            problem.chain(),
            "The permission for dynamodb:GetItem on the table prism is missing: \
             AccessDeniedException: no"
        );
        let problem = refused(
            "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:Decrypt on \
             resource: arn:aws:kms:us-east-1:1:key/k because no policy allows the kms:Decrypt action",
        );
        assert!(problem.message.contains("for kms:Decrypt on"), "{problem}");
    }

    #[test]
    fn no_refusal_is_tried_again_by_itself() {
        for code in [
            "AccessDeniedException",
            "ExpiredTokenException",
            "UnrecognizedClientException",
            "RequestNotSent",
            "RequestTimeTooSkewed",
            "ResourceNotFoundException",
        ] {
            let problem = Refusal::of(code, "no", "a:B", "c").unwrap().problem();
            assert_eq!(problem.code.class(), Class::Refused, "{code}");
            assert!(problem.chain().contains(code));
        }
    }
}
