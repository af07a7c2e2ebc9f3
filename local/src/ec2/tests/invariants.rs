//! Invariants of the cloud that always hold.

use std::collections::{BTreeMap, BTreeSet};

use prism_functions::domain::ec2::InstanceState;
use prism_functions::ports::ImageState;

use super::machines::{FILE, Run};
use crate::ec2::model::SlotSource;

impl Run {
    pub(super) fn content(&self, disk: u64) -> Option<String> {
        let bytes = self.model.disk(disk)?.file(FILE)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn check(&mut self) {
        self.check_transitions();
        self.check_names_and_ids();
        self.check_disks();
        self.check_contents();
    }

    fn check_transitions(&self) {
        for row in self.model.data.instances.values() {
            for pair in row.history.windows(2) {
                let ((before, from), (at, to)) = (pair[0], pair[1]);
                assert!(legal(from, to), "{}: {from:?} to {to:?}", row.id);
                assert!(before <= at, "{}: time went back", row.id);
            }
            assert_eq!(row.history.last().map(|h| h.1), Some(row.state));
            if !row.state.is_gone() {
                for attached in &row.volumes {
                    let volume = self.model.data.volumes.get(&attached.volume);
                    let volume = volume.expect("an attached volume exists");
                    assert_eq!(volume.attached_to.as_ref(), Some(&row.id));
                }
            }
        }
    }

    fn check_names_and_ids(&mut self) {
        let data = &self.model.data;
        let mut names = BTreeSet::new();
        for row in data.images.values() {
            let holds = row.state != ImageState::Deregistered;
            let name = (&row.account, &row.region, &row.name);
            assert!(!holds || names.insert(name), "{} twice", row.name);
        }
        let ids = data.instances.iter().map(|(k, _)| k.to_string());
        let ids = ids.chain(data.images.iter().map(|(k, _)| k.to_string()));
        let ids = ids.chain(data.snapshots.iter().map(|(k, _)| k.to_string()));
        let ids: BTreeSet<String> = ids
            .chain(data.volumes.iter().map(|(k, _)| k.to_string()))
            .collect();
        let gone: Vec<String> = self.alive.difference(&ids).cloned().collect();
        assert!(ids.is_disjoint(&self.dead), "an id came back");
        self.dead.extend(gone);
        self.alive = ids;
    }

    /// Every disk has exactly as many holders as it counts, and at least one.
    fn check_disks(&self) {
        let data = &self.model.data;
        let mut held: BTreeMap<u64, u32> = BTreeMap::new();
        let volumes = data.volumes.values().map(|v| v.disk);
        let snapshots = data.snapshots.values().map(|s| s.disk);
        let slots = data.images.values().flat_map(|i| &i.slots);
        let copies = slots.filter_map(|slot| match slot.source {
            SlotSource::Copy { disk, .. } => Some(disk),
            SlotSource::Volume(_) => None,
        });
        for disk in volumes.chain(snapshots).chain(copies) {
            *held.entry(disk).or_default() += 1;
        }
        let counted = data.disks.iter().map(|(id, row)| (*id, row.holders));
        assert_eq!(held, counted.collect());
    }

    fn check_contents(&self) {
        let data = &self.model.data;
        for (id, writes) in &self.written {
            if let Some(volume) = data.volumes.get(id) {
                let last = writes.last().map(|(_, text)| text.clone());
                assert_eq!(
                    self.content(volume.disk),
                    last,
                    "{id} lost what was written"
                );
            }
        }
        for snapshot in data.snapshots.values() {
            if let Some(writes) = self.written.get(&snapshot.volume) {
                let before = writes
                    .iter()
                    .rev()
                    .find(|(at, _)| *at < snapshot.started_at);
                if let Some((_, text)) = before {
                    assert_eq!(
                        self.content(snapshot.disk).as_ref(),
                        Some(text),
                        "{}",
                        snapshot.id
                    );
                }
            }
            if let Some(contents) = self.copied.get(&snapshot.image) {
                assert!(
                    contents.contains(&self.content(snapshot.disk)),
                    "{}",
                    snapshot.id
                );
            }
        }
    }
}

fn legal(from: InstanceState, to: InstanceState) -> bool {
    use InstanceState::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
    matches!(
        (from, to),
        (
            Pending,
            Running | Stopping | Stopped | ShuttingDown | Terminated
        ) | (Running, Stopping | ShuttingDown)
            | (Stopping, Stopped | ShuttingDown)
            | (Stopped, Pending | ShuttingDown)
            | (ShuttingDown, Terminated)
    )
}
