//! What others do in the account during a save: to its AMIs and snapshots, to keys, and to a Region's defaults.

use futures::FutureExt;
use prism_functions::domain::InstanceId;
use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::ports::{Ec2, Encryption, ImageFilter, Instance, SnapshotFilter};
use prism_local::ec2::{Admin, VolumeSpec};

use super::before::REGIONS;
use super::hands::Hands;
use super::neighbour;

impl Hands {
    fn instance(&self, id: &InstanceId) -> Option<Instance> {
        let inventory = self.admin.inventory().ok()?;
        let mut instances = inventory
            .instances
            .into_iter()
            .map(|(_, instance)| instance);
        instances.find(|instance| instance.id == *id && !instance.state.is_gone())
    }

    /// Detaches the last volume of an instance, unless it is the root.
    pub(super) fn detach(&self, id: &InstanceId) {
        let Some(instance) = self.instance(id) else {
            return;
        };
        let further = |device: &str| device != instance.root_device;
        let last = instance.volumes.iter().rev().find(|it| further(&it.device));
        if let Some(last) = last {
            drop(self.admin.detach(&last.volume));
        }
    }

    pub(super) fn attach(&self, id: &InstanceId) {
        let Some(instance) = self.instance(id) else {
            return;
        };
        let mut devices = ('g'..='z').map(|letter| format!("/dev/sd{letter}"));
        let free = |device: &String| instance.volumes.iter().all(|it| it.device != *device);
        let Some(device) = devices.find(free) else {
            return;
        };
        let spec = VolumeSpec {
            device,
            size_gib: 1,
            used_bytes: 1 << 20,
            encryption: Encryption::None,
            delete_on_termination: true,
        };
        drop(self.admin.add_volume(id, &spec));
    }

    pub(super) fn protect(&self, record: &SaveRecord) {
        let home = &record.request.region;
        for region in record.request.copy_to.iter().chain([home]) {
            let filter = ImageFilter::OwnTag(SAVE_TAG.to_owned(), record.save_id.to_string());
            let found = self.ec2.images(region, &filter).now_or_never();
            for image in found.and_then(Result::ok).unwrap_or_default() {
                drop(self.admin.protect_image(&image.id, true));
            }
        }
    }

    pub(super) fn discard(&self, record: &SaveRecord, snapshots_too: bool) {
        let home = &record.request.region;
        for region in record.request.copy_to.iter().chain([home]) {
            let tag = || (SAVE_TAG.to_owned(), record.save_id.to_string());
            let (key, value) = tag();
            if snapshots_too {
                let filter = SnapshotFilter::Tag(key, value);
                let found = self.ec2.snapshots(region, &filter).now_or_never();
                for snapshot in neighbour::spared(found, |it| &it.tags) {
                    drop(
                        self.ec2
                            .delete_snapshot(region, &snapshot.id)
                            .now_or_never(),
                    );
                }
            } else {
                let filter = ImageFilter::OwnTag(key, value);
                let found = self.ec2.images(region, &filter).now_or_never();
                for image in neighbour::spared(found, |it| &it.tags) {
                    drop(self.ec2.deregister_image(region, &image.id).now_or_never());
                }
            }
        }
    }
}

/// Turns on encryption by default with the AWS managed key.
pub(super) fn encrypt(admin: &Admin) {
    for region in REGIONS {
        let region = region.parse().expect("it is a Region");
        let turned_on = admin.set_ebs_defaults(&region, true, None);
        turned_on.expect("it is there");
    }
}
