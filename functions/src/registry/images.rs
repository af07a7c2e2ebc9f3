//! The versions that an AMI belongs to. As a result of imports, several versions can have the same AMI; it is kept
//! until the last of them is deleted.

use std::collections::BTreeSet;

use super::items::used::{USED, image_pk, used_item, used_key};
use super::records::{Stored, decode};
use super::{Registry, problem};
use crate::domain::template::{TemplateRef, TemplateState, Version};
use crate::domain::{ImageId, Problem, Region};
use crate::ports::{Condition, Index, Key, Query, SortKeys, Write};

fn keys(version: &Version) -> BTreeSet<Key> {
    // Borrowed AMIs belong only to the template that lends them, and are removed with it.
    if version.state == TemplateState::Deleted || version.borrowed == Some(true) {
        return BTreeSet::new();
    }
    let by = version.reference();
    let images = version.images();
    images
        .map(|(region, image)| used_key(region, image, &by))
        .collect()
}

/// The writes that update the items from one state of a version to another.
pub(super) fn writes(before: Option<&Version>, after: &Version) -> Result<Vec<Write>, Problem> {
    let before = before.map(keys).unwrap_or_default();
    let now = keys(after);
    let gone = before.difference(&now).cloned();
    let mut writes: Vec<Write> = gone
        .map(|key| Write::Delete(key, Condition::Always))
        .collect();
    for key in now.difference(&before) {
        let item = used_item(key.clone(), &after.reference())?;
        writes.push(Write::Put(item, Condition::Always));
    }
    Ok(writes)
}

/// The check that an AMI still belongs to a version.
pub(crate) fn still_used(region: &Region, image: &ImageId, by: &TemplateRef) -> Write {
    Write::Check(used_key(region, image, by), Condition::ItemPresent)
}

impl Registry {
    /// Returns the versions that an AMI belongs to, up to `limit`.
    pub(crate) async fn users_of(
        &self,
        region: &Region,
        image: &ImageId,
        limit: usize,
    ) -> Result<Vec<TemplateRef>, Problem> {
        let query = Query {
            index: Index::Primary,
            pk: image_pk(region, image),
            sort_keys: SortKeys::BeginsWith(USED.to_owned()),
            descending: false,
            limit,
            cursor: None,
        };
        let page = self.table.query(&query).await.map_err(problem)?;
        let users = page.items.iter().map(|item| {
            let stored: Stored<TemplateRef> = decode(item)?;
            Ok(stored.value)
        });
        users.collect()
    }
}
