//! Finds what really is the matter behind a problem: a service of AWS that refuses, whose own code
//! says more about the configuration than what the core makes of it.

use std::error::Error;

use prism_functions::domain::{Code, Problem};
use prism_functions::ports::{Ec2Error, ExecutionsError, TableError};

/// The same problem, under the code of what caused it, if that is something that has to be mended
/// here: a database file, credentials, a clock, a profile that names what is not there.
pub(crate) fn explain(problem: Problem) -> Problem {
    let problem = prism_local::explain(problem);
    let Some((code, message)) = found(&problem) else {
        return problem;
    };
    Problem::new(code, message).because(Whole(problem.chain()))
}

/// All that was told before, as the cause.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Whole(String);

fn found(problem: &Problem) -> Option<(Code, &'static str)> {
    // DynamoDB's own sentences, which the registry passes on where it was asked wrongly.
    let schema = [
        "does not match the schema",
        "does not have the specified index",
    ];
    if schema.iter().any(|part| problem.message.contains(part)) {
        let message = "The registry's table is not one of Prism's: its keys or indexes are others.";
        return Some((Code::DeploymentNotFound, message));
    }
    let mut cause: Option<&(dyn Error + 'static)> = problem.source();
    while let Some(error) = cause {
        if let Some(TableError::Unavailable { reason, .. }) = error.downcast_ref() {
            return of_reason(reason, "The registry's table is not there.");
        }
        if let Some(ExecutionsError::Unavailable { reason, .. }) = error.downcast_ref() {
            return of_reason(reason, "The state machine is not there.");
        }
        if let Some(error) = error.downcast_ref::<Ec2Error>() {
            return of(&error.code, &error.message);
        }
        cause = error.source();
    }
    None
}

/// What a reason of the form `Code: sentence` means. `absent` is said where the service knows the
/// caller and not the thing.
fn of_reason(reason: &str, absent: &'static str) -> Option<(Code, &'static str)> {
    let (code, sentence) = reason.split_once(": ").unwrap_or((reason, ""));
    match code {
        "ResourceNotFoundException" | "StateMachineDoesNotExist" | "InvalidArn" => {
            Some((Code::DeploymentNotFound, absent))
        }
        "AccessDeniedException" | "AccessDenied" => Some((
            Code::PermissionMissing,
            "A permission that this needs is missing.",
        )),
        _ => of(code, sentence),
    }
}

/// What an error of AWS says about credentials and clocks, whichever the service.
pub(crate) fn of(code: &str, sentence: &str) -> Option<(Code, &'static str)> {
    let skewed = [
        "Signature expired",
        "not yet current",
        "too skewed",
        "TimeTooSkewed",
    ];
    if code == "RequestTimeTooSkewed" || skewed.iter().any(|part| sentence.contains(part)) {
        return Some((
            Code::ClockWrong,
            "AWS refuses the call for the time in its signature.",
        ));
    }
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Some((
            Code::CredentialsExpired,
            "The AWS credentials have expired.",
        )),
        "RequestNotSent" => Some((
            Code::CredentialsMissing,
            "The call could not be sent: there are no AWS credentials, or none that can be read.",
        )),
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "AuthFailure"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "InvalidAccessKeyId"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException" => Some((
            Code::CredentialsRefused,
            "AWS does not accept the credentials.",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(reason: &str) -> Problem {
        let error = TableError::Unavailable {
            reason: reason.to_owned(),
            transient: false,
            advice: None,
            source: None,
        };
        explain(
            Problem::new(Code::RegistryUnavailable, "The registry did not answer.").because(error),
        )
    }

    #[test]
    fn each_misconfiguration_has_its_code_and_keeps_what_was_told() {
        for (reason, code) in [
            ("ResourceNotFoundException: no", Code::DeploymentNotFound),
            ("AccessDeniedException: no", Code::PermissionMissing),
            ("ExpiredTokenException: no", Code::CredentialsExpired),
            ("UnrecognizedClientException: no", Code::CredentialsRefused),
            (
                "InvalidSignatureException: Signature expired: 1 is",
                Code::ClockWrong,
            ),
            (
                "InvalidSignatureException: does not match",
                Code::CredentialsRefused,
            ),
            (
                "RequestNotSent: the request could not be sent",
                Code::CredentialsMissing,
            ),
            ("ThrottlingException: no", Code::RegistryUnavailable),
        ] {
            let problem = table(reason);
            assert_eq!(problem.code, code, "{reason}");
            assert!(problem.chain().contains(reason), "{}", problem.chain());
        }
    }

    #[test]
    fn the_other_ports_are_understood_too() {
        let gone = ExecutionsError::Unavailable {
            reason: "StateMachineDoesNotExist: no".to_owned(),
            source: None,
        };
        let problem = explain(Problem::new(Code::AwsUnavailable, "No.").because(gone));
        assert_eq!(problem.code, Code::DeploymentNotFound);
        let refused = Ec2Error::new("ec2:DescribeRegions", "AuthFailure", "no");
        let problem = explain(Problem::new(Code::AwsRefused, "No.").because(refused));
        assert_eq!(problem.code, Code::CredentialsRefused);
        let schema = "The provided key element does not match the schema";
        let problem = explain(Problem::new(Code::Internal, schema));
        assert_eq!(problem.code, Code::DeploymentNotFound);
    }
}
