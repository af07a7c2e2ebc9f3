//! Instances and volumes.

use serde::{Deserialize, Serialize};

use super::{NewImage, Tags};
use crate::domain::ec2::{Architecture, InstanceState};
use crate::domain::{ImageId, InstanceId, Timestamp, VolumeId};

/// Why something is in the state it is in, such as `Server.InsufficientInstanceCapacity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReason {
    /// EC2's code.
    pub code: String,
    /// EC2's sentence.
    pub message: String,
}

/// A volume in its place on an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedVolume {
    /// The device name, such as `/dev/sda1`.
    pub device: String,
    /// The volume.
    pub volume: VolumeId,
    /// Whether it is just being attached or detached; a detachment that waits for its file system
    /// (`busy`) ends only with the next stop.
    pub moving: bool,
}

/// What a stop of an instance would undo, or what it needs to start again (EC2 facts, "Learned since").
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ties {
    /// The Capacity Reservation or Capacity Block that it has to start in: it never falls back to
    /// other capacity.
    pub reservation: Option<String>,
    /// Whether it runs on a Dedicated Host.
    pub dedicated_host: bool,
    /// The Outpost that it runs on, by its ARN.
    pub outpost: Option<String>,
    /// The service that operates it for its owner, who cannot change it.
    pub operator: Option<String>,
    /// Whether it has more than one network interface.
    pub several_interfaces: bool,
    /// Whether it has a NitroTPM.
    pub nitro_tpm: bool,
}

/// The tag that EC2 puts on the members of an EC2 Fleet.
pub const FLEET_TAG: &str = "aws:ec2:fleet-id";

/// A Capacity Reservation or Capacity Block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Whether instances can start in it now.
    pub active: bool,
    /// When it ends, where that is known.
    pub ends_at: Option<Timestamp>,
}

/// An instance as DescribeInstances tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// All of its tags. Its name is the tag `Name`.
    pub tags: Tags,
    /// Its state.
    pub state: InstanceState,
    /// Why it is in that state, where EC2 says so.
    pub state_reason: Option<StateReason>,
    /// When somebody last asked for the state it is in or moves to, where EC2 says so
    /// (the time in StateTransitionReason).
    pub transitioned_at: Option<Timestamp>,
    /// Its type, such as `t3.large`.
    pub instance_type: String,
    /// Its architecture.
    pub architecture: Architecture,
    /// The AMI it was launched from.
    pub image: ImageId,
    /// Whether its root device is an EBS volume; otherwise it lies in the instance store.
    pub ebs_root: bool,
    /// The name of its root device.
    pub root_device: String,
    /// The EBS volumes that are attached, the root volume among them.
    pub volumes: Vec<AttachedVolume>,
    /// Whether it is a Spot instance, of whatever kind.
    pub spot: bool,
    /// Whether hibernation is enabled.
    pub hibernation: bool,
    /// The product codes of the Marketplace.
    pub product_codes: Vec<String>,
    /// Its public IPv4 address.
    pub public_ip: Option<String>,
    /// Whether that address is an Elastic IP, which stays.
    pub elastic_ip: bool,
    /// When it was last launched or started.
    pub launched_at: Timestamp,
    /// What a stop would undo.
    pub ties: Ties,
}

impl Instance {
    /// The tag `Name`.
    pub fn name(&self) -> Option<&str> {
        self.tags.get("Name").map(String::as_str)
    }
}

/// Which instances are wanted. Terminated ones are found only by id, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceFilter {
    /// These; an unknown id is the error `InvalidInstanceID.NotFound`.
    Ids(Vec<InstanceId>),
    /// Those with this tag and value, not terminated.
    Tag(String, String),
    /// Those with this tag, whatever its value, not terminated.
    Tagged(String),
    /// Those that were launched from any of these AMIs, not terminated; whoever owns them.
    Images(Vec<ImageId>),
}

/// How a volume is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// Not at all.
    None,
    /// With the key that AWS manages for the account (`alias/aws/ebs`), which cannot be shared.
    AwsManagedKey,
    /// With a key of the customer's, by its ARN.
    CustomerKey(String),
}

/// How volumes and copies are encrypted in a Region that nobody says more about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EbsDefaults {
    /// Whether what would not be encrypted is: encryption by default.
    pub encrypts: bool,
    /// Under which key, where one is encrypted that names no key; never [`Encryption::None`].
    pub key: Encryption,
}

impl EbsDefaults {
    /// How a copy that is made in the Region is encrypted, by how its source is: an encrypted one is encrypted anew.
    pub fn of_copy(&self, source: &Encryption) -> Encryption {
        match source {
            Encryption::None if !self.encrypts => Encryption::None,
            _ => self.key.clone(),
        }
    }
}

/// Whether a KMS key can be used, by KMS' names for its states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum KeyState {
    /// It can be used.
    #[default]
    Enabled,
    /// Its primary Region changes; it can be used meanwhile.
    Updating,
    /// It is being made.
    Creating,
    /// Somebody has disabled it.
    Disabled,
    /// It will be deleted.
    PendingDeletion,
    /// Its key material has been deleted, or is still to come.
    PendingImport,
    /// It will be deleted once its replicas are.
    PendingReplicaDeletion,
    /// The store that has its key material is not connected.
    Unavailable,
    /// There is no such key any more.
    Gone,
}

impl KeyState {
    /// Whether data can be encrypted and decrypted with it.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Enabled | Self::Updating)
    }

    /// KMS' name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Updating => "Updating",
            Self::Creating => "Creating",
            Self::Disabled => "Disabled",
            Self::PendingDeletion => "PendingDeletion",
            Self::PendingImport => "PendingImport",
            Self::PendingReplicaDeletion => "PendingReplicaDeletion",
            Self::Unavailable => "Unavailable",
            Self::Gone => "Gone",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Enabled,
            Self::Updating,
            Self::Creating,
            Self::Disabled,
            Self::PendingDeletion,
            Self::PendingImport,
            Self::PendingReplicaDeletion,
            Self::Unavailable,
        ];
        all.into_iter().find(|state| state.as_str() == name)
    }
}

/// An EBS volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its id.
    pub id: VolumeId,
    /// Its size in GiB.
    pub size_gib: u32,
    /// How it is encrypted.
    pub encryption: Encryption,
    /// Its type, such as `gp3`.
    pub kind: String,
    /// The instances that it is attached to: with Multi-Attach, several.
    pub attached_to: Vec<InstanceId>,
}

/// What an instance type has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceType {
    /// Its name.
    pub name: String,
    /// The architectures that it runs.
    pub architectures: Vec<Architecture>,
    /// The size of its instance store in GB; 0 where it has none.
    pub instance_store_gb: u32,
}

/// A mutating action that a DryRun can ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// StopInstances.
    Stop(InstanceId),
    /// StartInstances.
    Start(InstanceId),
    /// CreateImage: the very request that follows, since EC2 reads its name, description and tags too.
    CreateImage(NewImage),
    /// CreateGrant of KMS on a key, by its ARN: EC2 attaches a volume under it by such a grant.
    Grant(String),
}

/// What RunInstances is asked, for one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInstance {
    /// The AMI.
    pub image: ImageId,
    /// The instance type.
    pub instance_type: String,
    /// The size of the root volume in GiB, where it is to be larger than the AMI's.
    pub root_size_gib: Option<u32>,
    /// TCP ports to open.
    pub ports: Vec<u16>,
    /// What cloud-init is given.
    pub user_data: Option<String>,
    /// The same token is the same launch; at most 64 ASCII characters (EC2 fact 9).
    pub client_token: String,
    /// Tags for the instance and its volumes.
    pub tags: Tags,
}
