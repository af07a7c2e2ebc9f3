//! The packages of a save and of the version that it became, each an item of its own: they are
//! larger than the records beside them, and few readers want them.

use super::records::{decode, encode};
use super::{Registry, problem};
use crate::domain::{Problem, SaveId, TemplateName};
use crate::ports::{Condition, Inventory, Item, Key, Write};

fn save_key(id: &SaveId) -> Key {
    Key::new(format!("SAVE#{id}"), "PACKAGES")
}

fn version_key(name: &TemplateName, number: u32) -> Key {
    Key::new(format!("TEMPLATE#{name}"), format!("PACKAGES#{number:06}"))
}

/// The item of a version's packages.
pub(super) fn version_item(
    name: &TemplateName,
    number: u32,
    inventory: &Inventory,
) -> Result<Item, Problem> {
    encode(version_key(name, number), inventory, 1, [])
}

/// The write that keeps the packages of a new version.
pub(crate) fn packages_added(
    name: &TemplateName,
    number: u32,
    inventory: &Inventory,
) -> Result<Write, Problem> {
    let item = version_item(name, number, inventory)?;
    Ok(Write::Put(item, Condition::Always))
}

impl Registry {
    /// Keeps the packages that an instance had when its save began.
    pub(crate) async fn keep_packages(
        &self,
        id: &SaveId,
        inventory: &Inventory,
    ) -> Result<(), Problem> {
        let item = encode(save_key(id), inventory, 1, [])?;
        let write = Write::Put(item, Condition::Always);
        self.table.transact(&[write]).await.map_err(problem)
    }

    /// The packages that an instance had when its save began.
    pub(super) async fn packages_of_save(&self, id: &SaveId) -> Result<Option<Inventory>, Problem> {
        self.inventory(&save_key(id)).await
    }

    /// The packages of a version.
    pub async fn packages(
        &self,
        name: &TemplateName,
        number: u32,
    ) -> Result<Option<Inventory>, Problem> {
        self.inventory(&version_key(name, number)).await
    }

    async fn inventory(&self, key: &Key) -> Result<Option<Inventory>, Problem> {
        let item = self.table.get(key).await.map_err(problem)?;
        let stored = item.as_ref().map(decode).transpose()?;
        Ok(stored.map(|stored| stored.value))
    }
}
