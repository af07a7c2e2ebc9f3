//! The number of launches of a template or a version, in attributes beside its record.

use serde_json::Value;

use super::launch::Launch;
use crate::domain::template::{Template, Usage, Version};
use crate::ports::{Change, Condition, Item, Key, Write};

const LAUNCHES: &str = "launches";
const LAUNCHED_AT: &str = "launched_at";
const LAUNCHED_BY: &str = "launched_by";

pub(super) fn without_of_template(template: &Template) -> Template {
    Template {
        launches: 0,
        last_launched_at: None,
        last_launched_by: None,
        ..template.clone()
    }
}

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

/// Adds the launches in an item to its template. Older records contain launches themselves, from before launches were
/// counted beside the record.
pub(super) fn of_template(item: &Item, template: &mut Template) {
    let usage = read(item);
    template.launches += usage.launches;
    template.last_launched_at = usage.last_launched_at.or(template.last_launched_at);
    template.last_launched_by = usage.last_launched_by.or(template.last_launched_by.take());
}

pub(super) fn of_version(item: &Item, version: &mut Version) {
    version.usage = read(item);
}

pub(in crate::registry) fn counted(key: Key, launch: &Launch<'_>) -> Write {
    let text = |value: String| Value::String(value);
    let changes = vec![
        Change::Add(LAUNCHES.to_owned(), 1),
        Change::Set(LAUNCHED_AT.to_owned(), text(launch.at.to_rfc3339())),
        Change::Set(LAUNCHED_BY.to_owned(), text(launch.by.to_string())),
    ];
    Write::Update(key, changes, Condition::ItemPresent)
}
