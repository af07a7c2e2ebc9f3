//! Templates and their versions, and the YAML form in which they travel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ec2::Architecture;
use super::problem::{Code, Problem};
use super::{
    ImageId, InstanceId, MicroUsd, ProjectName, Region, SaveId, ScheduleName, SnapshotId,
    TemplateName, Timestamp, UserId,
};
use crate::domain::ids::shown;

/// Who may see and launch a template, beside its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Nobody, but for those who manage the project that it belongs to.
    Private,
    /// The members of the project that it belongs to.
    Project,
    /// Those whom it was shared with.
    Shared,
    /// Everybody.
    Public,
}

impl Visibility {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Visibility::Private => "private",
            Visibility::Project => "project",
            Visibility::Shared => "shared",
            Visibility::Public => "public",
        }
    }
}

/// How far somebody should count on a template, or on a version of it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TemplateState {
    /// It is there to be launched.
    #[default]
    Active,
    /// It can be launched, and something else should be.
    Deprecated,
    /// Its AMIs are gone, or going. Its number and its record stay.
    Deleted,
}

impl TemplateState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            TemplateState::Active => "active",
            TemplateState::Deprecated => "deprecated",
            TemplateState::Deleted => "deleted",
        }
    }
}

/// Why what was deleted cannot be removed for now. It is tried again by each sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Stuck {
    /// Since when.
    pub since: Timestamp,
    /// The code of what is in the way.
    pub code: String,
    /// What is in the way.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Stuck {
    /// What a problem comes to, since then.
    pub fn of(problem: &Problem, since: Timestamp) -> Self {
        Self {
            since,
            code: problem.code.to_string(),
            message: problem.message.clone(),
            hint: problem.advice().to_owned(),
        }
    }
}

/// A template: a name, and which of its versions the name stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Template {
    /// Its name.
    pub name: TemplateName,
    /// Who owns it.
    pub owner: UserId,
    /// What it is for.
    pub description: String,
    /// Who may use it.
    pub visibility: Visibility,
    /// The project it belongs to.
    pub project: Option<ProjectName>,
    /// The built-in template at the root of its lineage.
    pub original_template: Option<TemplateName>,
    /// The version that its name alone stands for. A rollback moves it.
    pub latest: u32,
    /// The highest number that a version of it ever had: the next save takes the one after it.
    #[serde(default)]
    pub newest: u32,
    /// What else its readers should know.
    #[serde(default)]
    pub notes: String,
    /// How far to count on it.
    #[serde(default)]
    pub state: TemplateState,
    /// The architectures of its latest version.
    #[serde(default)]
    pub architectures: Vec<Architecture>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How often it was launched.
    pub launches: u64,
    /// When it was last launched.
    pub last_launched_at: Option<Timestamp>,
    /// Who launched it last.
    #[serde(default)]
    pub last_launched_by: Option<UserId>,
    /// When it was deleted with all of its versions.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    /// When the last of its AMIs and snapshots was removed, once it has been deleted.
    #[serde(default)]
    pub removed_at: Option<Timestamp>,
    /// Why they cannot be removed, where they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
    /// Whether a version of it was imported whose AMIs other templates have: it is given to others by those alone who
    /// might give these.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub borrows: bool,
    /// At most what its versions cost a month. It is kept beside the record, is told to nobody, and is unknown
    /// where it has not been counted.
    #[serde(skip)]
    pub costs: Option<MicroUsd>,
}

impl Template {
    /// A template without any version yet, for its owner alone.
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

    /// The same template once more after it was deleted: the numbers that it has had stay taken.
    #[must_use]
    pub fn anew(self, before: &Template) -> Self {
        Self {
            newest: before.newest(),
            ..self
        }
    }

    /// Whether it has been deleted and its AMIs are still being removed.
    pub fn is_going(&self) -> bool {
        self.state == TemplateState::Deleted && self.removed_at.is_none()
    }

    /// The number of its newest version, whichever is the latest.
    pub fn newest(&self) -> u32 {
        self.newest.max(self.latest)
    }

    /// Makes a version the one that its name stands for.
    pub fn point_to(&mut self, version: &Version, at: Timestamp) {
        self.newest = self.newest().max(version.number);
        self.latest = version.number;
        self.architectures = version.architectures();
        self.updated_at = at;
    }
}

/// How often something was launched, and when and by whom last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Usage {
    /// How often.
    pub launches: u64,
    /// When last.
    pub last_launched_at: Option<Timestamp>,
    /// By whom last.
    pub last_launched_by: Option<UserId>,
}

/// An architecture that a version got after it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AddedArchitecture {
    /// The architecture.
    pub architecture: Architecture,
    /// The save that added it.
    pub save_id: SaveId,
    /// The name of the instance it was saved from.
    pub saved_from: String,
    /// That instance; unknown of what older versions added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_from_id: Option<InstanceId>,
    /// Who saved it.
    pub saved_by: UserId,
    /// When it was added.
    pub saved_date: Timestamp,
    /// The instance type it was saved from.
    pub instance_type: String,
    /// The size of the root volume in GiB.
    pub root_size_gib: u32,
    /// The full size of its snapshots in one Region, in bytes; 0 where that was not noted.
    #[serde(default)]
    pub snapshot_bytes: u64,
}

/// A version of a template: the same AMIs for ever (promise P6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Version {
    /// The template.
    pub template: TemplateName,
    /// Its number, from 1, without gaps.
    pub number: u32,
    /// What it is for.
    pub description: String,
    /// The save that made it.
    pub save_id: SaveId,
    /// The name of the instance it was saved from.
    pub saved_from: String,
    /// That instance; unknown of what was imported, and of what older versions saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_from_id: Option<InstanceId>,
    /// Who saved it.
    pub saved_by: UserId,
    /// When it was saved.
    pub saved_date: Timestamp,
    /// The schedule of theirs that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleName>,
    /// What the instance had been launched from: `name@version`.
    pub parent: Option<String>,
    /// The AMIs by Region and architecture.
    pub amis: BTreeMap<Region, BTreeMap<Architecture, ImageId>>,
    /// The snapshots by Region.
    pub snapshots: BTreeMap<Region, Vec<SnapshotId>>,
    /// The Regions whose copy failed, and why.
    pub failed_regions: BTreeMap<Region, String>,
    /// The architecture of the instance.
    pub architecture: Architecture,
    /// The instance type it was saved from: what a launch without a size uses.
    pub instance_type: String,
    /// The name of the root device.
    pub root_device: String,
    /// The size of the root volume in GiB.
    pub root_size_gib: u32,
    /// How many packages are known to be installed; `None` where nobody told.
    #[serde(default)]
    pub packages: Option<usize>,
    /// The user to log in as.
    pub login: Option<String>,
    /// The TCP ports that are open.
    pub ports: Vec<u16>,
    /// The full size of the snapshots of one Region, in bytes.
    pub snapshot_bytes: u64,
    /// At most what it costs a month in all its Regions, in USD.
    pub usd_per_month: f64,
    /// What else its readers should know.
    #[serde(default)]
    pub notes: String,
    /// How far to count on it.
    #[serde(default)]
    pub state: TemplateState,
    /// Tags of the user's own, which instances launched from it have too.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The architectures that it got later.
    #[serde(default)]
    pub added: Vec<AddedArchitecture>,
    /// Who imported it from a file, where it was not saved here.
    #[serde(default)]
    pub imported_by: Option<UserId>,
    /// Whether its AMIs are lent by a template whose AMIs the importer might launch and not open to others: it is
    /// for the importer alone then, and as long as that template lets them. Unknown where it was imported before this
    /// was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borrowed: Option<bool>,
    /// How often it was launched.
    #[serde(default)]
    pub usage: Usage,
    /// When it was deleted.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    /// When its AMIs and snapshots were removed, once it has been deleted.
    #[serde(default)]
    pub removed_at: Option<Timestamp>,
    /// Why they cannot be removed, where they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
}

impl Version {
    /// Whether it has been deleted and its AMIs are still being removed.
    pub fn is_going(&self) -> bool {
        self.state == TemplateState::Deleted && self.removed_at.is_none()
    }

    /// Its AMIs, each with its Region.
    pub fn images(&self) -> impl Iterator<Item = (&Region, &ImageId)> {
        let regions = self.amis.iter();
        regions.flat_map(|(region, images)| images.values().map(move |image| (region, image)))
    }

    /// `name@3`.
    pub fn reference(&self) -> TemplateRef {
        TemplateRef {
            name: self.template.clone(),
            version: Some(self.number),
        }
    }

    /// The architectures for which it has an AMI somewhere.
    pub fn architectures(&self) -> Vec<Architecture> {
        let all: BTreeSet<Architecture> = self
            .amis
            .values()
            .flat_map(BTreeMap::keys)
            .copied()
            .collect();
        all.into_iter().collect()
    }

    /// At most the full size of the snapshots of an architecture in one Region, in bytes.
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

    /// What the instance had been launched from, where that is a template's name.
    pub fn parent(&self) -> Option<TemplateRef> {
        self.parent.as_deref()?.parse().ok()
    }
}

/// A template, or a version of it, as typed: `name`, `name@3` or `name@latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TemplateRef {
    /// The template.
    pub name: TemplateName,
    /// The version; `None` is the latest.
    pub version: Option<u32>,
}

impl FromStr for TemplateRef {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let Some((name, version)) = text.split_once('@') else {
            return Ok(Self {
                name: text.parse()?,
                version: None,
            });
        };
        let name = name.parse()?;
        if version == "latest" {
            return Ok(Self {
                name,
                version: None,
            });
        }
        match version.parse::<u32>() {
            Ok(number) if number > 0 && version.starts_with(|c: char| c.is_ascii_digit()) => {
                Ok(Self {
                    name,
                    version: Some(number),
                })
            }
            _ => Err(Problem::new(
                Code::InvalidName,
                format!(
                    "{} is no version: write a number from 1, or \"latest\".",
                    shown(version)
                ),
            )),
        }
    }
}

impl TryFrom<String> for TemplateRef {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<TemplateRef> for String {
    fn from(reference: TemplateRef) -> String {
        reference.to_string()
    }
}

impl fmt::Display for TemplateRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(number) => write!(f, "{}@{number}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_a_version_or_the_latest() {
        let parsed = |text: &str| text.parse::<TemplateRef>().map(|r| r.version);
        assert_eq!(parsed("abc").unwrap(), None);
        assert_eq!(parsed("abc@latest").unwrap(), None);
        assert_eq!(parsed("abc@3").unwrap(), Some(3));
        for bad in [
            "abc@",
            "abc@0",
            "abc@-1",
            "abc@+1",
            "abc@1.5",
            "abc@99999999999",
            "@1",
        ] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }
}
