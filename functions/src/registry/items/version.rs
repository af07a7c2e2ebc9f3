//! A version of a template. Like a template, it is written with updates.

use super::template::deletion;
use super::usage;
use crate::domain::template::{TemplateRef, Version};
use crate::domain::{Problem, TemplateName};
use crate::ports::{Condition, Item, Key, Write};
use crate::registry::records::{self, Indexed, Stored, decode};

pub(in crate::registry) fn version_key(name: &TemplateName, number: u32) -> Key {
    Key::new(format!("TEMPLATE#{name}"), format!("VERSION#{number:06}"))
}

/// The partition of the children of a template's versions, in the first index.
pub(in crate::registry) fn children_of(name: &TemplateName) -> String {
    format!("PARENT#{name}")
}

/// The prefix of the sort keys of a version's children. A built-in template has the number 0.
pub(in crate::registry) fn child_prefix(parent: &TemplateRef) -> String {
    format!("{:06}#", parent.version.unwrap_or(0))
}

/// The write of a version. It is indexed by its parent, for the lineage.
pub(in crate::registry) fn version_write(
    version: &Version,
    revision: u64,
    condition: Condition,
) -> Result<Write, Problem> {
    let child = version.parent().map(|parent| {
        Indexed::first(
            children_of(&parent.name),
            format!(
                "{}{}#{:06}",
                child_prefix(&parent),
                version.template,
                version.number
            ),
        )
    });
    let going = version.is_going();
    let going = deletion(version.deleted_at, going, &version.template, version.number);
    let key = version_key(&version.template, version.number);
    let record = usage::without_of_version(version);
    let indexed = child.into_iter().chain(going);
    let changes = records::changes(key.clone(), &record, revision, indexed)?;
    Ok(Write::Update(key, changes, condition))
}

pub(in crate::registry) fn read_version(item: &Item) -> Result<Stored<Version>, Problem> {
    let mut stored: Stored<Version> = decode(item)?;
    usage::of_version(item, &mut stored.value);
    Ok(stored)
}
