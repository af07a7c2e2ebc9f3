//! The rows of the model: plain data, with no behaviour except simple accessors.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prism_functions::domain::ec2::{Architecture, InstanceState, LaunchPermission};
use prism_functions::domain::{
    AccountId, DeploymentId, ImageId, InstanceId, LaunchTemplateId, Region, SnapshotId, Timestamp,
    VolumeId,
};
use prism_functions::ports::{
    Encryption, ImageState, KeyState, Reservation, SnapshotState, StateReason, Tags, Ties, Volume,
};
use serde::{Deserialize, Serialize};

use crate::ec2::guest::FileBody;
use crate::ec2::settings::Settings;

/// A simulated file system, shared by everything that has the same contents.
pub(crate) type DiskId = u64;

/// The state that a user requested for an instance; its actual state follows later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Goal {
    Running,
    Stopped,
    Terminated,
}

/// The purchasing option of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purchase {
    /// On-Demand, billed by the second.
    #[default]
    OnDemand,
    /// Spot with a one-time request: it cannot be stopped.
    SpotOneTime,
    /// Spot with a persistent request: it can be stopped and started.
    SpotPersistent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) device: String,
    pub(crate) volume: VolumeId,
    pub(crate) delete_on_termination: bool,
    #[serde(default)]
    pub(crate) moving: bool,
}

/// What the operating system of an instance does when it is to reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtReboot {
    /// It shuts down, and boots again.
    #[default]
    Boots,
    /// It powers the instance off, as some are configured to do.
    PowersOff,
    /// It does not shut down, so EC2 forces the reboot.
    Hangs,
}

/// A reboot by CreateImage. The state of the instance does not show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reboot {
    /// When the operating system began to shut down.
    pub(crate) began_at: Timestamp,
    /// When it was down.
    pub(crate) down_at: Timestamp,
    /// Whether it shut down by itself, so that it had written everything.
    pub(crate) clean: bool,
    /// When it began to boot.
    pub(crate) boots_at: Timestamp,
    /// When it had booted.
    pub(crate) up_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InstanceRow {
    pub(crate) id: InstanceId,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) tags: Tags,
    pub(crate) state: InstanceState,
    pub(crate) goal: Goal,
    pub(crate) state_reason: Option<StateReason>,
    pub(crate) transitioned_at: Option<Timestamp>,
    pub(crate) instance_type: String,
    pub(crate) architecture: Architecture,
    /// Its Availability Zone; `None` if it was launched before the simulator had several.
    #[serde(default)]
    pub(crate) zone: Option<String>,
    pub(crate) image: ImageId,
    pub(crate) ebs_root: bool,
    pub(crate) root_device: String,
    pub(crate) volumes: Vec<Attachment>,
    pub(crate) purchase: Purchase,
    #[serde(default)]
    pub(crate) at_reboot: AtReboot,
    pub(crate) stop_protection: bool,
    pub(crate) hibernation: bool,
    pub(crate) product_codes: Vec<String>,
    #[serde(default)]
    pub(crate) ties: Ties,
    /// How long it takes to stop and to start, in percent of the usual duration.
    #[serde(default = "usual_pace")]
    pub(crate) pace_percent: u32,
    pub(crate) private_ip: String,
    pub(crate) public_ip: Option<String>,
    pub(crate) elastic_ip: bool,
    pub(crate) open_ports: Vec<u16>,
    pub(crate) launched_at: Timestamp,
    pub(crate) visible_at: Timestamp,
    /// When the state next changes automatically.
    pub(crate) due: Option<Timestamp>,
    pub(crate) replace_at: Option<Timestamp>,
    pub(crate) start_fails: Option<StateReason>,
    pub(crate) has_run: bool,
    /// The user data for cloud-init. It is removed after the first boot.
    pub(crate) user_data: Option<String>,
    /// The name of its instance profile.
    #[serde(default)]
    pub(crate) profile: Option<String>,
    /// Files in its instance store, which a stop erases.
    pub(crate) instance_store: BTreeMap<String, FileBody>,
    /// Its reboots, limited to the last [`HISTORY`] entries.
    #[serde(default)]
    pub(crate) reboots: Vec<Reboot>,
    /// When it entered each state, limited to the last [`HISTORY`] entries.
    pub(crate) history: Vec<(Timestamp, InstanceState)>,
}

pub(crate) fn usual_pace() -> u32 {
    100
}

/// How many states and reboots of an instance are remembered.
pub(crate) const HISTORY: usize = 2_000;

impl InstanceRow {
    pub(crate) fn paced(&self, usual: Duration) -> Duration {
        usual * self.pace_percent / 100
    }

    /// Whether its operating system is down for a reboot.
    pub(crate) fn is_rebooting(&self, now: Timestamp) -> bool {
        let last = self.reboots.last();
        last.is_some_and(|last| last.began_at <= now && now < last.up_at)
    }

    pub(crate) fn autoscaling_group(&self) -> Option<&str> {
        self.tags
            .get("aws:autoscaling:groupName")
            .map(String::as_str)
    }

    pub(crate) fn in_fleet(&self) -> bool {
        self.tags.contains_key("aws:ec2:fleet-id")
    }

    pub(crate) fn root_volume(&self) -> Option<&VolumeId> {
        self.volumes
            .iter()
            .find(|a| a.device == self.root_device)
            .map(|a| &a.volume)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VolumeRow {
    pub(crate) id: VolumeId,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) size_gib: u32,
    pub(crate) encryption: Encryption,
    #[serde(default = "usual_kind")]
    pub(crate) kind: String,
    /// Its Availability Zone; `None` if it was created before the simulator had several.
    #[serde(default)]
    pub(crate) zone: Option<String>,
    pub(crate) attached_to: Option<InstanceId>,
    #[serde(default)]
    pub(crate) also_attached_to: Vec<InstanceId>,
    pub(crate) disk: DiskId,
    /// Bytes written since the last snapshot. The first snapshot copies all bytes in use.
    pub(crate) changed_bytes: u64,
    pub(crate) has_snapshot: bool,
    pub(crate) tags: Tags,
}

impl VolumeRow {
    pub(crate) fn described(&self) -> Volume {
        let attached = self.attached_to.iter().chain(&self.also_attached_to);
        Volume {
            id: self.id.clone(),
            size_gib: self.size_gib,
            encryption: self.encryption.clone(),
            kind: self.kind.clone(),
            attached_to: attached.cloned().collect(),
        }
    }
}

pub(crate) fn usual_kind() -> String {
    "gp3".to_owned()
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub(crate) device: String,
    pub(crate) size_gib: u32,
    pub(crate) encryption: Encryption,
    pub(crate) delete_on_termination: bool,
    pub(crate) source: SlotSource,
    pub(crate) snapshot: Option<SnapshotId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SlotSource {
    Volume(VolumeId),
    /// The contents are held from the start of the copy, so the source may be deleted in the meantime.
    Copy {
        volume: VolumeId,
        disk: DiskId,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImageRow {
    pub(crate) id: ImageId,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) state: ImageState,
    pub(crate) state_reason: Option<StateReason>,
    pub(crate) architecture: Architecture,
    pub(crate) root_device: String,
    pub(crate) slots: Vec<Slot>,
    pub(crate) source_instance: Option<InstanceId>,
    pub(crate) copied: bool,
    pub(crate) product_codes: Vec<String>,
    pub(crate) tags: Tags,
    pub(crate) permissions: BTreeSet<LaunchPermission>,
    pub(crate) created_at: Timestamp,
    pub(crate) visible_at: Timestamp,
    pub(crate) mappings_visible_at: Timestamp,
    pub(crate) due: Option<Timestamp>,
    /// The reason why it is going to fail, if it is.
    pub(crate) fails: Option<String>,
    pub(crate) deregistered_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) protected: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SnapshotRow {
    pub(crate) id: SnapshotId,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) volume: VolumeId,
    pub(crate) image: ImageId,
    pub(crate) state: SnapshotState,
    pub(crate) size_gib: u32,
    pub(crate) encryption: Encryption,
    pub(crate) disk: DiskId,
    pub(crate) full_bytes: u64,
    pub(crate) copied_bytes: u64,
    pub(crate) tags: Tags,
    pub(crate) started_at: Timestamp,
    pub(crate) visible_at: Timestamp,
    pub(crate) due: Option<Timestamp>,
    pub(crate) ends_at: Timestamp,
    pub(crate) fails: Option<String>,
    /// The other accounts that may use it.
    #[serde(default)]
    pub(crate) shared_with: BTreeSet<AccountId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenRow {
    pub(crate) parameters: String,
    pub(crate) result: String,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AreaRow {
    pub(crate) block_public_images: bool,
    pub(crate) instance_quota: Option<u32>,
    #[serde(default)]
    pub(crate) encrypts: bool,
    /// The default key, if it is not the AWS managed key.
    #[serde(default)]
    pub(crate) default_key: Option<String>,
}

impl Default for AreaRow {
    fn default() -> Self {
        Self {
            // EC2 facts, "Before the stop": on by default.
            block_public_images: true,
            instance_quota: None,
            encrypts: false,
            default_key: None,
        }
    }
}

/// Whether a Region has capacity for instances of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    Available,
    /// Calls fail with `InsufficientInstanceCapacity`.
    Refused,
    /// Calls fail with this EC2 error code.
    RefusedAs(String),
    /// Calls succeed, but the instance then returns to `stopped` (`Server.InsufficientInstanceCapacity`).
    FailsLate,
}

/// How a zone differs from its Region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ZoneRow {
    /// By instance type; the type `*` stands for every type.
    pub(crate) capacity: BTreeMap<String, Capacity>,
    /// The instance types that it does not offer.
    pub(crate) withheld: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct KeyRow {
    pub(crate) state: KeyState,
    pub(crate) policy: KeyPolicy,
}

/// Who may use a KMS key according to its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPolicy {
    /// Every principal in the account whose own policies allow it.
    #[default]
    Account,
    /// The same, but grants may be created only by EC2 on behalf of somebody (`kms:GrantIsForAWSResource`).
    GrantsForAws,
    /// The same, except for grants, which nobody may create.
    NoGrants,
    Nobody,
}

/// Failures that await the next image, snapshot or copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Misfortunes {
    pub(crate) images: Vec<String>,
    pub(crate) snapshots: Vec<String>,
    pub(crate) copies: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LaunchTemplateRow {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// The AMI that each of its versions names, the oldest first.
    pub(crate) versions: Vec<ImageId>,
}

/// Data that exists only once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct WorldRow {
    pub(crate) settings: Settings,
    pub(crate) ids: u64,
    pub(crate) next_disk: DiskId,
    pub(crate) next_event: u64,
    pub(crate) next_address: u32,
    pub(crate) denied: BTreeMap<AccountId, BTreeSet<String>>,
    /// By Region and type; the type `*` stands for every type.
    pub(crate) capacity: BTreeMap<Region, BTreeMap<String, Capacity>>,
    /// By name; a zone that is not listed does not differ from its Region.
    #[serde(default)]
    pub(crate) zones: BTreeMap<String, ZoneRow>,
    /// By ARN; a key that is not listed has the default state and policy.
    #[serde(default)]
    pub(crate) keys: BTreeMap<String, KeyRow>,
    pub(crate) misfortunes: Misfortunes,
    #[serde(default)]
    pub(crate) reservations: BTreeMap<String, Reservation>,
    #[serde(default)]
    pub(crate) launch_templates: BTreeMap<LaunchTemplateId, LaunchTemplateRow>,
    /// EC2 Fleets that replace members that are not running, by ID.
    #[serde(default)]
    pub(crate) maintained_fleets: BTreeSet<String>,
    #[serde(default)]
    pub(crate) deployment: Option<DeploymentId>,
}
