//! The packages of a save and of the version that it created.

use crate::domain::inventory::Inventory;
use crate::domain::{Problem, SaveId, TemplateName};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

pub(in crate::registry) fn save_packages_key(id: &SaveId) -> Key {
    Key::new(format!("SAVE#{id}"), "PACKAGES")
}

pub(in crate::registry) fn packages_key(name: &TemplateName, number: u32) -> Key {
    Key::new(format!("TEMPLATE#{name}"), format!("PACKAGES#{number:06}"))
}

pub(in crate::registry) fn packages_item(
    key: Key,
    inventory: &Inventory,
    revision: u64,
) -> Result<Item, Problem> {
    encode(key, inventory, revision, [])
}
