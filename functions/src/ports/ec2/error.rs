//! EC2's errors and their meaning.

use std::sync::Arc;

use crate::ports::Fault;

/// An error from EC2, or from the connection to it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{action} returned {code}: {message}")]
pub struct Ec2Error {
    /// The EC2 action, such as `StopInstances`.
    pub action: String,
    /// EC2's error code, such as `IncorrectInstanceState`; `Timeout` if there was no response, `Unreachable` if no
    /// connection could be made.
    pub code: String,
    pub message: String,
    /// The underlying error, if EC2 itself did not respond.
    #[source]
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What an error means. Some callers need more than that: [`Ec2Error::is_unshareable`] and
/// [`Ec2Error::is_unauthorized`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ec2ErrorKind {
    /// The call was throttled. It had no effect.
    Throttled,
    /// There is currently no capacity for the instance (EC2 facts, "Restart").
    NoCapacity,
    /// A quota of the account is currently used up. CopyImage also returns `ResourceLimitExceeded` while too many
    /// copies to its Region are in progress (EC2 fact 8).
    QuotaExceeded,
    /// The service failed or did not respond, so the call may have taken effect.
    UnknownOutcome,
    /// The AMI is not available: it is pending, failed, disabled or deregistered.
    ImageUnavailable,
    /// The state of the resource does not allow the action, possibly only temporarily.
    IncorrectState,
    /// Right after a stop, EC2 may report an incorrect instance state with the generic error code for an invalid
    /// parameter (EC2 fact 5).
    NotStopped,
    /// A start is refused because of a property of the instance, so that it fails until someone changes that property
    /// ("Error codes for the Amazon EC2 API"). All other errors may be temporary: capacity, hosts, reservations and
    /// accounts change independently of the instance, and EC2 adds error codes.
    StartRefused,
    /// A protection against stops, termination or deregistration is enabled, or the account does not allow it.
    NotPermitted,
    /// The AMI's name is taken.
    ImageNameTaken,
    /// Too many snapshots are pending, of a volume or of the account.
    SnapshotsPending,
    /// An AMI uses this snapshot.
    SnapshotInUse,
    /// The policy of a KMS key, rather than the caller's own policies, denies the request.
    KeyPolicy,
    /// A KMS key is in a state in which it cannot be used.
    KeyState,
    /// The Availability Zone does not support the instance type or the volume type.
    NotInZone,
    /// The subnet has no free addresses.
    SubnetFull,
    /// The client token was used for a different request.
    TokenReused,
    /// There is no subnet to launch into.
    NoSubnet,
    /// Anything else.
    Other,
}

impl Ec2ErrorKind {
    /// Whether a launch was refused because of its Availability Zone or subnet, so that it may succeed in another
    /// ("Error codes for the Amazon EC2 API"). Quotas apply to the whole Region.
    pub fn is_about_the_place(self) -> bool {
        matches!(self, Self::NoCapacity | Self::NotInZone | Self::SubnetFull)
    }
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

    /// What the error means.
    pub fn kind(&self) -> Ec2ErrorKind {
        use Ec2ErrorKind as Kind;
        match self.code.as_str() {
            "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException"
            | "SnapshotCreationPerVolumeRateExceeded" => Kind::Throttled,
            "InsufficientCapacity"
            | "InsufficientCapacityOnHost"
            | "InsufficientHostCapacity"
            | "InsufficientInstanceCapacity"
            | "InsufficientReservedInstanceCapacity"
            | "InsufficientVolumeCapacity"
            | "ReservationCapacityExceeded"
            // No suitable Dedicated Host is available.
            | "IncompatibleHostRequirements"
            | "UnavailableHostRequirements" => Kind::NoCapacity,
            "InstanceLimitExceeded" | "ResourceLimitExceeded" | "VcpuLimitExceeded" => {
                Kind::QuotaExceeded
            }
            "Timeout"
            | "Unreachable"
            | "InternalError"
            | "InternalFailure"
            | "RetryableError"
            | "ServerInternal"
            | "ServiceUnavailable"
            | "Unavailable" => Kind::UnknownOutcome,
            "InvalidSubnetID.NotFound" | "VPCIdNotSpecified" => Kind::NoSubnet,
            "InvalidAMIID.Unavailable" => Kind::ImageUnavailable,
            "IncorrectInstanceState" | "IncorrectState" => Kind::IncorrectState,
            "InvalidParameterValue" if self.message.contains("is not in state") => Kind::NotStopped,
            // The instance needs an AWS Marketplace subscription that has ended.
            "OptInRequired"
            // The instance's own configuration does not allow it.
            | "UnsupportedHibernationConfiguration"
            | "UnsupportedHostConfiguration"
            | "UnsupportedInstanceTypeOnHost"
            | "UnsupportedOperation"
            | "UnsupportedTenancy"
            | "ZonesMismatched" => Kind::StartRefused,
            "OperationNotPermitted" => Kind::NotPermitted,
            "InvalidAMIName.Duplicate" => Kind::ImageNameTaken,
            "ConcurrentSnapshotLimitExceeded" | "PendingSnapshotLimitExceeded" => {
                Kind::SnapshotsPending
            }
            "InvalidSnapshot.InUse" => Kind::SnapshotInUse,
            Self::KEY_POLICY => Kind::KeyPolicy,
            "DisabledException" | "KMSInvalidStateException" | "NotFoundException" => {
                Kind::KeyState
            }
            "Unsupported" | "VolumeTypeNotAvailableInZone" => Kind::NotInZone,
            "InsufficientFreeAddressesInSubnet" => Kind::SubnetFull,
            "IdempotentParameterMismatch" => Kind::TokenReused,
            _ => Kind::Other,
        }
    }

    /// Whether the AMI does not exist or is not available.
    pub fn is_gone(&self) -> bool {
        self.is_not_found() || self.kind() == Ec2ErrorKind::ImageUnavailable
    }

    /// Whether the same call may succeed soon: it was throttled, or the service failed.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self.kind(),
            Ec2ErrorKind::Throttled | Ec2ErrorKind::UnknownOutcome
        )
    }

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

    /// Whether the named resource does not exist, or is not visible everywhere yet.
    pub fn is_not_found(&self) -> bool {
        self.code.ends_with(".NotFound") || self.code == "ParameterNotFound"
    }

    /// Whether the caller lacks a permission.
    pub fn is_unauthorized(&self) -> bool {
        Fault::of(&self.code, &self.message) == Some(Fault::Permission)
    }
}
