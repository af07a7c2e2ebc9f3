//! Instances and volumes.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::{Subnet, Tags};
use crate::domain::ec2::{Architecture, InstanceState};
use crate::domain::{ImageId, InstanceId, Timestamp, VolumeId};

/// The reason for a resource's state, such as `Server.InsufficientInstanceCapacity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReason {
    pub code: String,
    pub message: String,
}

impl StateReason {
    /// Whether a user or the instance itself shut it down.
    pub fn is_shutdown(&self) -> bool {
        let code = self.code.as_str();
        matches!(
            code,
            "Client.UserInitiatedShutdown" | "Client.InstanceInitiatedShutdown"
        )
    }

    /// Whether a user requested the stop, rather than the instance itself or EC2.
    pub fn is_user_request(&self) -> bool {
        self.code == "Client.UserInitiatedShutdown"
    }

    /// Whether the KMS key of a volume cannot be used (EC2 facts, "Restart").
    pub fn is_about_a_key(&self) -> bool {
        self.code == "Client.InternalError" || self.code.starts_with("Client.InvalidKMSKey")
    }

    /// Whether EC2 had no capacity for the instance.
    pub fn is_no_capacity(&self) -> bool {
        self.code == "Server.InsufficientInstanceCapacity"
    }
}

/// A volume that is attached to an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedVolume {
    /// The device name, such as `/dev/sda1`.
    pub device: String,
    pub volume: VolumeId,
    /// Whether it is deleted when the instance is terminated.
    pub delete_on_termination: bool,
    /// Whether it is being attached or detached. A detachment that waits for the file system (`busy`) completes only
    /// at the next stop.
    pub moving: bool,
}

/// Properties of an instance that a stop would undo, or that it needs to start again (EC2 facts, "Learned since").
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ties {
    /// The Capacity Reservation or Capacity Block in which it must start. It never uses other capacity instead.
    pub reservation: Option<String>,
    pub dedicated_host: bool,
    /// The ARN of the Outpost that it runs on.
    pub outpost: Option<String>,
    /// The AWS service that manages the instance. Its owner cannot change it.
    pub operator: Option<String>,
    pub several_interfaces: bool,
    pub nitro_tpm: bool,
}

/// The tag that EC2 adds to the instances of an EC2 Fleet.
pub const FLEET_TAG: &str = "aws:ec2:fleet-id";

/// A Capacity Reservation or Capacity Block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Whether instances can start in it now.
    pub active: bool,
    pub ends_at: Option<Timestamp>,
}

/// An instance as returned by DescribeInstances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub id: InstanceId,
    /// All tags. The tag `Name` contains the name.
    pub tags: Tags,
    pub state: InstanceState,
    pub state_reason: Option<StateReason>,
    /// When the current or target state was last requested, if EC2 reports it (the time in StateTransitionReason).
    pub transitioned_at: Option<Timestamp>,
    /// The instance type, such as `t3.large`.
    pub instance_type: String,
    pub architecture: Architecture,
    /// The name of the Availability Zone, such as `us-east-1a`. EC2 may omit it once the instance is terminated.
    pub zone: Option<String>,
    pub image: ImageId,
    /// Whether the root device is an EBS volume. Otherwise it is an instance store volume.
    pub ebs_root: bool,
    pub root_device: String,
    /// The attached EBS volumes, including the root volume.
    pub volumes: Vec<AttachedVolume>,
    /// Whether it is a Spot Instance of any kind.
    pub spot: bool,
    pub hibernation: bool,
    pub product_codes: Vec<String>,
    pub public_ip: Option<String>,
    /// Whether it has an instance profile, whichever.
    #[serde(default)]
    pub has_profile: bool,
    /// Whether the public address is an Elastic IP address, which is kept when the instance stops.
    pub elastic_ip: bool,
    /// When the instance was last launched or started.
    pub launched_at: Timestamp,
    /// Properties that a stop would undo or that a start depends on.
    pub ties: Ties,
}

impl Instance {
    /// The value of the tag `Name`.
    pub fn name(&self) -> Option<&str> {
        self.tags.get("Name").map(String::as_str)
    }
}

/// A filter for instances. Terminated instances are returned only by ID, and only for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceFilter {
    /// The instances with these IDs. An unknown ID returns the error `InvalidInstanceID.NotFound`.
    Ids(Vec<InstanceId>),
    /// Instances with this tag and value that are not terminated.
    Tag(String, String),
    /// Instances with this tag, whatever its value, that are not terminated.
    Tagged(String),
    /// Instances of any owner that were launched from any of these AMIs and are not terminated.
    Images(Vec<ImageId>),
}

/// The encryption of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    None,
    /// Encrypted with the AWS managed key (`alias/aws/ebs`), which cannot be shared.
    AwsManagedKey,
    /// Encrypted with a customer managed key, by its ARN.
    CustomerKey(String),
}

/// The default encryption of volumes and copies in a Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EbsDefaults {
    pub encrypts: bool,
    /// The key that is used if a request does not name one; never [`Encryption::None`].
    pub key: Encryption,
}

impl EbsDefaults {
    /// The encryption of a copy in this Region, given the encryption of its source. A copy of an encrypted source is
    /// encrypted again.
    pub fn of_copy(&self, source: &Encryption) -> Encryption {
        match source {
            Encryption::None if !self.encrypts => Encryption::None,
            _ => self.key.clone(),
        }
    }
}

/// The state of a KMS key, with KMS's names.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, EnumString, IntoStaticStr,
)]
#[strum(const_into_str)]
pub enum KeyState {
    #[default]
    Enabled,
    /// The primary Region of the key is being changed. The key can be used meanwhile.
    Updating,
    Creating,
    Disabled,
    PendingDeletion,
    /// The key material was deleted or has not been imported yet.
    PendingImport,
    /// The key will be deleted after its replicas.
    PendingReplicaDeletion,
    /// The custom key store with the key material is not connected.
    Unavailable,
    /// The key no longer exists.
    Gone,
}

impl KeyState {
    /// Whether the key can encrypt and decrypt data.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Enabled | Self::Updating)
    }

    /// KMS's name for the state.
    pub fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// An EBS volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub id: VolumeId,
    pub size_gib: u32,
    pub encryption: Encryption,
    /// The volume type, such as `gp3`.
    pub kind: String,
    /// The instances that the volume is attached to. With Multi-Attach, there can be several.
    pub attached_to: Vec<InstanceId>,
}

/// An EBS volume that is attached to no instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedVolume {
    pub id: VolumeId,
    pub size_gib: u32,
    /// The volume type, such as `gp3`.
    pub kind: String,
    pub tags: Tags,
}

/// The properties of an instance type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceType {
    pub name: String,
    pub architectures: Vec<Architecture>,
    /// The size of the instance store in GB; 0 if it has none.
    pub instance_store_gb: u32,
}

/// How a volume of a new instance differs from the AMI's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolume {
    /// The device name of one of the AMI's volumes.
    pub device: String,
    /// The size in GiB, if it is to be larger than in the AMI.
    pub size_gib: Option<u32>,
    /// Whether it is deleted when the instance is terminated.
    pub delete_on_termination: bool,
}

/// The parameters of RunInstances for one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInstance {
    pub image: ImageId,
    pub instance_type: String,
    /// How volumes differ from those of the AMI.
    pub volumes: Vec<NewVolume>,
    /// The ARN of the key that encrypts those volumes. Without it, they are encrypted as the AMI's snapshots are, or as
    /// the Region does by default.
    pub kms_key: Option<String>,
    /// The TCP ports to open.
    pub ports: Vec<u16>,
    /// The user data for cloud-init.
    pub user_data: Option<String>,
    /// The name of the instance profile.
    pub profile: Option<String>,
    /// The idempotency token, at most 64 ASCII characters (EC2 fact 9). Requests with the same token launch one
    /// instance.
    pub client_token: String,
    /// The tags for the instance and its volumes.
    pub tags: Tags,
    /// The subnet, which also determines the Availability Zone.
    pub subnet: Subnet,
}
