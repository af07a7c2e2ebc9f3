//! EC2's errors, and what they mean.

use std::sync::Arc;

use crate::ports::Fault;

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
            "InsufficientCapacity"
                | "InsufficientCapacityOnHost"
                | "InsufficientHostCapacity"
                | "InsufficientInstanceCapacity"
                | "InsufficientReservedInstanceCapacity"
                | "ReservationCapacityExceeded"
                // No Dedicated Host is free, or none that fits.
                | "IncompatibleHostRequirements"
                | "UnavailableHostRequirements"
        )
    }

    /// Whether the account has as much as it may have now. `ResourceLimitExceeded` is also what CopyImage returns
    /// while too many copies run to its Region (EC2 fact 8).
    pub fn is_quota(&self) -> bool {
        matches!(
            self.code.as_str(),
            "InstanceLimitExceeded" | "ResourceLimitExceeded" | "VcpuLimitExceeded"
        )
    }

    /// Whether a start is refused for what the instance is, so that it is refused again until somebody changes that
    /// ("Error codes for the Amazon EC2 API"). Every other refusal of a start may pass: capacity, hosts,
    /// reservations and accounts change without anybody's touching the instance, and EC2 adds codes.
    pub fn is_lasting_refusal_to_start(&self) -> bool {
        matches!(
            self.code.as_str(),
            // The AWS Marketplace subscription that the instance needs has ended.
            "OptInRequired"
                // The instance's own configuration does not allow it.
                | "UnsupportedHibernationConfiguration"
                | "UnsupportedHostConfiguration"
                | "UnsupportedInstanceTypeOnHost"
                | "UnsupportedOperation"
                | "UnsupportedTenancy"
                | "ZonesMismatched"
        )
    }

    /// Whether the caller lacks a permission.
    pub fn is_unauthorized(&self) -> bool {
        Fault::of(&self.code, &self.message) == Some(Fault::Permission)
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
                | "RetryableError"
                | "ServerInternal"
                | "ServiceUnavailable"
                | "Unavailable"
        )
    }
}
