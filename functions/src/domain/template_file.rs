//! A template as a YAML file: the form in which researchers exchange templates.
//!
//! Whoever reads a file trusts nobody: it is small, flat, without aliases, and every value is held to
//! its rule where it stands, so that a refusal names the line and the column.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_saphyr::options::DuplicateKeyPolicy;

use super::ids::shown;
use super::problem::{Code, Problem};
use super::template::{Template, Version};
use super::text::check_text;
use super::{ImageId, Region, TemplateName, Timestamp, UserId};
use crate::ports::Architecture;

/// The most bytes of a file.
pub const FILE_BYTES: usize = 32 * 1024;
/// The most AMIs that a file names.
pub const FILE_IMAGES: usize = 40;
/// The most characters of a parser's sentence that a message takes over.
const QUOTED: usize = 300;
/// The most characters of an instance's name: those of a tag's value.
const NAME: usize = 256;

/// A template as a YAML file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// The template's name.
    pub name: TemplateName,
    /// What it is for.
    #[serde(deserialize_with = "description")]
    pub description: String,
    /// Where it comes from.
    pub source: Source,
    /// The template that the instance had been launched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_template: Option<TemplateName>,
    /// The instance's name.
    #[serde(deserialize_with = "instance_name")]
    pub saved_from: String,
    /// Who saved it.
    pub saved_by: UserId,
    /// When, as RFC 3339 in UTC.
    pub saved_date: Timestamp,
    /// The AMIs.
    pub ami_config: AmiConfig,
}

/// Where a template comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// It was saved from an instance.
    SavedFromInstance,
}

/// The AMIs of a template file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AmiConfig {
    /// By Region and architecture.
    #[serde(deserialize_with = "images")]
    pub amis: BTreeMap<Region, BTreeMap<Architecture, ImageId>>,
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
        "the instance name {} has not 1 to {NAME} ordinary characters",
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
            let message = format!("a file names 1 to {FILE_IMAGES} AMIs, not {count}");
            Err(D::Error::custom(message))
        }
    }
}

impl TemplateFile {
    /// The file of a version.
    pub fn of(template: &Template, version: &Version) -> Self {
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
        if text.len() > FILE_BYTES {
            let reason = format!("a template's file has at most {FILE_BYTES} bytes");
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

/// The line and the column behind a text.
fn end_of(text: &str) -> (u64, u64) {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let last = text.rsplit('\n').next().unwrap_or_default();
    let line = count(text.matches('\n').count() + 1);
    (line, count(last.chars().count() + 1))
}

fn refused((line, column): (u64, u64), reason: &str) -> Problem {
    let first = reason.lines().next().unwrap_or_default();
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut quoted: String = first.chars().take(QUOTED).map(plain).collect();
    if first.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    let quoted = quoted.trim_end_matches('.');
    let message = format!("The file is no template: line {line}, column {column}: {quoted}.");
    Problem::new(Code::InvalidTemplateFile, message)
}

#[cfg(test)]
mod tests;
