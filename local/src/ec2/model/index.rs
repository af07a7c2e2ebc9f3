//! Indexes that avoid scanning every row. All of them are derived from the rows.

use std::collections::{BTreeMap, BTreeSet};

use prism_functions::domain::{AccountId, ImageId, InstanceId, Region, SnapshotId, Timestamp};
use prism_functions::ports::{ImageState, Tags};

use super::{Model, TOKEN_LIFE, after};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Snapshot(SnapshotId),
    Image(ImageId),
    Instance(InstanceId),
    Replacement(InstanceId),
    Token(String),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// What is due, by time. Entries may be outdated, so the row must be checked too.
    pub(super) agenda: BTreeSet<(Timestamp, Due)>,
    /// The AMIs that hold names, by account, Region and name.
    pub(super) names: BTreeMap<(AccountId, Region, String), ImageId>,
    /// Images by tag key and value. Few tags are shared by more than a handful of images, so the sets are small.
    pub(super) images_by_tag: BTreeMap<(String, String), BTreeSet<ImageId>>,
    pub(super) snapshots_by_tag: BTreeMap<(String, String), BTreeSet<SnapshotId>>,
    pub(super) pending: BTreeSet<ImageId>,
}

impl Index {
    pub(super) fn expire_token(&mut self, at: Timestamp, key: String) {
        self.agenda.insert((at, Due::Token(key)));
    }

    /// Besides its tags, an image is found by its name, which is indexed under the empty key that no tag can have.
    pub(super) fn add_image(&mut self, id: &ImageId, name: &str, tags: &Tags) {
        add(&mut self.images_by_tag, id, tags);
        let names = Tags::from([(String::new(), name.to_owned())]);
        add(&mut self.images_by_tag, id, &names);
    }

    pub(super) fn remove_image(&mut self, id: &ImageId, name: &str, tags: &Tags) {
        remove(&mut self.images_by_tag, id, tags);
        let names = Tags::from([(String::new(), name.to_owned())]);
        remove(&mut self.images_by_tag, id, &names);
    }

    pub(super) fn add_snapshot(&mut self, id: &SnapshotId, tags: &Tags) {
        add(&mut self.snapshots_by_tag, id, tags);
    }

    pub(super) fn remove_snapshot(&mut self, id: &SnapshotId, tags: &Tags) {
        remove(&mut self.snapshots_by_tag, id, tags);
    }
}

type ByTag<Id> = BTreeMap<(String, String), BTreeSet<Id>>;

fn add<Id: Ord + Clone>(index: &mut ByTag<Id>, id: &Id, tags: &Tags) {
    for (key, value) in tags {
        let ids = index.entry((key.clone(), value.clone())).or_default();
        ids.insert(id.clone());
    }
}

fn remove<Id: Ord>(index: &mut ByTag<Id>, id: &Id, tags: &Tags) {
    for (key, value) in tags {
        let entry = (key.clone(), value.clone());
        if let Some(ids) = index.get_mut(&entry) {
            ids.remove(id);
            if ids.is_empty() {
                index.remove(&entry);
            }
        }
    }
}

impl Model {
    pub(crate) fn reindex(&mut self) {
        let mut index = Index::default();
        for row in self.data.instances.values() {
            if let Some(at) = row.due {
                index.agenda.insert((at, Due::Instance(row.id.clone())));
            }
            if let Some(at) = row.replace_at {
                index.agenda.insert((at, Due::Replacement(row.id.clone())));
            }
        }
        for row in self.data.images.values() {
            if let Some(at) = row.due {
                index.agenda.insert((at, Due::Image(row.id.clone())));
            }
            if row.state == ImageState::Pending {
                index.pending.insert(row.id.clone());
            }
            if row.state != ImageState::Deregistered {
                let key = (row.account.clone(), row.region.clone(), row.name.clone());
                index.names.insert(key, row.id.clone());
            }
            index.add_image(&row.id, &row.name, &row.tags);
        }
        for row in self.data.snapshots.values() {
            if let Some(at) = row.due {
                index.agenda.insert((at, Due::Snapshot(row.id.clone())));
            }
            index.add_snapshot(&row.id, &row.tags);
        }
        for (key, row) in self.data.tokens.iter() {
            index.expire_token(after(row.at, TOKEN_LIFE), key.clone());
        }
        self.index = index;
    }
}
