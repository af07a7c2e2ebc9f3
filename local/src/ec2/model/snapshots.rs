//! The points in time that snapshots capture, and DeleteSnapshot.

use std::collections::{BTreeMap, BTreeSet};

use prism_functions::domain::{AccountId, ImageId, SnapshotId, Timestamp, VolumeId};
use prism_functions::ports::{Ec2Error, Encryption, ImageState, SnapshotState, Tags};

use super::images::take_first;
use super::index::Due;
use super::launch::parsed;
use super::{DiskId, ImageRow, Model, Scope, Slot, SlotSource, SnapshotRow, after, transfer};
use crate::ec2::errors;

pub(super) struct Captured {
    pub(super) disk: DiskId,
    pub(super) full_bytes: u64,
    pub(super) copied_bytes: u64,
    pub(super) volume: VolumeId,
}

impl Model {
    /// Which keys encrypt these snapshots, and who manages them.
    pub(crate) fn keys_of(&self, ids: &[SnapshotId]) -> BTreeMap<SnapshotId, Encryption> {
        let rows = ids.iter().filter_map(|id| self.data.snapshots.get(id));
        rows.map(|row| (row.id.clone(), row.encryption.clone()))
            .collect()
    }

    /// Whether another account may use all snapshots of an image.
    pub(super) fn are_shared(&self, row: &ImageRow, account: &AccountId) -> bool {
        let mut snapshots = row.slots.iter().map(|slot| slot.snapshot.as_ref());
        snapshots.all(|id| {
            let row = id.and_then(|id| self.data.snapshots.get(id));
            row.is_some_and(|row| row.shared_with.contains(account))
        })
    }

    pub(crate) fn share_snapshot(
        &mut self,
        scope: &Scope<'_>,
        id: &SnapshotId,
        account: &AccountId,
        shared: bool,
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "ModifySnapshotAttribute";
        self.admit(scope, ACTION)?;
        let row = self.own_snapshot(scope, ACTION, id)?;
        if shared && row.encryption == Encryption::AwsManagedKey {
            let message = "Encrypted snapshots with EBS default key cannot be shared";
            return Err(Ec2Error::new(ACTION, "OperationNotPermitted", message));
        }
        if let Some(row) = self.data.snapshots.get_mut(id) {
            if shared {
                row.shared_with.insert(account.clone());
            } else {
                row.shared_with.remove(account);
            }
        }
        let what = if shared {
            "shared with"
        } else {
            "no longer shared with"
        };
        self.tell(
            scope.now,
            scope.region,
            id.as_str(),
            format!("{what} {account}"),
        );
        Ok(())
    }

    pub(crate) fn snapshot_shares(
        &mut self,
        scope: &Scope<'_>,
        id: &SnapshotId,
    ) -> Result<Vec<AccountId>, Ec2Error> {
        const ACTION: &str = "DescribeSnapshotAttribute";
        self.admit(scope, ACTION)?;
        let row = self.own_snapshot(scope, ACTION, id)?;
        Ok(row.shared_with.iter().cloned().collect())
    }

    fn own_snapshot(
        &self,
        scope: &Scope<'_>,
        action: &str,
        id: &SnapshotId,
    ) -> Result<&SnapshotRow, Ec2Error> {
        let row = self.data.snapshots.get(id);
        let own = |row: &&SnapshotRow| {
            row.account == *scope.account
                && row.region == *scope.region
                && row.visible_at <= scope.now
        };
        row.filter(own)
            .ok_or_else(|| errors::snapshot_not_found(action, id))
    }

    /// Captures the contents of a volume; from now on the volume may change (EC2 fact 1).
    pub(super) fn begin_snapshot(&mut self, image: &ImageId, slot: usize, at: Timestamp) {
        let Some(row) = self.data.images.get(image).cloned() else {
            return;
        };
        let Some(wanted) = row.slots.get(slot) else {
            return;
        };
        let Some(captured) = self.capture(&wanted.source) else {
            self.fail_image(
                image,
                "A volume of the image was deleted before its snapshot",
                at,
            );
            return;
        };
        let fails = self.snapshot_misfortune(&row, &wanted.encryption);
        let ends_at = self.end_of_snapshot(&wanted.source, &captured, at);
        let id = self.begin(
            at,
            SnapshotRow {
                account: row.account.clone(),
                region: row.region.clone(),
                image: image.clone(),
                size_gib: wanted.size_gib,
                encryption: wanted.encryption.clone(),
                tags: row.tags.clone(),
                fails,
                ..pending(captured, at, ends_at)
            },
        );
        self.after_snapshot(image, slot, id, at);
    }

    /// Takes a snapshot of a volume that does not belong to an image.
    pub(crate) fn take_snapshot(&mut self, id: &VolumeId, at: Timestamp) -> Option<SnapshotId> {
        let source = SlotSource::Volume(id.clone());
        let captured = self.capture(&source)?;
        let ends_at = self.end_of_snapshot(&source, &captured, at);
        let volume = self.data.volumes.get(id)?;
        let row = SnapshotRow {
            account: volume.account.clone(),
            region: volume.region.clone(),
            size_gib: volume.size_gib,
            encryption: volume.encryption.clone(),
            ..pending(captured, at, ends_at)
        };
        Some(self.begin(at, row))
    }

    fn begin(&mut self, at: Timestamp, row: SnapshotRow) -> SnapshotId {
        let id: SnapshotId = parsed(&self.next_id("snap"));
        let row = SnapshotRow {
            id: id.clone(),
            visible_at: after(at, self.settings().durations.consistency),
            ..row
        };
        self.index.add_snapshot(&id, &row.tags);
        self.index
            .agenda
            .insert((row.ends_at, Due::Snapshot(id.clone())));
        let what = format!("pending: {} for {}", row.volume, row.image);
        self.tell(at, &row.region, id.as_str(), what);
        self.data.snapshots.insert(id.clone(), row);
        id
    }

    /// Records the snapshot on its image and schedules the image's next step.
    fn after_snapshot(&mut self, image: &ImageId, slot: usize, id: SnapshotId, at: Timestamp) {
        let durations = &self.settings().durations;
        let next = after(at, durations.snapshot_stagger);
        let forget = after(at, durations.deregistered_visible);
        let Some(row) = self.data.images.get_mut(image) else {
            return;
        };
        if let Some(slot) = row.slots.get_mut(slot) {
            slot.snapshot = Some(id);
        }
        let more = row.slots.iter().any(|s| s.snapshot.is_none());
        let due = match row.state {
            _ if more => Some(next),
            ImageState::Deregistered => Some(forget),
            _ => None,
        };
        self.schedule_image(image, due);
    }

    fn capture(&mut self, source: &SlotSource) -> Option<Captured> {
        match source {
            SlotSource::Volume(volume) => {
                let row = self.data.volumes.get_mut(volume)?;
                let (disk, changed, incremental) = (row.disk, row.changed_bytes, row.has_snapshot);
                row.changed_bytes = 0;
                row.has_snapshot = true;
                let full_bytes = self.disk(disk)?.used_bytes();
                Some(Captured {
                    disk: self.share_disk(disk),
                    full_bytes,
                    copied_bytes: if incremental {
                        changed.min(full_bytes)
                    } else {
                        full_bytes
                    },
                    volume: volume.clone(),
                })
            }
            SlotSource::Copy { disk, .. } => {
                let full_bytes = self.disk(*disk)?.used_bytes();
                Some(Captured {
                    disk: self.share_disk(*disk),
                    full_bytes,
                    copied_bytes: full_bytes,
                    // EC2 gives copied snapshots a volume ID without meaning.
                    volume: parsed("vol-ffffffffffffffff0"),
                })
            }
        }
    }

    fn end_of_snapshot(&self, source: &SlotSource, c: &Captured, at: Timestamp) -> Timestamp {
        let d = &self.settings().durations;
        let (base, rate) = match source {
            SlotSource::Volume(_) => (d.snapshot_base, d.snapshot_bytes_per_s),
            SlotSource::Copy { .. } => (d.copy_base, d.copy_bytes_per_s),
        };
        after(at, base.saturating_add(transfer(c.copied_bytes, rate)))
    }

    fn snapshot_misfortune(&mut self, image: &ImageRow, encryption: &Encryption) -> Option<String> {
        if image.copied {
            // A copy fails as a whole, and its snapshots fail with it.
            return image.fails.clone();
        }
        if let Some(key) = self.lost_key(encryption) {
            return Some(format!("Given key ID is not accessible: {key}"));
        }
        if self.world().misfortunes.snapshots.is_empty() {
            return None;
        }
        take_first(&mut self.world_mut().misfortunes.snapshots)
    }

    /// Releases what a copy still holds for a snapshot, whether or not the snapshot was made.
    pub(super) fn drop_source(&mut self, slot: &Slot) {
        if let SlotSource::Copy { disk, .. } = slot.source {
            self.release_disk(disk);
        }
    }

    pub(crate) fn delete_snapshot(
        &mut self,
        scope: &Scope<'_>,
        id: &SnapshotId,
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "DeleteSnapshot";
        self.admit(scope, ACTION)?;
        let row = self.data.snapshots.get(id);
        let row = row
            .filter(|r| {
                r.account == *scope.account
                    && r.region == *scope.region
                    && r.visible_at <= scope.now
            })
            .ok_or_else(|| errors::snapshot_not_found(ACTION, id))?;
        let image = self.data.images.get(&row.image);
        if image.is_some_and(|image| image.state != ImageState::Deregistered) {
            let message = format!("The snapshot {id} is currently in use by {}", row.image);
            return Err(Ec2Error::new(ACTION, "InvalidSnapshot.InUse", message));
        }
        let (tags, disk, volume) = (row.tags.clone(), row.disk, row.volume.clone());
        self.data.snapshots.remove(id);
        // The next snapshot copies what no remaining snapshot contains.
        let mut left = self.data.snapshots.values();
        let last = !left.any(|snapshot| snapshot.volume == volume);
        drop(left);
        if let Some(row) = self.data.volumes.get_mut(&volume).filter(|_| last) {
            row.has_snapshot = false;
        }
        self.index.remove_snapshot(id, &tags);
        self.release_disk(disk);
        self.tell(scope.now, scope.region, id.as_str(), "deleted");
        Ok(())
    }
}

/// A snapshot that begins now, without an account or an image yet.
pub(super) fn pending(captured: Captured, at: Timestamp, ends_at: Timestamp) -> SnapshotRow {
    SnapshotRow {
        id: parsed("snap-00000000000000000"),
        account: parsed("000000000000"),
        region: parsed("us-east-1"),
        volume: captured.volume,
        image: parsed("ami-00000000000000000"),
        state: SnapshotState::Pending,
        size_gib: 0,
        encryption: Encryption::None,
        disk: captured.disk,
        full_bytes: captured.full_bytes,
        copied_bytes: captured.copied_bytes,
        tags: Tags::new(),
        started_at: at,
        visible_at: at,
        due: Some(ends_at),
        ends_at,
        fails: None,
        shared_with: BTreeSet::new(),
    }
}
