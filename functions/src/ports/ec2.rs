//! EC2 as a save needs it: instances, volumes, images, snapshots, launch permissions.
//!
//! Every method is one EC2 action, or one paged run of it, in one Region, so that permissions,
//! throttles and faults can be told per call. Facts are numbered as in `docs/ec2-facts.md`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{AccountId, ImageId, InstanceId, Region, SnapshotId, Timestamp, VolumeId};

/// Tags by key. EC2 allows 50 for each resource; keys have at most 128 characters, values 256.
pub type Tags = BTreeMap<String, String>;

/// The state of an instance, by EC2's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// It is starting.
    Pending,
    /// It runs.
    Running,
    /// It is shutting down, to be started again.
    Stopping,
    /// It is down and can be started.
    Stopped,
    /// It is shutting down for good.
    ShuttingDown,
    /// It is gone.
    Terminated,
}

impl InstanceState {
    /// EC2's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            InstanceState::Pending => "pending",
            InstanceState::Running => "running",
            InstanceState::Stopping => "stopping",
            InstanceState::Stopped => "stopped",
            InstanceState::ShuttingDown => "shutting-down",
            InstanceState::Terminated => "terminated",
        }
    }

    /// Whether it is gone or going.
    pub fn is_gone(self) -> bool {
        matches!(
            self,
            InstanceState::ShuttingDown | InstanceState::Terminated
        )
    }
}

/// Why something is in the state it is in, such as `Server.InsufficientInstanceCapacity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReason {
    /// EC2's code.
    pub code: String,
    /// EC2's sentence.
    pub message: String,
}

/// A processor architecture, by EC2's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton.
    Arm64,
}

impl Architecture {
    /// EC2's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Architecture::X86_64 => "x86_64",
            Architecture::Arm64 => "arm64",
        }
    }
}

/// A volume in its place on an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedVolume {
    /// The device name, such as `/dev/sda1`.
    pub device: String,
    /// The volume.
    pub volume: VolumeId,
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

/// An EBS volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its id.
    pub id: VolumeId,
    /// Its size in GiB.
    pub size_gib: u32,
    /// How it is encrypted.
    pub encryption: Encryption,
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

/// The two status checks of a running instance, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusChecks {
    /// Both passed.
    Ok,
    /// Not known yet.
    Initializing,
    /// One failed.
    Impaired,
    /// The instance does not run.
    NotApplicable,
}

/// A mutating action that a DryRun can ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// StopInstances.
    Stop(InstanceId),
    /// StartInstances.
    Start(InstanceId),
    /// CreateImage.
    CreateImage(InstanceId),
}

/// The state of an AMI, by EC2's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageState {
    /// Its snapshots are being taken or copied.
    Pending,
    /// It can be launched.
    Available,
    /// It will never be available (EC2 fact 7).
    Failed,
    /// It is no longer registered.
    Deregistered,
}

/// A volume of an AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageVolume {
    /// The device name.
    pub device: String,
    /// The snapshot behind it; EC2 leaves it out early on (EC2 fact 2).
    pub snapshot: Option<SnapshotId>,
    /// Its size in GiB.
    pub size_gib: u32,
}

/// An AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// Its name, unique in its account and Region.
    pub name: String,
    /// The account that owns it.
    pub owner: AccountId,
    /// Its state.
    pub state: ImageState,
    /// Why it failed.
    pub state_reason: Option<StateReason>,
    /// Its architecture.
    pub architecture: Architecture,
    /// The name of its root device.
    pub root_device: String,
    /// Its volumes.
    pub volumes: Vec<ImageVolume>,
    /// The instance it was made from, where it was made by CreateImage.
    pub source_instance: Option<InstanceId>,
    /// Its tags.
    pub tags: Tags,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which images are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageFilter {
    /// These; an unknown id is the error `InvalidAMIID.NotFound`.
    Ids(Vec<ImageId>),
    /// The account's own with this name.
    OwnName(String),
    /// The account's own with this tag and value.
    OwnTag(String, String),
}

/// The state of a snapshot, by EC2's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotState {
    /// Its moment is fixed; its blocks are still being copied (EC2 fact 1).
    Pending,
    /// All is copied.
    Completed,
    /// It failed.
    Error,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The volume it is of.
    pub volume: VolumeId,
    /// Its state.
    pub state: SnapshotState,
    /// How much is copied, in percent.
    pub progress_percent: u8,
    /// The size of the volume in GiB.
    pub volume_size_gib: u32,
    /// The size of all blocks it refers to, in bytes: an upper bound of what it costs. EC2 tells it
    /// once the snapshot is completed.
    pub full_size_bytes: Option<u64>,
    /// The moment that it captures.
    pub started_at: Timestamp,
    /// Its tags.
    pub tags: Tags,
}

/// Which snapshots are wanted, of the account's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotFilter {
    /// These; an unknown id is the error `InvalidSnapshot.NotFound`.
    Ids(Vec<SnapshotId>),
    /// Those with this tag and value.
    Tag(String, String),
}

/// What CreateImage is asked. It always stops short of a reboot: Prism has stopped the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImage {
    /// The instance.
    pub instance: InstanceId,
    /// The AMI's name, 3 to 128 characters (EC2 fact 4); a name that is taken answers
    /// `InvalidAMIName.Duplicate` (EC2 fact 3).
    pub name: String,
    /// The AMI's description, at most 255 characters.
    pub description: String,
    /// Tags for the AMI and for each of its snapshots.
    pub tags: Tags,
}

/// What CopyImage is asked, in the destination Region (EC2 fact 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageCopy {
    /// The Region of the AMI.
    pub source_region: Region,
    /// The AMI.
    pub source_image: ImageId,
    /// The name of the copy.
    pub name: String,
    /// The description of the copy.
    pub description: String,
    /// The same token is the same copy; at most 64 ASCII characters.
    pub client_token: String,
    /// Tags for the copy and for each of its snapshots.
    pub tags: Tags,
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

/// Who may launch an AMI, beside its owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchPermission {
    /// Everybody: the AMI is public.
    Everyone,
    /// An account.
    Account(AccountId),
    /// An organisation or organisational unit, by its ARN.
    Organization(String),
}

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
            "UnauthorizedOperation" | "AuthFailure" | "AccessDenied"
        )
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

/// EC2 and what belongs to it. `dry_run` of a mutating action goes through [`Ec2::probe`].
#[async_trait]
pub trait Ec2: Send + Sync {
    /// The Regions that the account can use (DescribeRegions).
    async fn regions(&self) -> Result<Vec<Region>, Ec2Error>;

    /// Instances (DescribeInstances, all pages). Newly made ones may be missing for some seconds.
    async fn instances(
        &self,
        region: &Region,
        filter: &InstanceFilter,
    ) -> Result<Vec<Instance>, Ec2Error>;

    /// Whether `disableApiStop` is set (DescribeInstanceAttribute).
    async fn stop_protection(&self, region: &Region, id: &InstanceId) -> Result<bool, Ec2Error>;

    /// The status checks (DescribeInstanceStatus).
    async fn status_checks(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<StatusChecks, Ec2Error>;

    /// Volumes by id (DescribeVolumes; the adapter tells AWS's own key from a customer's).
    async fn volumes(&self, region: &Region, ids: &[VolumeId]) -> Result<Vec<Volume>, Ec2Error>;

    /// An instance type (DescribeInstanceTypes); `InvalidInstanceType` where the Region lacks it.
    async fn instance_type(&self, region: &Region, name: &str) -> Result<InstanceType, Ec2Error>;

    /// Whether the account may make no AMI public (GetImageBlockPublicAccessState).
    async fn public_images_blocked(&self, region: &Region) -> Result<bool, Ec2Error>;

    /// Asks with DryRun whether the caller may do it. `Ok` is EC2's `DryRunOperation`; a missing
    /// permission is `UnauthorizedOperation`.
    async fn probe(&self, region: &Region, probe: &Probe) -> Result<(), Ec2Error>;

    /// Begins to stop an instance (StopInstances); of a stopping or stopped one, nothing happens.
    async fn stop_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error>;

    /// Begins to start an instance (StartInstances); of a running one, nothing happens; of a
    /// stopping one, `IncorrectInstanceState`.
    async fn start_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error>;

    /// Begins to end an instance for good (TerminateInstances).
    async fn terminate_instance(&self, region: &Region, id: &InstanceId) -> Result<(), Ec2Error>;

    /// Launches one instance (RunInstances).
    async fn run_instance(&self, region: &Region, new: &NewInstance) -> Result<Instance, Ec2Error>;

    /// Begins to make an AMI of an instance (CreateImage).
    async fn create_image(&self, region: &Region, new: &NewImage) -> Result<ImageId, Ec2Error>;

    /// Images (DescribeImages, all pages).
    async fn images(&self, region: &Region, filter: &ImageFilter) -> Result<Vec<Image>, Ec2Error>;

    /// Snapshots (DescribeSnapshots, all pages).
    async fn snapshots(
        &self,
        region: &Region,
        filter: &SnapshotFilter,
    ) -> Result<Vec<Snapshot>, Ec2Error>;

    /// Begins to copy an AMI into `region` (CopyImage).
    async fn copy_image(&self, region: &Region, copy: &ImageCopy) -> Result<ImageId, Ec2Error>;

    /// Ends the registration of an AMI (DeregisterImage); its snapshots stay.
    async fn deregister_image(&self, region: &Region, id: &ImageId) -> Result<(), Ec2Error>;

    /// Deletes a snapshot (DeleteSnapshot); `InvalidSnapshot.InUse` while an AMI needs it.
    async fn delete_snapshot(&self, region: &Region, id: &SnapshotId) -> Result<(), Ec2Error>;

    /// Allows launches of an AMI (ModifyImageAttribute).
    async fn add_launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error>;

    /// The launch permissions of an AMI (DescribeImageAttribute).
    async fn launch_permissions(
        &self,
        region: &Region,
        id: &ImageId,
    ) -> Result<Vec<LaunchPermission>, Ec2Error>;
}
