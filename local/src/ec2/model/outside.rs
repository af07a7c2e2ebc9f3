//! The actions of the outside actor on the model, and its view of it.

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{AccountId, ImageId, InstanceId, Region, Timestamp};
use prism_functions::ports::{Ec2Error, ImageState, NewInstance, NewVolume, Tags};

use super::describe::{described_image, described_snapshot};
use super::{Model, Scope};
use crate::ec2::errors;
use crate::ec2::facts::{InstanceFacts, Inventory};

impl Model {
    /// Adds an instance that has been running or stopped since before the simulation started.
    pub(crate) fn settle_instance(
        &mut self,
        scope: &Scope<'_>,
        parameter: &str,
        mut new: NewInstance,
        root_size_gib: Option<u32>,
        stopped: bool,
    ) -> Result<InstanceId, Ec2Error> {
        new.image = self.parameter(scope, parameter)?;
        let image = self.data.images.get(&new.image).cloned();
        let image = image.ok_or_else(|| errors::image_not_found("RunInstances", &new.image))?;
        new.volumes.extend(root_size_gib.map(|size| NewVolume {
            device: image.root_device.clone(),
            size_gib: Some(size),
            delete_on_termination: true,
        }));
        let id = self.launch(scope, &new, &image);
        self.enter(&id, InstanceState::Running, scope.now, None, "running");
        if stopped {
            self.enter(&id, InstanceState::Stopping, scope.now, None, "stopping");
            self.enter(&id, InstanceState::Stopped, scope.now, None, "stopped");
        }
        if let Some(row) = self.data.instances.get_mut(&id) {
            row.has_run = true;
            row.visible_at = scope.now;
            row.start_fails = None;
            if stopped {
                row.public_ip = None;
            }
        }
        Ok(id)
    }

    /// DisableImage: the AMI loses its launch permissions, and enabling it again does not restore them.
    pub(crate) fn disable_image(&mut self, id: &ImageId, now: Timestamp) -> Option<()> {
        let row = self.data.images.get_mut(id)?;
        if row.state == ImageState::Available {
            row.state = ImageState::Disabled;
            row.permissions.clear();
            let region = row.region.clone();
            self.tell(now, &region, id.as_str(), "disabled");
        }
        Some(())
    }

    pub(crate) fn enable_image(&mut self, id: &ImageId, now: Timestamp) -> Option<()> {
        let row = self.data.images.get_mut(id)?;
        if row.state == ImageState::Disabled {
            row.state = ImageState::Available;
            let region = row.region.clone();
            self.tell(now, &region, id.as_str(), "available");
        }
        Some(())
    }

    pub(crate) fn apply_facts(&mut self, id: &InstanceId, facts: InstanceFacts) {
        let loses_root = !facts.ebs_root;
        let Some(row) = self.data.instances.get_mut(id) else {
            return;
        };
        row.tags = facts.tags;
        set_tag(&mut row.tags, "aws:ec2:fleet-id", facts.fleet);
        set_tag(
            &mut row.tags,
            "aws:autoscaling:groupName",
            facts.autoscaling_group,
        );
        row.purchase = facts.purchase;
        row.at_reboot = facts.at_reboot;
        row.stop_protection = facts.stop_protection;
        row.hibernation = facts.hibernation;
        row.product_codes = facts.product_codes;
        row.elastic_ip = facts.elastic_ip;
        row.ebs_root = facts.ebs_root;
        row.instance_type = facts.instance_type;
        row.ties = facts.ties;
        if !loses_root {
            return;
        }
        let root = row.root_volume().cloned();
        row.volumes.retain(|a| Some(&a.volume) != root.as_ref());
        if let Some(volume) = root.and_then(|root| self.data.volumes.remove(&root)) {
            self.release_disk(volume.disk);
        }
    }

    pub(crate) fn inventory(&self, account: &AccountId, now: Timestamp) -> Inventory {
        let scope_of = |region| Scope {
            account,
            region,
            now,
        };
        let data = &self.data;
        let instances = data
            .instances
            .values()
            .filter(|r| r.account == *account && r.state != InstanceState::Terminated);
        let images = data
            .images
            .values()
            .filter(|r| r.account == *account && r.state != ImageState::Deregistered);
        let snapshots = data.snapshots.values().filter(|r| r.account == *account);
        let volumes = data.volumes.values().filter(|r| r.account == *account);
        let at = |region: &Region| region.clone();
        Inventory {
            instances: instances
                .map(|r| (at(&r.region), self.described_instance(r)))
                .collect(),
            images: images
                .map(|r| (at(&r.region), described_image(&scope_of(&r.region), r)))
                .collect(),
            snapshots: snapshots
                .map(|r| (at(&r.region), described_snapshot(&scope_of(&r.region), r)))
                .collect(),
            volumes: volumes.map(|r| (at(&r.region), r.described())).collect(),
        }
    }
}

fn set_tag(tags: &mut Tags, key: &str, value: Option<String>) {
    match value {
        Some(value) => tags.insert(key.to_owned(), value),
        None => tags.remove(key),
    };
}
