//! Templates and their versions, and the YAML form in which they travel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::problem::{Code, Problem};
use super::{ImageId, ProjectName, Region, SaveId, SnapshotId, TemplateName, Timestamp, UserId};
use crate::domain::ids::shown;
use crate::ports::Architecture;

/// Who may see and launch a template, beside its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
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

/// A template: a name, and which of its versions the name stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
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
}

impl Template {
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
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct Usage {
    /// How often.
    pub launches: u64,
    /// When last.
    pub last_launched_at: Option<Timestamp>,
    /// By whom last.
    pub last_launched_by: Option<UserId>,
}

/// An architecture that a version got after it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct AddedArchitecture {
    /// The architecture.
    pub architecture: Architecture,
    /// The save that added it.
    pub save_id: SaveId,
    /// The name of the instance it was saved from.
    pub saved_from: String,
    /// Who saved it.
    pub saved_by: UserId,
    /// When it was added.
    pub saved_date: Timestamp,
    /// The instance type it was saved from.
    pub instance_type: String,
    /// The size of the root volume in GiB.
    pub root_size_gib: u32,
}

/// A version of a template: the same AMIs for ever (promise P6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
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
    /// Who saved it.
    pub saved_by: UserId,
    /// When it was saved.
    pub saved_date: Timestamp,
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
    /// How often it was launched.
    #[serde(default)]
    pub usage: Usage,
    /// When its AMIs and snapshots were removed, once it has been deleted.
    #[serde(default)]
    pub removed_at: Option<Timestamp>,
}

impl Version {
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

    /// What the instance had been launched from, where that is a template's name.
    pub fn parent(&self) -> Option<TemplateRef> {
        self.parent.as_deref()?.parse().ok()
    }
}

/// A template, or a version of it, as typed: `name`, `name@3` or `name@latest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// A template as a YAML file: the keys of the template definition that researchers exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// The template's name.
    pub name: TemplateName,
    /// What it is for.
    pub description: String,
    /// Where it comes from: `saved-from-instance`.
    pub source: String,
    /// The template that the instance had been launched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_template: Option<String>,
    /// The instance's name.
    pub saved_from: String,
    /// Who saved it.
    pub saved_by: UserId,
    /// When, as RFC 3339 in UTC.
    pub saved_date: Timestamp,
    /// The AMIs.
    pub ami_config: AmiConfig,
}

/// The AMIs of a template file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AmiConfig {
    /// By Region and architecture.
    pub amis: BTreeMap<Region, BTreeMap<Architecture, ImageId>>,
}

impl TemplateFile {
    /// The file of a version.
    pub fn of(template: &Template, version: &Version) -> Self {
        Self {
            name: template.name.clone(),
            description: version.description.clone(),
            source: "saved-from-instance".to_owned(),
            original_template: template.original_template.as_ref().map(ToString::to_string),
            saved_from: version.saved_from.clone(),
            saved_by: version.saved_by.clone(),
            saved_date: version.saved_date,
            ami_config: AmiConfig {
                amis: version.amis.clone(),
            },
        }
    }

    /// The text of the file.
    pub fn to_yaml(&self) -> Result<String, Problem> {
        serde_saphyr::to_string(self).map_err(|error| {
            Problem::new(Code::Internal, "The template could not be written as YAML.")
                .because(error)
        })
    }

    /// Reads the text of a file.
    pub fn from_yaml(text: &str) -> Result<Self, Problem> {
        serde_saphyr::from_str(text).map_err(|error| {
            Problem::new(Code::InvalidInput, "The file is no template.").because(error)
        })
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

    #[test]
    fn a_template_file_reads_back_whatever_its_texts_hold() {
        for text in [
            "plain",
            "a: b # c",
            "{x}",
            "- y",
            "'q' \"d\"",
            "$(rm -rf /) `x` | & ;",
            "ünïcödé 数据",
            "yes",
            "1.0",
            "null",
            "~",
            "",
            " lead",
            "trail ",
            "%",
            "@x",
            "!!int 3",
            "&a *a",
        ] {
            let file = TemplateFile {
                name: "my-custom-ml-env".parse().unwrap(),
                description: text.to_owned(),
                source: "saved-from-instance".to_owned(),
                original_template: Some("python-ml".to_owned()),
                saved_from: text.to_owned(),
                saved_by: "researcher@university.edu".parse().unwrap(),
                saved_date: "2024-01-15T10:30:00Z".parse().unwrap(),
                ami_config: AmiConfig {
                    amis: BTreeMap::from([(
                        "us-east-1".parse().unwrap(),
                        BTreeMap::from([(
                            Architecture::X86_64,
                            "ami-abc123def456".parse().unwrap(),
                        )]),
                    )]),
                },
            };
            let yaml = file.to_yaml().unwrap();
            assert_eq!(TemplateFile::from_yaml(&yaml).unwrap(), file, "{yaml}");
        }
    }
}
