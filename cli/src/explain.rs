//! Finds the underlying cause of a problem: an error code of an AWS service can say more about the configuration than
//! the problem that the core derives from it.

use std::error::Error;

use prism_functions::domain::{Code, Problem};
use prism_functions::ports::{Ec2Error, Fault, Refusal};

/// Returns the problem with the code of its cause, if the cause has to be fixed on this machine: a database file,
/// credentials, a clock, or a profile that names something that does not exist.
pub(crate) fn explain(problem: Problem) -> Problem {
    let problem = prism_local::explain(problem);
    let Some((code, message)) = found(&problem) else {
        return problem;
    };
    Problem::new(code, message).because(Whole(problem.chain()))
}

/// The whole message of the original problem, as a cause.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Whole(String);

fn found(problem: &Problem) -> Option<(Code, &'static str)> {
    // DynamoDB's own messages, which are the cause if the registry was called wrongly.
    let schema = [
        "does not match the schema",
        "does not have the specified index",
    ];
    let told = problem.chain();
    if schema.iter().any(|part| told.contains(part)) {
        let message = "The registry's table is not a table of Prism: its keys or indexes differ.";
        return Some((Code::DeploymentNotFound, message));
    }
    let mut cause: Option<&(dyn Error + 'static)> = problem.source();
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            // The original problem has this code already, and more details.
            let code = refusal.fault.code();
            return (code != problem.code).then(|| (code, refusal.fault.means()));
        }
        if let Some(error) = error.downcast_ref::<Ec2Error>() {
            return of(&error.code, &error.message);
        }
        cause = error.source();
    }
    None
}

/// What an AWS error code says about credentials and clocks, for any service.
pub(crate) fn of(code: &str, sentence: &str) -> Option<(Code, &'static str)> {
    match Fault::of(code, sentence)? {
        // The caller reports missing permissions and resources itself.
        Fault::Permission | Fault::Absent => None,
        fault => Some((fault.code(), fault.means())),
    }
}

#[cfg(test)]
mod tests {
    use prism_functions::ports::{ExecutionsError, TableError};

    use super::*;

    fn table(code: &str, sentence: &str) -> Problem {
        let action = "dynamodb:DescribeTable";
        let error = match Refusal::of(code, sentence, action, "the table prism") {
            Some(refusal) => TableError::Refused(refusal),
            None => TableError::Unavailable {
                reason: format!("{code}: {sentence}"),
                transient: true,
                advice: None,
                source: None,
            },
        };
        explain(
            Problem::new(Code::RegistryUnavailable, "The registry did not respond.").because(error),
        )
    }

    #[test]
    fn each_misconfiguration_has_its_code_and_keeps_what_was_told() {
        for (error, sentence, code) in [
            ("ResourceNotFoundException", "no", Code::DeploymentNotFound),
            ("AccessDeniedException", "no", Code::PermissionMissing),
            ("ExpiredTokenException", "no", Code::CredentialsExpired),
            (
                "UnrecognizedClientException",
                "no",
                Code::CredentialsRefused,
            ),
            (
                "InvalidSignatureException",
                "Signature expired: 1 is",
                Code::ClockWrong,
            ),
            (
                "InvalidSignatureException",
                "does not match",
                Code::CredentialsRefused,
            ),
            ("RequestNotSent", "it could not", Code::CredentialsMissing),
            ("ThrottlingException", "no", Code::RegistryUnavailable),
        ] {
            let problem = table(error, sentence);
            assert_eq!(problem.code, code, "{error}");
            let told = format!("{error}: {sentence}");
            assert!(problem.chain().contains(&told), "{}", problem.chain());
        }
    }

    #[test]
    fn what_is_explained_already_is_left_as_it_is() {
        let refusal = Refusal::of("AccessDenied", "no", "states:StartExecution", "the machine");
        let problem = explain(refusal.unwrap().problem());
        assert!(
            problem.message.contains("states:StartExecution"),
            "{problem}"
        );
    }

    #[test]
    fn the_other_ports_are_understood_too() {
        let machine = "the state machine save";
        let gone = Refusal::of(
            "StateMachineDoesNotExist",
            "no",
            "states:StopExecution",
            machine,
        );
        let gone = ExecutionsError::Refused(gone.unwrap());
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
