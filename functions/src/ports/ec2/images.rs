//! AMIs, their snapshots, copies and launch permissions.

use serde::{Deserialize, Serialize};

use super::{StateReason, Tags};
use crate::domain::ec2::Architecture;
use crate::domain::{AccountId, ImageId, InstanceId, Region, SnapshotId, Timestamp, VolumeId};

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
    /// Its owner has disabled it: it is registered, is open to nobody, and cannot be launched or copied until it
    /// is enabled again.
    Disabled,
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
    /// The product codes of the Marketplace that it carries.
    pub product_codes: Vec<String>,
    /// Whether it is protected against deregistration.
    pub protected: bool,
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
    /// The account's own with this tag, whatever its value.
    OwnTagged(String),
    /// The account's own that are public.
    OwnPublic,
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
    /// Those with this tag, whatever its value.
    Tagged(String),
    /// Those of these volumes that are pending.
    Pending(Vec<VolumeId>),
}

/// What CreateImage is asked. It always stops short of a reboot: Prism has stopped the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImage {
    /// The instance.
    pub instance: InstanceId,
    /// The AMI's name, 3 to 128 characters (EC2 fact 4); a name that is taken answers
    /// `InvalidAMIName.Duplicate` (EC2 fact 3).
    pub name: String,
    /// The AMI's description, at most 255 characters of ASCII.
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
    /// The description of the copy, at most 255 characters of ASCII.
    pub description: String,
    /// The same token is the same copy; at most 64 ASCII characters.
    pub client_token: String,
    /// Tags for the copy and for each of its snapshots.
    pub tags: Tags,
}
