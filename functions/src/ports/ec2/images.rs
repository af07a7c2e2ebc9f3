//! AMIs, their snapshots, copies and launch permissions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{StateReason, Tags};
use crate::domain::ec2::Architecture;
use crate::domain::{AccountId, ImageId, InstanceId, Region, SnapshotId, Timestamp, VolumeId};

/// The state of an AMI, with EC2's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr)]
#[strum(const_into_str, serialize_all = "snake_case")]
pub enum ImageState {
    /// Its snapshots are being taken or copied.
    Pending,
    /// It can be launched.
    Available,
    /// It failed and will never be available (EC2 fact 7).
    Failed,
    /// The owner disabled it: it is still registered, but is shared with nobody, and cannot be launched or copied
    /// until it is enabled again.
    Disabled,
    Deregistered,
}

/// A volume of an AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageVolume {
    pub device: String,
    /// The snapshot of the volume. EC2 does not return it initially (EC2 fact 2).
    pub snapshot: Option<SnapshotId>,
    pub size_gib: u32,
}

/// An AMI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub id: ImageId,
    /// The name, unique in its account and Region.
    pub name: String,
    pub owner: AccountId,
    pub state: ImageState,
    /// Why the AMI failed.
    pub state_reason: Option<StateReason>,
    pub architecture: Architecture,
    pub root_device: String,
    pub volumes: Vec<ImageVolume>,
    /// The instance from which CreateImage created the AMI, if any.
    pub source_instance: Option<InstanceId>,
    pub product_codes: Vec<String>,
    /// Whether deregistration protection is enabled.
    pub protected: bool,
    pub tags: Tags,
    pub created_at: Timestamp,
}

/// A filter for AMIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageFilter {
    /// The AMIs with these IDs. An unknown ID returns the error `InvalidAMIID.NotFound`.
    Ids(Vec<ImageId>),
    /// AMIs of this account with this name.
    OwnName(String),
    /// AMIs of this account with this tag and value.
    OwnTag(String, String),
    /// AMIs of this account with this tag, whatever its value.
    OwnTagged(String),
    /// Public AMIs of this account.
    OwnPublic,
}

/// The state of a snapshot, with EC2's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr)]
#[strum(const_into_str, serialize_all = "snake_case")]
pub enum SnapshotState {
    /// Its point in time is fixed, but its blocks are still being copied (EC2 fact 1).
    Pending,
    /// All blocks are copied.
    Completed,
    Error,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub id: SnapshotId,
    pub volume: VolumeId,
    pub state: SnapshotState,
    pub progress_percent: u8,
    pub volume_size_gib: u32,
    /// The size of all blocks that the snapshot refers to, in bytes. It is an upper bound for the billed size. EC2
    /// returns it once the snapshot is completed.
    pub full_size_bytes: Option<u64>,
    /// The point in time that the snapshot captures.
    pub started_at: Timestamp,
    pub tags: Tags,
}

/// A filter for the account's own snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotFilter {
    /// The snapshots with these IDs. An unknown ID returns the error `InvalidSnapshot.NotFound`.
    Ids(Vec<SnapshotId>),
    Tag(String, String),
    /// Snapshots with this tag, whatever its value.
    Tagged(String),
    Pending(Vec<VolumeId>),
}

/// The parameters of CreateImage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImage {
    pub instance: InstanceId,
    /// The name of the AMI, 3 to 128 characters (EC2 fact 4). A name that is already in use returns
    /// `InvalidAMIName.Duplicate` (EC2 fact 3).
    pub name: String,
    /// The description of the AMI, at most 255 ASCII characters.
    pub description: String,
    /// Tags for the AMI and for each of its snapshots.
    pub tags: Tags,
    /// Whether EC2 reboots the instance if it is running, and begins the snapshots while its operating system is down.
    /// Otherwise, EC2 captures the volumes as they are.
    pub reboot: bool,
    /// The device names of the volumes to leave out.
    pub exclude: BTreeSet<String>,
}

/// The parameters of CopyImage, which is called in the destination Region (EC2 fact 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageCopy {
    pub source_region: Region,
    pub source_image: ImageId,
    pub name: String,
    /// The description of the copy, at most 255 ASCII characters.
    pub description: String,
    /// The idempotency token, at most 64 ASCII characters. Requests with the same token create one copy.
    pub client_token: String,
    /// The ARN of the key that encrypts the copy. Without it, the destination Region's defaults apply
    /// ([`EbsDefaults::of_copy`](super::EbsDefaults::of_copy)).
    pub kms_key: Option<String>,
    /// Tags for the copy and for each of its snapshots.
    pub tags: Tags,
}
