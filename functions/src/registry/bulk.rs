//! Creates whole templates as items, to fill a table at once. Benchmarks and tests use this to create many templates.
//! Production code never writes without conditions.

use super::items::save::save_item;
use super::items::template::template_write;
use super::sums::Batch;
use super::templates::version_added;
use super::{Registry, entries};
use crate::domain::Problem;
use crate::domain::save::SaveRecord;
use crate::domain::template::{Template, Version};
use crate::ports::{Change, Condition, Item, Key, Write};

impl Registry {
    /// The items of a template, its versions and their saves, as they are when each of them has been written once.
    pub fn items(
        template: &Template,
        versions: &[Version],
        saves: &[SaveRecord],
    ) -> Result<Vec<Item>, Problem> {
        let mut all = Batch::default();
        for version in versions {
            all.join(version_added(version)?);
        }
        let mut writes = entries::writes(None, template)?;
        let template = all.of_template(template);
        writes.push(template_write(&template, 1, Condition::Always)?);
        writes.extend(all.of_nobody());
        let mut items: Vec<Item> = writes.into_iter().filter_map(item).collect();
        for save in saves {
            items.push(save_item(save, 1)?);
        }
        Ok(items)
    }
}

/// The item that a write creates if no item exists.
fn item(write: Write) -> Option<Item> {
    match write {
        Write::Put(item, _) => Some(item),
        Write::Update(key, changes, _) => Some(made(key, changes)),
        Write::Delete(..) | Write::Check(..) => None,
    }
}

fn made(key: Key, changes: Vec<Change>) -> Item {
    let set = changes.into_iter().filter_map(|change| match change {
        Change::Set(name, value) => Some((name, value)),
        Change::Add(..) | Change::Remove(_) => None,
    });
    Item {
        key,
        attributes: set.collect(),
    }
}
