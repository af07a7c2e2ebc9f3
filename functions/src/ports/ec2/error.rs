//! EC2's errors and their meaning.

use std::sync::Arc;

use crate::ports::Fault;

/// An error from EC2, or from the connection to it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{action} answered {code}: {message}")]
pub struct Ec2Error {
    /// The EC2 action, such as `StopInstances`.
    pub action: String,
    /// EC2's error code, such as `IncorrectInstanceState`; `Timeout` if there was no response, `Unreachable` if no
    /// connection could be made.
    pub code: String,
    /// EC2's error message.
    pub message: String,
    /// The underlying error, if EC2 itself did not respond.
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
    /// The error code if the policy of a KMS key, rather than the caller's own policies, denies the request.
    pub const KEY_POLICY: &str = "RefusedByKeyPolicy";

    /// Whether EC2 permanently refuses to share an AMI with a recipient: because of its encryption, a block in the
    /// account, or a quota.
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

    /// Creates an error for an action.
    pub fn new(action: &str, code: &str, message: impl Into<String>) -> Self {
        Self {
            action: action.to_owned(),
            code: code.to_owned(),
            message: message.into(),
            source: None,
        }
    }

    /// Sets the underlying error.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Whether the call was throttled. A throttled call has no effect.
    pub fn is_throttle(&self) -> bool {
        matches!(
            self.code.as_str(),
            "RequestLimitExceeded"
                | "Throttling"
                | "ThrottlingException"
                | "SnapshotCreationPerVolumeRateExceeded"
        )
    }

    /// Whether the named resource does not exist, or is not visible everywhere yet.
    pub fn is_not_found(&self) -> bool {
        self.code.ends_with(".NotFound") || self.code == "ParameterNotFound"
    }

    /// Whether there is currently no capacity for the instance (EC2 facts, "Restart").
    pub fn is_capacity(&self) -> bool {
        matches!(
            self.code.as_str(),
            "InsufficientCapacity"
                | "InsufficientCapacityOnHost"
                | "InsufficientHostCapacity"
                | "InsufficientInstanceCapacity"
                | "InsufficientReservedInstanceCapacity"
                | "ReservationCapacityExceeded"
                // No suitable Dedicated Host is available.
                | "IncompatibleHostRequirements"
                | "UnavailableHostRequirements"
        )
    }

    /// Whether a quota of the account is currently used up. CopyImage also returns `ResourceLimitExceeded` while too
    /// many copies to its Region are in progress (EC2 fact 8).
    pub fn is_quota(&self) -> bool {
        matches!(
            self.code.as_str(),
            "InstanceLimitExceeded" | "ResourceLimitExceeded" | "VcpuLimitExceeded"
        )
    }

    /// Whether a start is refused because of a property of the instance, so that it fails until someone changes that
    /// property ("Error codes for the Amazon EC2 API"). All other errors may be temporary: capacity, hosts,
    /// reservations and accounts change independently of the instance, and EC2 adds error codes.
    pub fn is_lasting_refusal_to_start(&self) -> bool {
        matches!(
            self.code.as_str(),
            // The instance needs an AWS Marketplace subscription that has ended.
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

    /// Whether the state of the resource does not allow the action, possibly only temporarily.
    pub fn is_incorrect_state(&self) -> bool {
        matches!(
            self.code.as_str(),
            "IncorrectInstanceState" | "IncorrectState" | "InvalidAMIID.Unavailable"
        )
    }

    /// Whether the service failed or did not respond, so that the call may have taken effect.
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
