//! The versions that an AMI belongs to. As a result of imports, several versions can have the same AMI; it is kept
//! until the last of them is deleted.

use std::collections::BTreeSet;

use super::Registry;
use super::items::used::{USED, image_pk, used_item, used_key};
use super::records::{replaced, within};
use crate::domain::template::{TemplateRef, TemplateState, Version};
use crate::domain::{ImageId, Problem, Region};
use crate::ports::{Condition, Key, Write};

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
    let by = after.reference();
    replaced(&before, &keys(after), |key| used_item(key, &by))
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
        let query = within(image_pk(region, image), USED, limit, None);
        Ok(self.list(&query).await?.items)
    }
}
