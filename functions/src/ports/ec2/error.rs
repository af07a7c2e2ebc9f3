//! EC2's errors, and what they mean.

use std::sync::Arc;

/// What EC2, or the way to it, answered instead of what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{action} answered {code}: {message}")]
pub struct Ec2Error {
    /// The EC2 action, such as `StopInstances`.
    pub action: String,
    /// EC2's code, such as `IncorrectInstanceState`; `Timeout` where no answer came,
    /// `Unreachable` where no connection could be made.
    pub code: String,
    /// EC2's sentence.
    pub message: String,
    /// What the adapter saw, where EC2 itself did not answer.
    #[source]
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl PartialEq for Ec2Error {
    fn eq(&self, other: &Self) -> bool {
        (&self.action, &self.code, &self.message) == (&other.action, &other.code, &other.message)
    }
}

impl Eq for Ec2Error {}

impl Ec2Error {
    /// The code of a refusal that lies in a KMS key's policy, not in what the caller's own policies allow.
    pub const KEY_POLICY: &str = "RefusedByKeyPolicy";

    /// Whether EC2 will not open an AMI to somebody, however often it is asked: for how it is encrypted, what
    /// the account blocks, or a quota.
    pub fn is_unshareable(&self) -> bool {
        matches!(
            self.code.as_str(),
            "InvalidParameter"
                | "InvalidParameterValue"
                | "InvalidAMIAttributeItemValue"
                | "OperationNotPermitted"
                | "ResourceLimitExceeded"
                | "UnsupportedOperation"
        )
    }

    /// Whether a KMS key is in a state in which it cannot be used.
    pub fn is_about_key_state(&self) -> bool {
        matches!(
            self.code.as_str(),
            "DisabledException" | "KMSInvalidStateException" | "NotFoundException"
        )
    }

    /// An error of an action.
    pub fn new(action: &str, code: &str, message: impl Into<String>) -> Self {
        Self {
            action: action.to_owned(),
            code: code.to_owned(),
            message: message.into(),
            source: None,
        }
    }

    /// The same with what the adapter saw.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Whether too many calls were made; the call had no effect.
    pub fn is_throttle(&self) -> bool {
        matches!(
            self.code.as_str(),
            "RequestLimitExceeded"
                | "Throttling"
                | "ThrottlingException"
                | "SnapshotCreationPerVolumeRateExceeded"
        )
    }

    /// Whether the named resource does not exist, or is not yet known everywhere.
    pub fn is_not_found(&self) -> bool {
        self.code.ends_with(".NotFound") || self.code == "ParameterNotFound"
    }

    /// Whether there is no room for the instance now (EC2 facts, "Restart").
    pub fn is_capacity(&self) -> bool {
        matches!(
            self.code.as_str(),
            "InsufficientInstanceCapacity"
                | "InsufficientHostCapacity"
                | "InsufficientReservedInstanceCapacity"
                | "InstanceLimitExceeded"
                | "VcpuLimitExceeded"
        )
    }

    /// Whether the caller lacks a permission.
    pub fn is_unauthorized(&self) -> bool {
        matches!(
            self.code.as_str(),
            "UnauthorizedOperation" | "AuthFailure" | "AccessDenied" | "AccessDeniedException"
        ) && !self.is_about_credentials()
    }

    /// Whether the credentials are not accepted, so that nobody knows who asks.
    pub fn is_about_credentials(&self) -> bool {
        match self.code.as_str() {
            // It has two meanings.
            "AuthFailure" => !self.message.contains("Not authorized"),
            "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "RequestExpired"
            | "RequestNotSent"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException" => true,
            _ => false,
        }
    }

    /// Whether the resource is in a state that does not allow the action, perhaps only for now.
    pub fn is_incorrect_state(&self) -> bool {
        matches!(
            self.code.as_str(),
            "IncorrectInstanceState" | "IncorrectState" | "InvalidAMIID.Unavailable"
        )
    }

    /// Whether the service failed or did not answer: the call may have had its effect.
    pub fn is_unknown_outcome(&self) -> bool {
        matches!(
            self.code.as_str(),
            "Timeout"
                | "Unreachable"
                | "InternalError"
                | "InternalFailure"
                | "Unavailable"
                | "ServiceUnavailable"
        )
    }
}
