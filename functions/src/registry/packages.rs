//! The packages of a save and of the version that it created. They are separate items because they are larger than the
//! records and are rarely read.

use super::items::packages::{packages_item, packages_key, save_packages_key};
use super::records::{Stored, decode};
use super::{Registry, problem};
use crate::domain::inventory::Inventory;
use crate::domain::{Problem, SaveId, TemplateName};
use crate::ports::{Condition, Key, Write};

/// The write that stores the packages of a version that does not exist yet.
pub(super) fn packages_of(
    name: &TemplateName,
    number: u32,
    inventory: &Inventory,
) -> Result<Write, Problem> {
    let item = packages_item(packages_key(name, number), inventory, 1)?;
    Ok(Write::Put(item, Condition::ItemAbsent))
}

pub(crate) fn packages_added(
    name: &TemplateName,
    number: u32,
    inventory: &Inventory,
) -> Result<Write, Problem> {
    let item = packages_item(packages_key(name, number), inventory, 1)?;
    Ok(Write::Put(item, Condition::Always))
}

impl Registry {
    pub(crate) async fn keep_packages(
        &self,
        id: &SaveId,
        inventory: &Inventory,
    ) -> Result<(), Problem> {
        let item = packages_item(save_packages_key(id), inventory, 1)?;
        let write = Write::Put(item, Condition::Always);
        self.table.transact(&[write]).await.map_err(problem)
    }

    pub(crate) async fn packages_of_save(&self, id: &SaveId) -> Result<Option<Inventory>, Problem> {
        self.inventory(&save_packages_key(id)).await
    }

    /// The write that updates the sensitive files of a version to which an architecture is added, so that they include
    /// the files of both. If the files of either were not checked, those of the version are unknown.
    pub(super) async fn with_added(
        &self,
        name: &TemplateName,
        number: u32,
        added: Option<&Inventory>,
    ) -> Result<Option<Write>, Problem> {
        let key = packages_key(name, number);
        let item = self.table.get(&key).await.map_err(problem)?;
        let Some(item) = item else {
            return Ok(None);
        };
        let before: Stored<Inventory> = decode(&item)?;
        let condition = before.unchanged();
        let (mut now, revision) = (before.value, before.revision + 1);
        let files = added.and_then(|added| added.sensitive.as_ref());
        now.sensitive = now.sensitive.zip(files).map(|(mut all, more)| {
            all.extend(more.iter().cloned());
            all.sort();
            all.dedup();
            all
        });
        now.sensitive_more |= added.is_some_and(|added| added.sensitive_more);
        let item = packages_item(key, &now, revision)?;
        Ok(Some(Write::Put(item, condition)))
    }

    pub async fn packages(
        &self,
        name: &TemplateName,
        number: u32,
    ) -> Result<Option<Inventory>, Problem> {
        self.inventory(&packages_key(name, number)).await
    }

    async fn inventory(&self, key: &Key) -> Result<Option<Inventory>, Problem> {
        let item = self.table.get(key).await.map_err(problem)?;
        let stored = item.as_ref().map(decode).transpose()?;
        Ok(stored.map(|stored| stored.value))
    }
}
