//! Faults and their HTTP statuses.

use prism_functions::ports::Ec2Error;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self::with_status(status_of(code), code, message)
    }

    pub(super) fn with_status(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub(super) fn dry_run() -> Self {
        let message = "Request would have succeeded, but DryRun flag is set.";
        Self::new("DryRunOperation", message)
    }
}

impl From<Ec2Error> for Fault {
    fn from(error: Ec2Error) -> Self {
        if error.code == "Unreachable" {
            // On AWS, an unknown Region has no host that could respond; here one host serves all Regions.
            let message = "Credential should be scoped to a valid Region.";
            return Self::with_status(401, "AuthFailure", message);
        }
        Self::new(&error.code, error.message)
    }
}

/// EC2's statuses: 400 for errors that the caller can correct, 403 and 412 for permissions and dry runs, 500 for lack
/// of capacity, and 503 for temporary errors.
fn status_of(code: &str) -> u16 {
    match code {
        "UnauthorizedOperation" | "MissingAuthenticationToken" | "SignatureDoesNotMatch" => 403,
        "DryRunOperation" => 412,
        "RequestEntityTooLarge" => 413,
        "InsufficientInstanceCapacity"
        | "InsufficientHostCapacity"
        | "InsufficientReservedInstanceCapacity"
        | "InternalError"
        | "InternalFailure"
        | "ServerInternal" => 500,
        "RequestLimitExceeded" | "Unavailable" | "ServiceUnavailable" => 503,
        _ => 400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_goes_with_its_status() {
        for (code, status) in [
            ("InvalidInstanceID.NotFound", 400),
            ("UnauthorizedOperation", 403),
            ("DryRunOperation", 412),
            ("InsufficientInstanceCapacity", 500),
            ("RequestLimitExceeded", 503),
        ] {
            let error = Ec2Error::new("X", code, "m");
            assert_eq!(Fault::from(error).status, status, "{code}");
        }
        let nowhere = Fault::from(Ec2Error::new("X", "Unreachable", "m"));
        assert_eq!(
            (nowhere.status, nowhere.code.as_str()),
            (401, "AuthFailure")
        );
    }
}
