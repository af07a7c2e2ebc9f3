//! The outside actor: it sets up accounts, makes things fail, and inspects the results.

use std::collections::BTreeMap;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{
    AccountId, ImageId, InstanceId, LaunchTemplateId, Region, SnapshotId, Timestamp, VolumeId,
};
use prism_functions::ports::{Encryption, KeyState, NewInstance, Reservation, Tags};

use super::cloud::Cloud;
use super::cloud_error::CloudError;
use super::facts::{InstanceFacts, InstanceSpec, Inventory, VolumeSpec};
use super::guest::{Disk, FileBody};
use super::model::{
    Attachment, BY_USER, Capacity, InstanceRow, KeyPolicy, LaunchTemplateRow, Model, Scope,
    Traffic, VolumeRow, ZoneRow, first_subnet,
};

/// The outside actor of an account. Its actions are neither throttled nor denied.
#[derive(Debug, Clone)]
pub struct Admin {
    cloud: Cloud,
    account: AccountId,
}

impl Cloud {
    pub fn admin(&self, account: AccountId) -> Admin {
        let cloud = self.clone();
        Admin { cloud, account }
    }
}

impl Admin {
    pub fn add_instance(
        &self,
        region: &Region,
        spec: &InstanceSpec,
    ) -> Result<InstanceId, CloudError> {
        let new = NewInstance {
            image: super::model::parsed("ami-00000000000000000"),
            instance_type: spec.instance_type.clone(),
            volumes: Vec::new(),
            ports: vec![22],
            kms_key: None,
            user_data: None,
            profile: None,
            client_token: String::new(),
            tags: spec.tags.clone(),
            subnet: first_subnet(region),
        };
        self.cloud.with(|model, now| {
            let scope = Scope {
                account: &self.account,
                region,
                now,
            };
            let id = model
                .settle_instance(
                    &scope,
                    &spec.parameter,
                    new,
                    spec.root_size_gib,
                    spec.stopped,
                )
                .map_err(|error| CloudError::Unknown(error.to_string()))?;
            if let Some(row) = model.data.instances.get_mut(&id) {
                row.pace_percent = spec.pace_percent;
            }
            Ok(id)
        })?
    }

    pub fn edit(
        &self,
        id: &InstanceId,
        change: impl FnOnce(&mut InstanceFacts),
    ) -> Result<(), CloudError> {
        self.instance(id, |model, row, _| {
            let mut facts = facts_of(&row);
            change(&mut facts);
            model.apply_facts(id, facts);
        })
    }

    pub fn facts(&self, id: &InstanceId) -> Result<InstanceFacts, CloudError> {
        self.instance(id, |_, row, _| facts_of(&row))
    }

    pub fn add_volume(&self, id: &InstanceId, spec: &VolumeSpec) -> Result<VolumeId, CloudError> {
        self.instance(id, |model, row, now| {
            let disk = model.new_disk(Disk::fresh(super::System::Debian, spec.used_bytes));
            let scope = Scope {
                account: &row.account,
                region: &row.region,
                now,
            };
            let (size, encryption) = (spec.size_gib, spec.encryption.clone());
            let tags = Tags::new();
            let volume = model.new_volume(&row.account, &scope, size, encryption, disk, &tags);
            if let Some(volume) = model.data.volumes.get_mut(&volume) {
                volume.attached_to = Some(id.clone());
                volume.zone = Some(row.zone());
            }
            if let Some(row) = model.data.instances.get_mut(id) {
                row.volumes.push(Attachment {
                    device: spec.device.clone(),
                    volume: volume.clone(),
                    delete_on_termination: spec.delete_on_termination,
                    moving: false,
                });
            }
            volume
        })
    }

    pub fn set_reservation(&self, id: &str, reservation: Reservation) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            let reservations = &mut model.world_mut().reservations;
            reservations.insert(id.to_owned(), reservation);
        })
    }

    /// Sets a launch template in a Region, whose versions name these AMIs, oldest first. Without versions, the
    /// account has no launch template with this ID.
    pub fn set_launch_template(
        &self,
        region: &Region,
        id: &LaunchTemplateId,
        versions: &[ImageId],
    ) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            let known = &mut model.world_mut().launch_templates;
            if versions.is_empty() {
                known.remove(id);
                return;
            }
            let row = LaunchTemplateRow {
                account: self.account.clone(),
                region: region.clone(),
                versions: versions.to_vec(),
            };
            known.insert(id.clone(), row);
        })
    }

    /// Adds a fleet with this ID that replaces members that are not running.
    pub fn maintain_fleet(&self, id: &str) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            model.world_mut().maintained_fleets.insert(id.to_owned());
        })
    }

    pub fn take_snapshot(&self, id: &VolumeId) -> Result<SnapshotId, CloudError> {
        self.known(id, |model, now| model.take_snapshot(id, now))
    }

    pub fn detach(&self, id: &VolumeId) -> Result<(), CloudError> {
        self.known(id, |model, _| {
            let holder = model.data.volumes.get_mut(id)?.attached_to.take()?;
            let row = model.data.instances.get_mut(&holder)?;
            row.volumes.retain(|attached| attached.volume != *id);
            Some(())
        })
    }

    /// Changes the type of a volume, for example to `st1`.
    pub fn set_volume_kind(&self, id: &VolumeId, kind: &str) -> Result<(), CloudError> {
        self.volume(id, |row| kind.clone_into(&mut row.kind))
    }

    /// Attaches a volume to another instance as well (Multi-Attach).
    pub fn attach_also(&self, id: &VolumeId, other: &InstanceId) -> Result<(), CloudError> {
        self.volume(id, |row| row.also_attached_to.push(other.clone()))
    }

    /// Begins to detach a volume whose file system is in use: the attachment stays `busy`.
    pub fn begin_to_detach(&self, id: &VolumeId) -> Result<(), CloudError> {
        self.known(id, |model, _| {
            let holder = model.data.volumes.get(id)?.attached_to.clone()?;
            let row = model.data.instances.get_mut(&holder)?;
            let mut attached = row.volumes.iter_mut();
            attached.find(|it| it.volume == *id)?.moving = true;
            Some(())
        })
    }

    pub fn set_encryption(&self, id: &VolumeId, encryption: Encryption) -> Result<(), CloudError> {
        self.volume(id, |row| row.encryption = encryption)
    }

    /// Writes a file of any size to any volume, as a process on its instance would.
    pub fn write_file(&self, id: &VolumeId, path: &str, bytes: &[u8]) -> Result<(), CloudError> {
        self.known(id, |model, _| {
            let mut disk = model.disk(model.data.volumes.get(id)?.disk)?.clone();
            disk.files.insert(path.to_owned(), FileBody(bytes.into()));
            model.write_volume(id, disk, bytes.len() as u64);
            Some(())
        })
    }

    pub fn disk_of_volume(&self, id: &VolumeId) -> Result<Disk, CloudError> {
        self.known(id, |model, _| {
            model.disk(model.data.volumes.get(id)?.disk).cloned()
        })
    }

    pub fn disk_of_snapshot(&self, id: &SnapshotId) -> Result<Disk, CloudError> {
        self.known(id, |model, _| {
            model.disk(model.data.snapshots.get(id)?.disk).cloned()
        })
    }

    /// Stops an instance, as another user would, if its state allows it.
    pub fn stop(&self, id: &InstanceId) -> Result<(), CloudError> {
        self.instance(id, |model, row, now| {
            if row.state == InstanceState::Running {
                model.begin_stop(id, now, "somebody else", BY_USER);
            }
        })
    }

    /// Starts an instance, as another user would, if it is stopped.
    pub fn start(&self, id: &InstanceId) -> Result<(), CloudError> {
        self.instance(id, |model, row, now| {
            if row.state == InstanceState::Stopped {
                model.begin_start(id, now, None, "somebody else");
            }
        })
    }

    pub fn terminate(&self, id: &InstanceId) -> Result<(), CloudError> {
        self.instance(id, |model, row, now| {
            if !row.state.is_gone() {
                model.begin_termination(id, now, "somebody else");
            }
        })
    }

    pub fn protect_image(&self, id: &ImageId, protected: bool) -> Result<(), CloudError> {
        self.known(id, |model, _| {
            let row = model.data.images.get_mut(id)?;
            row.protected = protected;
            Some(())
        })
    }

    /// Disables an AMI, as another user would.
    pub fn disable_image(&self, id: &ImageId) -> Result<(), CloudError> {
        self.known(id, |model, now| model.disable_image(id, now))
    }

    /// Enables a disabled AMI again, as another user would.
    pub fn enable_image(&self, id: &ImageId) -> Result<(), CloudError> {
        self.known(id, |model, now| model.enable_image(id, now))
    }

    /// Sets whether making the account's AMIs in a Region public is blocked. By default, it is.
    pub fn block_public_images(&self, region: &Region, block: bool) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            model.area_mut(&self.account, region).block_public_images = block;
        })
    }

    /// Sets how volumes and copies in a Region are encrypted by default: whether they are encrypted at all, and with
    /// which customer managed key, or with the AWS managed key if none is given.
    pub fn set_ebs_defaults(
        &self,
        region: &Region,
        encrypts: bool,
        key: Option<&str>,
    ) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            let area = model.area_mut(&self.account, region);
            area.encrypts = encrypts;
            area.default_key = key.map(str::to_owned);
        })
    }

    /// Sets how many instances of the account may run in a Region; `None` means the cloud's own limit.
    pub fn set_instance_quota(&self, region: &Region, most: Option<u32>) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            model.area_mut(&self.account, region).instance_quota = most;
        })
    }

    /// Removes the permission for an action, such as `StopInstances`.
    pub fn deny(&self, action: &str) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            let denied = &mut model.world_mut().denied;
            let actions = denied.entry(self.account.clone()).or_default();
            actions.insert(action.to_owned());
        })
    }

    pub fn allow(&self, action: &str) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            if let Some(actions) = model.world_mut().denied.get_mut(&self.account) {
                actions.remove(action);
            }
        })
    }

    /// Sets the capacity for an instance type in a Region; the type `*` stands for every type.
    pub fn set_capacity(
        &self,
        region: &Region,
        instance_type: &str,
        capacity: Capacity,
    ) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            let types = model
                .world_mut()
                .capacity
                .entry(region.clone())
                .or_default();
            match capacity {
                Capacity::Available => types.remove(instance_type),
                other => types.insert(instance_type.to_owned(), other),
            };
        })
    }

    /// Sets the capacity for an instance type in an Availability Zone, which otherwise has that of its Region.
    pub fn set_capacity_in_zone(
        &self,
        zone: &str,
        instance_type: &str,
        capacity: Capacity,
    ) -> Result<(), CloudError> {
        self.zone(zone, |row| {
            row.capacity.insert(instance_type.to_owned(), capacity);
        })
    }

    /// Sets whether an Availability Zone offers an instance type.
    pub fn set_offered(
        &self,
        zone: &str,
        instance_type: &str,
        offered: bool,
    ) -> Result<(), CloudError> {
        self.zone(zone, |row| {
            if offered {
                row.withheld.remove(instance_type);
            } else {
                row.withheld.insert(instance_type.to_owned());
            }
        })
    }

    fn zone(&self, zone: &str, change: impl FnOnce(&mut ZoneRow)) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            let zones = &mut model.world_mut().zones;
            change(zones.entry(zone.to_owned()).or_default());
        })
    }

    /// Makes the next image that is created, in any account, fail with this reason.
    pub fn fail_next_image(&self, reason: &str) -> Result<(), CloudError> {
        let reason = reason.to_owned();
        self.cloud
            .with(|model, _| model.world_mut().misfortunes.images.push(reason))
    }

    /// Makes the next snapshot that is taken, in any account, fail with this reason.
    pub fn fail_next_snapshot(&self, reason: &str) -> Result<(), CloudError> {
        let reason = reason.to_owned();
        self.cloud
            .with(|model, _| model.world_mut().misfortunes.snapshots.push(reason))
    }

    /// Makes the next copy that is begun, in any account, fail with this reason.
    pub fn fail_next_copy(&self, reason: &str) -> Result<(), CloudError> {
        let reason = reason.to_owned();
        self.cloud
            .with(|model, _| model.world_mut().misfortunes.copies.push(reason))
    }

    /// Sets the state of a customer managed KMS key, by its ARN. It does not affect what is already running.
    pub fn set_key_state(&self, arn: &str, state: KeyState) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            let keys = &mut model.world_mut().keys;
            keys.entry(arn.to_owned()).or_default().state = state;
        })
    }

    pub fn set_key_policy(&self, arn: &str, policy: KeyPolicy) -> Result<(), CloudError> {
        self.cloud.with(|model, _| {
            let keys = &mut model.world_mut().keys;
            keys.entry(arn.to_owned()).or_default().policy = policy;
        })
    }

    /// The use of EC2's throttle buckets in a Region, by bucket name: first by the account itself, then by its other
    /// users. The bucket for an API's requests has the API's name; the one for the affected instances is
    /// `API/instances`.
    pub fn traffic(
        &self,
        region: &Region,
    ) -> Result<BTreeMap<String, (Traffic, Traffic)>, CloudError> {
        self.cloud
            .with(|model, _| model.traffic(&self.account, region))
    }

    pub fn inventory(&self) -> Result<Inventory, CloudError> {
        self.cloud
            .with(|model, now| model.inventory(&self.account, now))
    }

    fn instance<T>(
        &self,
        id: &InstanceId,
        act: impl FnOnce(&mut Model, InstanceRow, Timestamp) -> T,
    ) -> Result<T, CloudError> {
        self.known(id, |model, now| {
            let row = model.data.instances.get(id)?;
            let row = (row.account == self.account).then(|| row.clone())?;
            Some(act(model, row, now))
        })
    }

    fn volume(&self, id: &VolumeId, change: impl FnOnce(&mut VolumeRow)) -> Result<(), CloudError> {
        self.known(id, |model, _| model.data.volumes.get_mut(id).map(change))
    }

    fn known<T>(
        &self,
        id: &impl std::fmt::Display,
        act: impl FnOnce(&mut Model, Timestamp) -> Option<T>,
    ) -> Result<T, CloudError> {
        let done = self.cloud.with(act)?;
        done.ok_or_else(|| CloudError::Unknown(id.to_string()))
    }
}

fn facts_of(row: &InstanceRow) -> InstanceFacts {
    InstanceFacts {
        tags: row.tags.clone(),
        purchase: row.purchase,
        at_reboot: row.at_reboot,
        fleet: row.tags.get("aws:ec2:fleet-id").cloned(),
        autoscaling_group: row.autoscaling_group().map(str::to_owned),
        stop_protection: row.stop_protection,
        hibernation: row.hibernation,
        product_codes: row.product_codes.clone(),
        elastic_ip: row.elastic_ip,
        ebs_root: row.ebs_root,
        instance_type: row.instance_type.clone(),
        ties: row.ties.clone(),
    }
}
