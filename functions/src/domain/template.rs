//! Templates and their versions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

use super::deprecation::Deprecation;
use super::ec2::Architecture;
use super::how::How;
use super::problem::Problem;
use super::save_plan::SavedVolume;
use super::{
    ImageId, InstanceId, MicroUsd, ProjectName, Region, SaveId, ScheduleName, SnapshotId,
    TemplateName, Timestamp, UserId,
};

pub use super::template_ref::TemplateRef;

/// Who can see and launch a template in addition to its owner.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, IntoStaticStr,
)]
#[strum(const_into_str, serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Nobody, except users who manage the project that the template belongs to.
    Private,
    /// The members of the project that the template belongs to.
    Project,
    /// The recipients that the template is shared with.
    Shared,
    /// Everyone.
    Public,
}

impl Visibility {
    /// The visibility's name in JSON.
    pub fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// The lifecycle state of a template or a version.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
    IntoStaticStr,
)]
#[strum(const_into_str, serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum TemplateState {
    /// It can be launched.
    #[default]
    Active,
    /// It can be launched, but another template or version should be used instead.
    Deprecated,
    /// Its AMIs have been removed or are being removed. Its number and its record remain.
    Deleted,
}

impl TemplateState {
    /// The state's name in JSON.
    pub fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// Why the AMIs and snapshots of a deleted template or version cannot be removed yet. Each sweep tries again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stuck {
    /// When the problem was first seen.
    pub since: Timestamp,
    /// The error code.
    pub code: String,
    /// What prevents the removal.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Stuck {
    /// Creates the entry for a problem.
    pub fn of(problem: &Problem, since: Timestamp) -> Self {
        Self {
            since,
            code: problem.code.to_string(),
            message: problem.message.clone(),
            hint: problem.advice().to_owned(),
        }
    }
}

/// A template: a name, and the version that the name refers to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Template {
    /// The name of the template.
    pub name: TemplateName,
    /// The owner of the template.
    pub owner: UserId,
    /// The purpose of the template.
    pub description: String,
    /// Who can use the template.
    pub visibility: Visibility,
    /// The project that the template belongs to.
    pub project: Option<ProjectName>,
    /// The built-in template at the root of the template's lineage.
    pub original_template: Option<TemplateName>,
    /// The version that the name alone refers to. A rollback changes it.
    pub latest: u32,
    /// The highest version number that was ever used. The next save uses the number after it.
    #[serde(default)]
    pub newest: u32,
    /// Notes for users of the template.
    #[serde(default)]
    pub notes: String,
    /// The lifecycle state.
    #[serde(default)]
    pub state: TemplateState,
    /// Its end of life and what replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecation: Option<Deprecation>,
    /// The architectures of the latest version.
    #[serde(default)]
    pub architectures: Vec<Architecture>,
    /// When the template was created.
    pub created_at: Timestamp,
    /// When the template was last changed.
    pub updated_at: Timestamp,
    /// How often the template was launched.
    pub launches: u64,
    /// When the template was last launched.
    pub last_launched_at: Option<Timestamp>,
    /// The user who launched the template last.
    #[serde(default)]
    pub last_launched_by: Option<UserId>,
    /// When the template was deleted with all of its versions.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    /// When the last AMI and snapshot of the deleted template was removed.
    #[serde(default)]
    pub removed_at: Option<Timestamp>,
    /// Why the AMIs and snapshots cannot be removed, if they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
    /// Whether one of its versions was imported with AMIs that belong to other templates. Such a template can be
    /// shared only by users who can share those AMIs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub borrows: bool,
    /// The maximum cost of the versions per month. It is stored beside the record, is not returned to clients, and is
    /// unknown if it has not been counted.
    #[serde(skip)]
    pub costs: Option<MicroUsd>,
}

impl Template {
    /// The state at a time: from its end of life on, an active template counts as deprecated.
    pub fn state_at(&self, now: Timestamp) -> TemplateState {
        let deprecation = self.deprecation.as_ref();
        match self.state {
            TemplateState::Active if deprecation.is_some_and(|it| it.has_come(now)) => {
                TemplateState::Deprecated
            }
            state => state,
        }
    }

    /// Creates a private template that has no versions yet.
    pub fn new(
        name: TemplateName,
        owner: UserId,
        original_template: Option<TemplateName>,
        at: Timestamp,
    ) -> Self {
        Self {
            name,
            owner,
            description: String::new(),
            visibility: Visibility::Private,
            project: None,
            original_template,
            latest: 0,
            newest: 0,
            notes: String::new(),
            state: TemplateState::Active,
            deprecation: None,
            architectures: Vec::new(),
            created_at: at,
            updated_at: at,
            launches: 0,
            last_launched_at: None,
            last_launched_by: None,
            deleted_at: None,
            removed_at: None,
            stuck: None,
            borrows: false,
            costs: None,
        }
    }

    /// Creates the template again after it was deleted. The version numbers that it used are not reused.
    #[must_use]
    pub fn after(self, before: &Template) -> Self {
        Self {
            newest: before.newest(),
            ..self
        }
    }

    /// Whether the template is deleted and its AMIs are still being removed.
    pub fn is_going(&self) -> bool {
        self.state == TemplateState::Deleted && self.removed_at.is_none()
    }

    /// The number of the newest version, which can be higher than that of the latest one.
    pub fn newest(&self) -> u32 {
        self.newest.max(self.latest)
    }

    /// Adds a version that the template's name does not refer to.
    pub fn add(&mut self, version: &Version, at: Timestamp) {
        self.newest = self.newest().max(version.number);
        self.updated_at = at;
    }

    /// Makes the version the one that the template's name refers to.
    pub fn point_to(&mut self, version: &Version, at: Timestamp) {
        self.add(version, at);
        self.latest = version.number;
        self.architectures = version.architectures();
    }
}

/// How often something was launched, and when and by whom it was launched last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// The number of launches.
    pub launches: u64,
    /// When it was last launched.
    pub last_launched_at: Option<Timestamp>,
    /// The user who launched it last.
    pub last_launched_by: Option<UserId>,
}

/// An architecture that was added to a version after the version was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddedArchitecture {
    /// The architecture.
    pub architecture: Architecture,
    /// The save that added it.
    pub save_id: SaveId,
    /// The name of the instance that was saved.
    pub saved_from: String,
    /// The ID of the instance that was saved. Absent in records from earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_from_id: Option<InstanceId>,
    /// The user who saved the instance.
    pub saved_by: UserId,
    /// When the architecture was added.
    pub saved_date: Timestamp,
    /// The instance type of the instance that was saved.
    pub instance_type: String,
    /// How the instance was captured.
    #[serde(default, skip_serializing_if = "How::is_stop")]
    pub how: How,
    /// The size of the root volume in GiB.
    pub root_size_gib: u32,
    /// The full size of the snapshots in one Region, in bytes; 0 if it was not recorded.
    #[serde(default)]
    pub snapshot_bytes: u64,
}

/// A version of a template. Its AMIs never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// The name of the template.
    pub template: TemplateName,
    /// The version number, starting at 1, without gaps.
    pub number: u32,
    /// The purpose of the template at the time of the save.
    pub description: String,
    /// The save that created the version.
    pub save_id: SaveId,
    /// The name of the instance that was saved.
    pub saved_from: String,
    /// The ID of the instance that was saved. Absent in imported versions and in records from earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_from_id: Option<InstanceId>,
    /// The user who saved the instance.
    pub saved_by: UserId,
    /// When the instance was saved.
    pub saved_date: Timestamp,
    /// How the instance was captured.
    #[serde(default, skip_serializing_if = "How::is_stop")]
    pub how: How,
    /// The user's schedule that requested the save, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleName>,
    /// The template version that the instance was launched from, in the form `name@version`.
    pub parent: Option<String>,
    /// The AMIs by Region and architecture.
    pub amis: BTreeMap<Region, BTreeMap<Architecture, ImageId>>,
    /// The snapshots by Region.
    pub snapshots: BTreeMap<Region, Vec<SnapshotId>>,
    /// The Regions to which the copy failed, with the reason.
    pub failed_regions: BTreeMap<Region, String>,
    /// The architecture of the instance.
    pub architecture: Architecture,
    /// The instance type of the instance that was saved. Launches use it if they do not specify a size.
    pub instance_type: String,
    /// The name of the root device.
    pub root_device: String,
    /// The size of the root volume in GiB.
    pub root_size_gib: u32,
    /// The volumes of the AMI, by the volumes of the instance that was saved. Absent in imported versions and in records
    /// from earlier releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<SavedVolume>,
    /// The volumes of the instance that were left out of the AMI.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_volumes: Vec<SavedVolume>,
    /// The number of installed packages; null if it is not known.
    #[serde(default)]
    pub packages: Option<usize>,
    /// The user name to log in with.
    pub login: Option<String>,
    /// The TCP ports that are open.
    pub ports: Vec<u16>,
    /// The full size of the snapshots in one Region, in bytes.
    pub snapshot_bytes: u64,
    /// The maximum cost of the version in all of its Regions, in USD per month at the prices of us-east-1.
    pub usd_per_month: f64,
    /// Notes for users of the version.
    #[serde(default)]
    pub notes: String,
    /// The lifecycle state.
    #[serde(default)]
    pub state: TemplateState,
    /// Its end of life and what replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecation: Option<Deprecation>,
    /// User-defined tags. Instances launched from the version have them too.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The architectures that were added later.
    #[serde(default)]
    pub added: Vec<AddedArchitecture>,
    /// The user who imported the version from a file, if it was not saved in this deployment.
    #[serde(default)]
    pub imported_by: Option<UserId>,
    /// Whether the AMIs are borrowed from another template that the importer could launch but not share. A borrowed
    /// version is available only to the importer, and only while the other template allows it. Absent in versions that
    /// were imported before this was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borrowed: Option<bool>,
    /// How often the version was launched.
    #[serde(default)]
    pub usage: Usage,
    /// When the version was deleted.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    /// When the AMIs and snapshots of the deleted version were removed.
    #[serde(default)]
    pub removed_at: Option<Timestamp>,
    /// Why the AMIs and snapshots cannot be removed, if they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
}

impl Version {
    /// Whether the version is active and has not reached its end of life, from which time on it counts as deprecated.
    pub fn is_current(&self, now: Timestamp) -> bool {
        let deprecation = self.deprecation.as_ref();
        self.state == TemplateState::Active && !deprecation.is_some_and(|it| it.has_come(now))
    }

    /// Whether the version is deleted and its AMIs are still being removed.
    pub fn is_going(&self) -> bool {
        self.state == TemplateState::Deleted && self.removed_at.is_none()
    }

    /// The AMIs of the version, each with its Region.
    pub fn images(&self) -> impl Iterator<Item = (&Region, &ImageId)> {
        let regions = self.amis.iter();
        regions.flat_map(|(region, images)| images.values().map(move |image| (region, image)))
    }

    /// The version in the form `name@3`.
    pub fn reference(&self) -> TemplateRef {
        TemplateRef {
            name: self.template.clone(),
            version: Some(self.number),
        }
    }

    /// The architectures for which the version has an AMI in at least one Region.
    pub fn architectures(&self) -> Vec<Architecture> {
        let all: BTreeSet<Architecture> = self
            .amis
            .values()
            .flat_map(BTreeMap::keys)
            .copied()
            .collect();
        all.into_iter().collect()
    }

    /// The maximum full size of an architecture's snapshots in one Region, in bytes.
    pub fn bytes_of(&self, architecture: Architecture) -> u64 {
        let mut added = self.added.iter();
        let noted = added.find(|it| it.architecture == architecture);
        match noted.map(|it| it.snapshot_bytes) {
            Some(0) => self.snapshot_bytes,
            Some(bytes) => bytes,
            None => {
                let others: u64 = self.added.iter().map(|it| it.snapshot_bytes).sum();
                self.snapshot_bytes.saturating_sub(others)
            }
        }
    }

    /// The template version that the instance was launched from, if the recorded text is a valid reference.
    pub fn parent(&self) -> Option<TemplateRef> {
        self.parent.as_deref()?.parse().ok()
    }
}
