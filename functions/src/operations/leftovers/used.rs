//! The resources that registered versions use.

use std::collections::{BTreeMap, BTreeSet};

use super::{PAGE, Seen, template_of};
use crate::domain::tags::{OWNER_TAG, SAVE_TAG};
use crate::domain::template::{TemplateRef, TemplateState, Version};
use crate::domain::{ImageId, Problem, Region, SaveId, SnapshotId, TemplateName, UserId};
use crate::operations::Service;
use crate::ports::Tags;
use crate::registry::Listing;

/// The versions that have an AMI.
pub(super) type Users = Vec<TemplateRef>;

/// The resources in use.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// The templates that were read.
    pub(super) templates: BTreeSet<TemplateName>,
    /// The AMIs of their versions.
    pub(super) images: BTreeMap<(Region, ImageId), Users>,
    /// The snapshots of their versions.
    pub(super) snapshots: BTreeSet<(Region, SnapshotId)>,
}

impl Service {
    /// Returns everything that is used by the versions of templates that the given resources may belong to: by their
    /// template, owner or save, or because the template is public.
    pub(super) async fn used(&self, seen: &[Seen]) -> Result<Used, Problem> {
        let mut used = Used::default();
        let mut owners: BTreeSet<UserId> = BTreeSet::new();
        let mut saves: BTreeSet<SaveId> = BTreeSet::new();
        for tags in seen.iter().flat_map(tags) {
            owners.extend(tags.get(OWNER_TAG).and_then(|owner| owner.parse().ok()));
            saves.extend(tags.get(SAVE_TAG).and_then(|id| id.parse().ok()));
            used.templates.extend(template_of(tags));
        }
        for id in saves {
            if let Some(stored) = self.env.registry.save(&id).await? {
                used.templates.insert(stored.value.request.template);
            }
        }
        let mut listings = vec![Listing::Public];
        listings.extend(owners.into_iter().map(Listing::OwnedBy));
        for listing in listings {
            self.add_templates(&listing, &mut used).await?;
        }
        for template in used.templates.clone() {
            self.add_versions(&template, &mut used).await?;
        }
        Ok(used)
    }

    async fn add_templates(&self, listing: &Listing, used: &mut Used) -> Result<(), Problem> {
        let mut after: Option<String> = None;
        loop {
            let registry = &self.env.registry;
            let page = registry.entries(listing, after.as_deref(), PAGE).await?;
            let names = page.entries.into_iter().map(|entry| entry.template.name);
            used.templates.extend(names);
            after = page.end;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn add_versions(&self, name: &TemplateName, used: &mut Used) -> Result<(), Problem> {
        let mut cursor = None;
        loop {
            let page = self.env.registry.versions(name, PAGE, cursor).await?;
            for version in &page.items {
                used.add(version);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

impl Used {
    fn add(&mut self, version: &Version) {
        // What remains of a deleted version is left over, and lent AMIs belong to another template.
        if version.state == TemplateState::Deleted || version.borrowed == Some(true) {
            return;
        }
        for (region, by_architecture) in &version.amis {
            for id in by_architecture.values() {
                let users = self.images.entry((region.clone(), id.clone()));
                users.or_default().push(version.reference());
            }
        }
        for (region, ids) in &version.snapshots {
            let ids = ids.iter().cloned();
            self.snapshots.extend(ids.map(|id| (region.clone(), id)));
        }
    }
}

fn tags(seen: &Seen) -> impl Iterator<Item = &Tags> {
    let images = seen.images.iter().map(|it| &it.tags);
    let snapshots = seen.snapshots.iter().map(|it| &it.tags);
    let instances = seen.instances.iter().map(|it| &it.tags);
    images.chain(snapshots).chain(instances)
}
