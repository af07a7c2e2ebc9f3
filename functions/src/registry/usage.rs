//! How often templates and versions are launched: attributes beside their records, counted by the
//! table itself.

use serde_json::Value;

use super::templates::{template_key, version_key};
use super::{Registry, problem, records};
use crate::domain::template::{Template, TemplateRef, Usage, Version};
use crate::domain::{InstanceId, Problem, Timestamp, UserId};
use crate::ports::{Change, Condition, Item, Key, TableError, Write};

const LAUNCHES: &str = "launches";
const LAUNCHED_AT: &str = "launched_at";
const LAUNCHED_BY: &str = "launched_by";

/// For how long a launch that was counted is remembered, in days: longer than anybody repeats it.
const REMEMBERED_DAYS: i64 = 30;

/// A launch to be counted.
#[derive(Debug, Clone)]
pub(crate) struct Launch<'a> {
    /// What names it: the same launch is counted once.
    pub(crate) token: &'a str,
    /// The version that was launched.
    pub(crate) of: &'a TemplateRef,
    /// Who launched it.
    pub(crate) by: &'a UserId,
    /// What came of it.
    pub(crate) instance: &'a InstanceId,
    /// When.
    pub(crate) at: Timestamp,
}

/// What is remembered of a launch.
#[derive(Debug, serde::Serialize)]
struct Remembered<'a> {
    template: &'a TemplateRef,
    by: &'a UserId,
    instance: &'a InstanceId,
    at: Timestamp,
}

/// The record of a template, whose launches are not in it.
pub(super) fn without_of_template(template: &Template) -> Template {
    Template {
        launches: 0,
        last_launched_at: None,
        last_launched_by: None,
        ..template.clone()
    }
}

/// The record of a version, whose launches are not in it.
pub(super) fn without_of_version(version: &Version) -> Version {
    Version {
        usage: Usage::default(),
        ..version.clone()
    }
}

fn read(item: &Item) -> Usage {
    let text = |name: &str| item.attributes.get(name).and_then(Value::as_str);
    Usage {
        launches: item
            .attributes
            .get(LAUNCHES)
            .and_then(Value::as_u64)
            .unwrap_or(0),
        last_launched_at: text(LAUNCHED_AT).and_then(|at| at.parse().ok()),
        last_launched_by: text(LAUNCHED_BY).and_then(|by| by.parse().ok()),
    }
}

/// Adds the launches of an item to its template. One that was written before launches were counted
/// beside it has some in its record.
pub(super) fn of_template(item: &Item, template: &mut Template) {
    let usage = read(item);
    template.launches += usage.launches;
    template.last_launched_at = usage.last_launched_at.or(template.last_launched_at);
    template.last_launched_by = usage.last_launched_by.or(template.last_launched_by.take());
}

/// Adds the launches of an item to its version.
pub(super) fn of_version(item: &Item, version: &mut Version) {
    version.usage = read(item);
}

fn counted(key: Key, launch: &Launch<'_>) -> Write {
    let text = |value: String| Value::String(value);
    let changes = vec![
        Change::Add(LAUNCHES.to_owned(), 1),
        Change::Set(LAUNCHED_AT.to_owned(), text(launch.at.to_rfc3339())),
        Change::Set(LAUNCHED_BY.to_owned(), text(launch.by.to_string())),
    ];
    Write::Update(key, changes, Condition::ItemPresent)
}

impl Registry {
    /// Counts a launch of a version, and of its template. A launch that was counted is not counted
    /// again, however often it is repeated.
    pub(crate) async fn count_launch(&self, launch: &Launch<'_>) -> Result<(), Problem> {
        let Some(number) = launch.of.version else {
            return Ok(());
        };
        let name = &launch.of.name;
        let remembered = Remembered {
            template: launch.of,
            by: launch.by,
            instance: launch.instance,
            at: launch.at,
        };
        let key = Key::new(format!("LAUNCH#{}", launch.token), "META");
        let mut marker = records::encode(key, &remembered, 1, [])?;
        let expires = launch.at + chrono::TimeDelta::days(REMEMBERED_DAYS);
        let seconds = expires.timestamp().into();
        marker.attributes.insert("expires_at".to_owned(), seconds);
        let writes = [
            Write::Put(marker, Condition::ItemAbsent),
            counted(template_key(name), launch),
            counted(version_key(name, number), launch),
        ];
        for _ in 0..super::TRIES {
            match self.table.transact(&writes).await {
                // Counted before, or of a version that is no longer there.
                Ok(()) | Err(TableError::ConditionFailed { .. }) => return Ok(()),
                Err(TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }
}
