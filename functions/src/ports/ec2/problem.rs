//! Converts EC2's errors to problems of a save.

use crate::domain::{Code, Problem};
use crate::ports::{Ec2Error, Ec2ErrorKind, Fault, StateReason, advice, named_action};

/// The problem for an EC2 error, unless the step has a more specific one.
pub(crate) fn from_ec2(error: Ec2Error) -> Problem {
    let (code, message) = match error.kind() {
        Ec2ErrorKind::Throttled => (Code::Throttled, "EC2 throttled the request"),
        Ec2ErrorKind::NoCapacity => (
            Code::NoCapacity,
            "EC2 has no capacity for the instance at the moment",
        ),
        Ec2ErrorKind::QuotaExceeded => (Code::QuotaExceeded, "A quota of the account is exceeded"),
        Ec2ErrorKind::IncorrectState | Ec2ErrorKind::ImageUnavailable => {
            (Code::NotReady, "EC2 is not ready for the request yet")
        }
        Ec2ErrorKind::UnknownOutcome => (
            Code::AwsUnavailable,
            "EC2 did not respond, or returned an internal error",
        ),
        _ => match Fault::of(&error.code, &error.message) {
            Some(Fault::Permission) => return advised(error, Code::PermissionMissing, missing),
            Some(Fault::Absent) | None => return advised(error, Code::AwsRefused, refused),
            Some(fault) => (fault.code(), fault.means().trim_end_matches('.')),
        },
    };
    advised(error, code, |error| {
        format!("{message} ({}: {}).", error.action, error.code)
    })
}

/// Creates a problem that names the action and EC2's code. EC2's message is only included as a cause, for the log.
fn advised(error: Ec2Error, code: Code, message: impl Fn(&Ec2Error) -> String) -> Problem {
    let problem = Problem::new(code, message(&error));
    let problem = match advice(&error.code, &error.message) {
        Some(advice) => problem.hint(advice),
        None => problem,
    };
    problem.because(error)
}

fn missing(error: &Ec2Error) -> String {
    let action = named_action(&error.message).map(str::to_owned);
    let action = action.unwrap_or_else(|| permission(&error.action));
    format!("The permission for {action} is missing ({}).", error.code)
}

/// A sentence that names the failed action and EC2's code.
pub(crate) fn refused(error: &Ec2Error) -> String {
    format!("EC2 refused {} ({}).", error.action, error.code)
}

/// EC2's reason code for a state, for display to users.
pub(crate) fn reason_code(reason: Option<&StateReason>) -> &str {
    let code = reason.map(|reason| reason.code.as_str());
    code.filter(|code| !code.is_empty())
        .unwrap_or("no reason given")
}

/// Adds a state reason to the problem. Its message is only included as a cause, for the log.
pub(crate) fn for_reason(problem: Problem, reason: Option<&StateReason>) -> Problem {
    match reason {
        Some(reason) => problem.because(reason.message.clone()),
        None => problem,
    }
}

/// The IAM name of an action. Actions of services other than EC2 already include the service.
fn permission(action: &str) -> String {
    if action.contains(':') {
        action.to_owned()
    } else {
        format!("ec2:{action}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_goes_by_its_iam_name() {
        assert_eq!(permission("StopInstances"), "ec2:StopInstances");
        assert_eq!(permission("kms:DescribeKey"), "kms:DescribeKey");
    }

    #[test]
    fn the_action_that_is_missing_is_the_one_that_aws_names() {
        let missing = |message: &str| {
            from_ec2(Ec2Error::new(
                "CreateImage",
                "UnauthorizedOperation",
                message,
            ))
            .message
        };
        let told = "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: ec2:CreateTags on \
                    resource: arn:aws:ec2:us-east-1::image/*";
        let shown = "The permission for ec2:CreateTags is missing (UnauthorizedOperation).";
        assert_eq!(missing(told), shown);
        let shown = "The permission for ec2:CreateImage is missing (UnauthorizedOperation).";
        assert_eq!(missing("It may not perform: arn:aws:iam::1:role/r"), shown);
    }

    #[test]
    fn each_kind_of_error_has_its_code() {
        let cases = [
            ("RequestLimitExceeded", Code::Throttled),
            ("InsufficientInstanceCapacity", Code::NoCapacity),
            ("ReservationCapacityExceeded", Code::NoCapacity),
            ("InsufficientCapacityOnHost", Code::NoCapacity),
            ("IncompatibleHostRequirements", Code::NoCapacity),
            ("UnavailableHostRequirements", Code::NoCapacity),
            ("InstanceLimitExceeded", Code::QuotaExceeded),
            ("VcpuLimitExceeded", Code::QuotaExceeded),
            ("ResourceLimitExceeded", Code::QuotaExceeded),
            ("UnauthorizedOperation", Code::PermissionMissing),
            ("IncorrectInstanceState", Code::NotReady),
            ("Timeout", Code::AwsUnavailable),
            ("InternalError", Code::AwsUnavailable),
            ("ServerInternal", Code::AwsUnavailable),
            ("RetryableError", Code::AwsUnavailable),
            ("InvalidParameterValue", Code::AwsRefused),
            ("RequestExpired", Code::CredentialsExpired),
            ("AuthFailure", Code::CredentialsRefused),
            ("RequestTimeTooSkewed", Code::ClockWrong),
        ];
        for (ec2, code) in cases {
            let problem = from_ec2(Ec2Error::new("StartInstances", ec2, "why"));
            assert_eq!(problem.code, code, "{ec2}");
            assert!(problem.message.contains(ec2), "{problem}");
            assert!(problem.message.contains("StartInstances"), "{problem}");
            assert!(!problem.message.contains("why"), "{problem}");
            assert!(problem.chain().contains("why"), "the log has it");
        }
    }

    #[test]
    fn what_lies_in_the_setup_says_what_to_do() {
        let problem = |code, message| from_ec2(Ec2Error::new("DescribeInstances", code, message));
        let expired = problem("RequestExpired", "Request has expired.");
        assert!(expired.advice().contains("new credentials"), "{expired:?}");
        let nobody = problem(
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
        );
        assert!(
            nobody.advice().contains("Check that the credentials"),
            "{nobody:?}"
        );
        let image = problem("AuthFailure", "Not authorized for images: [ami-1]");
        assert_eq!(image.code, Code::PermissionMissing);
    }
}
