//! What EC2's errors mean to a save.

use crate::domain::{Code, Problem};
use crate::ports::{Ec2Error, Fault, advice};

/// The problem that an EC2 error is, wherever the step has no better word for it.
pub(crate) fn from_ec2(error: Ec2Error) -> Problem {
    let (code, message) = if error.is_throttle() {
        (Code::Throttled, "EC2 had too many calls.".to_owned())
    } else if error.is_capacity() {
        (
            Code::NoCapacity,
            "EC2 has no room for the instance now.".to_owned(),
        )
    } else if error.is_quota() {
        (
            Code::QuotaExceeded,
            "A quota of the account is used up.".to_owned(),
        )
    } else if error.is_unauthorized() {
        (
            Code::PermissionMissing,
            format!(
                "The permission for {} is missing.",
                permission(&error.action)
            ),
        )
    } else if error.is_incorrect_state() {
        (Code::NotReady, "EC2 is not ready for that yet.".to_owned())
    } else if error.is_unknown_outcome() {
        (
            Code::AwsUnavailable,
            "EC2 did not answer, or failed.".to_owned(),
        )
    } else if let Some(fault) = credentials(&error) {
        (fault.code(), fault.means().to_owned())
    } else {
        let message = format!("EC2 refused {} ({}).", error.action, error.code);
        (Code::AwsRefused, message)
    };
    let problem = Problem::new(code, message);
    let problem = match advice(&error.code, &error.message) {
        Some(advice) => problem.hint(advice),
        None => problem,
    };
    problem.because(error)
}

/// What is wrong with the credentials of the call, or with the clock that signed it.
fn credentials(error: &Ec2Error) -> Option<Fault> {
    Fault::of(&error.code, &error.message)
        .filter(|fault| !matches!(fault, Fault::Permission | Fault::Absent))
}

/// The IAM name of an action; one of another service names the service itself.
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
            assert!(problem.chain().contains(ec2));
        }
    }

    #[test]
    fn what_lies_in_the_setup_says_what_to_do() {
        let problem = |code, message| from_ec2(Ec2Error::new("DescribeInstances", code, message));
        let expired = problem("RequestExpired", "Request has expired.");
        assert!(expired.advice().contains("have expired"), "{expired:?}");
        let nobody = problem(
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
        );
        assert!(
            nobody.advice().contains("Check the credentials"),
            "{nobody:?}"
        );
        let image = problem("AuthFailure", "Not authorized for images: [ami-1]");
        assert_eq!(image.code, Code::PermissionMissing);
    }
}
