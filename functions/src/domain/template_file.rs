//! A template as a YAML file, the format in which users exchange templates.
//!
//! Files come from untrusted sources: a file must be small and flat and must not contain aliases, and every value is
//! validated where it is parsed, so that an error names the line and the column.
//!
//! The first format has the keys `name` to `ami_config`. The second format adds `format: 2` and `launch`, which
//! contains what a launch needs in addition to the AMIs. An import of a file without them uses default values and says
//! so. The third format adds `how` to a machine that was not captured by a stop; only files with such a machine have
//! it.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_saphyr::options::DuplicateKeyPolicy;

use super::ec2::Architecture;
use super::how::How;
use super::ids::shown;
use super::problem::{Code, Problem};
use super::save::USER_TAGS;
use super::template::{Template, Version};
use super::text::{check_tag, check_text};
use super::{ImageId, Region, TemplateName, Timestamp, UserId};

/// The maximum size of a file, in bytes.
pub const FILE_BYTES: usize = 32 * 1024;
/// The maximum number of AMIs in a file.
pub const FILE_IMAGES: usize = 40;
/// The maximum number of characters of a parser's message that an error quotes.
const QUOTED: usize = 300;
/// The maximum length of an instance's name, in characters. It is that of a tag value.
const NAME: usize = 256;
/// The newest format.
const FORMAT: u8 = 3;
/// The format of files in which every machine was captured by a stop.
const FORMAT_WITHOUT_HOW: u8 = 2;
/// The maximum length of a user name on Linux, in characters.
const LOGIN: usize = 32;
/// The maximum number of ports in a file.
const PORTS: usize = 60;
/// The maximum length of an instance type, in characters.
const TYPE: usize = 64;
/// The largest root volume, in GiB: the EBS maximum for gp3.
const ROOT_GIB: u32 = 16_384;

/// A template as a YAML file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// The name of the template.
    pub name: TemplateName,
    /// The purpose of the template.
    #[serde(deserialize_with = "description")]
    pub description: String,
    /// The source of the template.
    pub source: Source,
    /// The template that the instance was launched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_template: Option<TemplateName>,
    /// The name of the instance that was saved.
    #[serde(deserialize_with = "instance_name")]
    pub saved_from: String,
    /// The user who saved the instance.
    pub saved_by: UserId,
    /// When the instance was saved, as an RFC 3339 timestamp in UTC.
    pub saved_date: Timestamp,
    /// The AMIs.
    pub ami_config: AmiConfig,
    /// The file format. Absent in files of the first format.
    #[serde(
        default,
        deserialize_with = "format",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(minimum = 1, maximum = 3)]
    pub format: Option<u8>,
    /// What a launch needs in addition to the AMIs. Available since the second format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<LaunchConfig>,
}

/// What a launch needs in addition to the AMIs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchConfig {
    /// The user name to log in with.
    #[serde(
        default,
        deserialize_with = "login",
        skip_serializing_if = "Option::is_none"
    )]
    pub login: Option<String>,
    /// The TCP ports to open.
    #[serde(deserialize_with = "ports")]
    pub ports: Vec<u16>,
    /// User-defined tags. Instances launched from the template have them too.
    #[serde(
        default,
        deserialize_with = "user_tags",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub tags: BTreeMap<String, String>,
    /// The architecture of the instance that was saved first.
    pub architecture: Architecture,
    /// The machines that were saved, by architecture.
    pub machines: BTreeMap<Architecture, Machine>,
}

/// The machine that an AMI was saved from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The instance type.
    #[serde(deserialize_with = "instance_type")]
    pub instance_type: String,
    /// How the instance was captured. Available since the third format.
    #[serde(default, skip_serializing_if = "How::is_stop")]
    pub how: How,
    /// The size of the root volume in GiB.
    #[serde(deserialize_with = "root_size")]
    #[schema(minimum = 1, maximum = 16384)]
    pub root_size_gib: u32,
}

/// The source of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The template was saved from an instance.
    SavedFromInstance,
}

/// The AMIs of a template file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AmiConfig {
    /// The AMIs by Region and architecture.
    #[serde(deserialize_with = "images")]
    pub amis: BTreeMap<Region, BTreeMap<Architecture, ImageId>>,
}

fn format<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u8>, D::Error> {
    match u8::deserialize(from)? {
        format @ 1..=FORMAT => Ok(Some(format)),
        format => Err(D::Error::custom(format!(
            "the format {format} is unknown: a newer version of Prism wrote the file"
        ))),
    }
}

/// A user name that is valid on Linux distributions.
fn login<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    let letter = |c: char| c.is_ascii_lowercase() || c == '_';
    let other = |c: char| letter(c) || c.is_ascii_digit() || c == '-';
    if text.len() <= LOGIN && text.starts_with(letter) && text.chars().all(other) {
        return Ok(Some(text));
    }
    let message = format!("the login {} is not a valid user name", shown(&text));
    Err(D::Error::custom(message))
}

fn ports<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u16>, D::Error> {
    let ports = Vec::<u16>::deserialize(from)?;
    if ports.contains(&0) || ports.len() > PORTS {
        let message = format!("ports must be at most {PORTS} numbers from 1 to 65535");
        return Err(D::Error::custom(message));
    }
    Ok(ports)
}

fn user_tags<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let tags = BTreeMap::<String, String>::deserialize(from)?;
    if tags.len() > USER_TAGS {
        return Err(D::Error::custom(format!(
            "there can be at most {USER_TAGS} tags"
        )));
    }
    for (key, value) in &tags {
        check_tag(key, value).map_err(|problem| D::Error::custom(problem.message))?;
    }
    Ok(tags)
}

fn instance_type<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let whole = text.split_once('.').is_some_and(|(family, size)| {
        let part = |text: &str| !text.is_empty() && text.chars().all(fits);
        part(family) && part(size)
    });
    if whole && text.len() <= TYPE {
        return Ok(text);
    }
    let message = format!("{} is not a valid instance type", shown(&text));
    Err(D::Error::custom(message))
}

fn root_size<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    match u32::deserialize(from)? {
        size @ 1..=ROOT_GIB => Ok(size),
        size => Err(D::Error::custom(format!(
            "a root volume must have 1 to {ROOT_GIB} GiB, not {size}"
        ))),
    }
}

fn description<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    match check_text("description", &text) {
        Ok(()) => Ok(text),
        Err(problem) => Err(D::Error::custom(problem.message)),
    }
}

fn instance_name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let fits = !text.is_empty() && text.chars().count() <= NAME;
    if fits && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    let message = format!(
        "the instance name {} must have 1 to {NAME} characters, without control characters",
        shown(&text)
    );
    Err(D::Error::custom(message))
}

type Images = BTreeMap<Region, BTreeMap<Architecture, ImageId>>;

fn images<'de, D: Deserializer<'de>>(from: D) -> Result<Images, D::Error> {
    let images = Images::deserialize(from)?;
    if let Some((region, _)) = images.iter().find(|(_, here)| here.is_empty()) {
        return Err(D::Error::custom(format!("{region} has no AMI")));
    }
    match images.values().map(BTreeMap::len).sum() {
        1..=FILE_IMAGES => Ok(images),
        count => {
            let message = format!("a file must have 1 to {FILE_IMAGES} AMIs, not {count}");
            Err(D::Error::custom(message))
        }
    }
}

impl LaunchConfig {
    /// What a launch of the version needs.
    fn of(version: &Version) -> Self {
        let own = Machine {
            instance_type: version.instance_type.clone(),
            how: version.how,
            root_size_gib: version.root_size_gib,
        };
        let added = version.added.iter().map(|added| {
            let machine = Machine {
                instance_type: added.instance_type.clone(),
                how: added.how,
                root_size_gib: added.root_size_gib,
            };
            (added.architecture, machine)
        });
        Self {
            login: version.login.clone(),
            ports: version.ports.clone(),
            tags: version.tags.clone(),
            architecture: version.architecture,
            machines: added.chain([(version.architecture, own)]).collect(),
        }
    }
}

impl TemplateFile {
    pub fn of(template: &Template, version: &Version) -> Self {
        let launch = LaunchConfig::of(version);
        let stopped = launch
            .machines
            .values()
            .all(|machine| machine.how.is_stop());
        Self {
            name: template.name.clone(),
            description: version.description.clone(),
            source: Source::SavedFromInstance,
            original_template: template.original_template.clone(),
            saved_from: version.saved_from.clone(),
            saved_by: version.saved_by.clone(),
            saved_date: version.saved_date,
            ami_config: AmiConfig {
                amis: version.amis.clone(),
            },
            format: Some(if stopped { FORMAT_WITHOUT_HOW } else { FORMAT }),
            launch: Some(launch),
        }
    }

    /// Converts this file to the format of another file, which may be an older one.
    #[must_use]
    pub fn as_told_by(mut self, other: &Self) -> Self {
        self.format = other.format;
        if other.launch.is_none() {
            self.launch = None;
        }
        self
    }

    pub fn to_yaml(&self) -> Result<String, Problem> {
        serde_saphyr::to_string(self).map_err(|error| {
            Problem::new(Code::Internal, "The template could not be written as YAML.")
                .because(error)
        })
    }

    /// Parses the YAML text of a file.
    pub fn from_yaml(text: &str) -> Result<Self, Problem> {
        if text.len() > FILE_BYTES {
            let reason = format!("a template file can have at most {FILE_BYTES} bytes");
            let head = &text[..text.floor_char_boundary(FILE_BYTES)];
            return Err(refused(end_of(head), &reason));
        }
        let limits = serde_saphyr::budget! {
            max_depth: 8,
            max_nodes: 1_000,
            max_events: 4_000,
            max_anchors: 0,
            max_aliases: 0,
            max_merge_keys: 0,
            max_documents: 1,
            max_total_scalar_bytes: FILE_BYTES,
        };
        let options = serde_saphyr::options! {
            budget: limits,
            duplicate_keys: DuplicateKeyPolicy::Error,
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let place = error.location().map(|it| (it.line(), it.column()));
            let place = place.filter(|(line, column)| *line > 0 && *column > 0);
            refused(place.unwrap_or_else(|| end_of(text)), &error.to_string())
        })
    }
}

fn end_of(text: &str) -> (u64, u64) {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let last = text.rsplit('\n').next().unwrap_or_default();
    let line = count(text.matches('\n').count() + 1);
    (line, count(last.chars().count() + 1))
}

fn refused((line, column): (u64, u64), reason: &str) -> Problem {
    let place = format!(" at line {line}, column {column}");
    let first = reason.lines().next().unwrap_or_default();
    let first = first.strip_suffix(&place).unwrap_or(first);
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut quoted: String = first.chars().take(QUOTED).map(plain).collect();
    if first.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    let quoted = quoted.trim_end_matches('.');
    let message =
        format!("The file is not a valid template: line {line}, column {column}: {quoted}.");
    Problem::new(Code::InvalidTemplateFile, message)
}

#[cfg(test)]
mod tests;
