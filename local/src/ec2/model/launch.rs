//! RunInstances.

use std::collections::BTreeMap;

use prism_functions::domain::ec2::{InstanceState, LaunchPermission};
use prism_functions::domain::first_boot::USER_DATA_BYTES;
use prism_functions::domain::{AccountId, ImageId, InstanceId, Timestamp, VolumeId};
use prism_functions::ports::{
    Ec2Error, Encryption, ImageState, Instance, NewInstance, NewVolume, Tags, Ties,
};

use super::{
    AtReboot, Attachment, Goal, ImageRow, InstanceRow, Model, Purchase, Scope, Slot, VolumeRow,
    after, usual_kind,
};
use crate::ec2::guest::Disk;
use crate::ec2::{errors, types};

const ACTION: &str = "RunInstances";

impl Model {
    pub(crate) fn run_instance(
        &mut self,
        scope: &Scope<'_>,
        new: &NewInstance,
    ) -> Result<Instance, Ec2Error> {
        self.admit(scope, ACTION)?;
        self.take_for_instances(scope, ACTION, 1)?;
        let parameters = parameters(new);
        if let Some(id) = self.token(scope, ACTION, &new.client_token, &parameters)? {
            let row = self.data.instances.iter().find(|(i, _)| i.as_str() == id);
            let row = row.map(|(_, row)| row);
            let row = row.ok_or_else(|| errors::instance_not_found(ACTION, &id))?;
            return Ok(self.described_instance(row));
        }
        check_tags(ACTION, &new.tags)?;
        let image = self.launchable(scope, &new.image)?.clone();
        let facts = types::facts_of(&new.instance_type).ok_or_else(|| {
            let message = format!("Invalid value '{}' for InstanceType.", new.instance_type);
            errors::invalid_value(ACTION, message)
        })?;
        if facts.architecture != image.architecture {
            let message = format!(
                "The architecture '{}' of the specified instance type does not match the \
                 architecture '{}' of the specified AMI. Specify an instance type and an AMI that \
                 have matching architectures, and try again.",
                facts.architecture.as_str(),
                image.architecture.as_str()
            );
            return Err(errors::invalid_value(ACTION, message));
        }
        check_volumes(&image, &new.volumes)?;
        check_user_data(new)?;
        let (subnet, kind) = (&new.subnet.id, &new.instance_type);
        let zone = self.check_zone(scope, ACTION, subnet, kind)?;
        self.check_room(scope, ACTION, &zone, kind)?;

        let id = self.launch(scope, new, &image);
        self.keep_token(scope, ACTION, &new.client_token, parameters, id.as_str());
        let row = self.data.instances.get(&id);
        let row = row.ok_or_else(|| errors::instance_not_found(ACTION, &id))?;
        Ok(self.described_instance(row))
    }

    fn launchable(&self, scope: &Scope<'_>, id: &ImageId) -> Result<&ImageRow, Ec2Error> {
        let row = self.data.images.get(id);
        let row = row
            .filter(|r| r.region == *scope.region && r.visible_at <= scope.now)
            .ok_or_else(|| errors::image_not_found(ACTION, id))?;
        if !row.allows(scope.account) {
            let message = format!("Not authorized for images: [{id}]");
            return Err(Ec2Error::new(ACTION, "AuthFailure", message));
        }
        match row.state {
            ImageState::Available => {}
            ImageState::Deregistered => return Err(errors::image_gone(ACTION, id)),
            ImageState::Pending | ImageState::Failed | ImageState::Disabled => {
                return Err(errors::image_pending(ACTION, id));
            }
        }
        let locked = row.account != *scope.account
            && row
                .slots
                .iter()
                .any(|s| s.encryption == Encryption::AwsManagedKey);
        if locked {
            // No other account can use the AWS managed key of this one.
            let message = format!("Not authorized for images: [{id}]");
            return Err(Ec2Error::new(ACTION, "AuthFailure", message));
        }
        Ok(row)
    }

    pub(super) fn launch(
        &mut self,
        scope: &Scope<'_>,
        new: &NewInstance,
        image: &ImageRow,
    ) -> InstanceId {
        let id: InstanceId = parsed(&self.next_id("i"));
        let mut volumes = Vec::with_capacity(image.slots.len());
        for slot in &image.slots {
            volumes.push(self.volume_of_slot(scope, &id, slot, new));
        }
        let attached: Vec<_> = volumes.iter().map(|a| a.volume.clone()).collect();
        let start_fails =
            self.start_failure(scope, &new.subnet.zone, &new.instance_type, &attached);
        let row = InstanceRow {
            state_reason: None,
            start_fails,
            user_data: new.user_data.clone(),
            private_ip: format!("10{}", self.next_address().trim_start_matches("198")),
            public_ip: Some(self.next_address()),
            visible_at: after(scope.now, self.settings().durations.consistency),
            volumes,
            ..new_instance(scope, id.clone(), new, image)
        };
        self.data.instances.insert(id.clone(), row);
        let due = after(scope.now, self.settings().durations.start);
        let what = format!(
            "pending: launched from {} as {} (by {})",
            image.id, new.instance_type, scope.account
        );
        self.enter(&id, InstanceState::Pending, scope.now, Some(due), &what);
        id
    }

    fn volume_of_slot(
        &mut self,
        scope: &Scope<'_>,
        instance: &InstanceId,
        slot: &Slot,
        new: &NewInstance,
    ) -> Attachment {
        let asked = new.volumes.iter().find(|it| it.device == slot.device);
        let size_gib = asked.and_then(|it| it.size_gib).unwrap_or(slot.size_gib);
        let snapshot = slot.snapshot.as_ref();
        let disk = snapshot
            .and_then(|s| self.data.snapshots.get(s))
            .map(|s| s.disk);
        let disk = match disk {
            Some(disk) => self.share_disk(disk),
            None => self.new_disk(Disk::default()),
        };
        let encryption = match (&new.kms_key, &slot.encryption) {
            (Some(key), _) => Encryption::CustomerKey(key.clone()),
            (None, Encryption::None) => self.defaults_in(scope).of_copy(&Encryption::None),
            (None, encrypted) => encrypted.clone(),
        };
        let volume = self.new_volume(scope.account, scope, size_gib, encryption, disk, &new.tags);
        if let Some(row) = self.data.volumes.get_mut(&volume) {
            row.attached_to = Some(instance.clone());
            row.zone = Some(new.subnet.zone.clone());
        }
        Attachment {
            device: slot.device.clone(),
            volume,
            delete_on_termination: asked
                .map_or(slot.delete_on_termination, |it| it.delete_on_termination),
            moving: false,
        }
    }

    pub(crate) fn new_volume(
        &mut self,
        account: &AccountId,
        scope: &Scope<'_>,
        size_gib: u32,
        encryption: Encryption,
        disk: super::DiskId,
        tags: &Tags,
    ) -> VolumeId {
        let id: VolumeId = parsed(&self.next_id("vol"));
        let row = VolumeRow {
            id: id.clone(),
            account: account.clone(),
            region: scope.region.clone(),
            size_gib,
            encryption,
            kind: usual_kind(),
            zone: None,
            attached_to: None,
            also_attached_to: Vec::new(),
            disk,
            changed_bytes: 0,
            has_snapshot: false,
            tags: tags.clone(),
        };
        self.data.volumes.insert(id.clone(), row);
        id
    }

    pub(super) fn first_boot(&mut self, id: &InstanceId, user_data: &str, at: Timestamp) {
        let Some(row) = self.data.instances.get(id) else {
            return;
        };
        let region = row.region.clone();
        let said = self.run_cloud_config(id, user_data);
        self.tell(at, &region, id.as_str(), said);
    }
}

/// Parses an identifier that the model itself created.
pub(crate) fn parsed<T: std::str::FromStr>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|_| panic!("{text} is made to be a valid identifier"))
}

fn new_instance(
    scope: &Scope<'_>,
    id: InstanceId,
    new: &NewInstance,
    image: &ImageRow,
) -> InstanceRow {
    InstanceRow {
        id,
        account: scope.account.clone(),
        region: scope.region.clone(),
        tags: new.tags.clone(),
        state: InstanceState::Pending,
        goal: Goal::Running,
        state_reason: None,
        transitioned_at: None,
        instance_type: new.instance_type.clone(),
        architecture: image.architecture,
        zone: Some(new.subnet.zone.clone()),
        image: image.id.clone(),
        ebs_root: true,
        root_device: image.root_device.clone(),
        volumes: Vec::new(),
        purchase: Purchase::OnDemand,
        stop_protection: false,
        hibernation: false,
        product_codes: image.product_codes.clone(),
        ties: Ties::default(),
        pace_percent: super::entities::usual_pace(),
        private_ip: String::new(),
        public_ip: None,
        elastic_ip: false,
        open_ports: new.ports.clone(),
        launched_at: scope.now,
        visible_at: scope.now,
        due: None,
        replace_at: None,
        at_reboot: AtReboot::default(),
        reboots: Vec::new(),
        start_fails: None,
        has_run: false,
        user_data: None,
        profile: new.profile.clone(),
        instance_store: BTreeMap::new(),
        history: Vec::new(),
    }
}

/// EC2's limit on user data, before it is encoded.
fn check_user_data(new: &NewInstance) -> Result<(), Ec2Error> {
    let length = new.user_data.as_ref().map_or(0, String::len);
    if length <= USER_DATA_BYTES {
        return Ok(());
    }
    let message = format!("User data is limited to {USER_DATA_BYTES} bytes");
    Err(errors::invalid_value(ACTION, message))
}

/// What a repeated request must have in common with the first.
fn parameters(new: &NewInstance) -> String {
    let mut new = new.clone();
    // It is not part of a request.
    new.subnet.free_addresses = 0;
    format!("{new:?}")
}

/// Volumes must be those of the image, and can only become larger.
fn check_volumes(image: &ImageRow, asked: &[NewVolume]) -> Result<(), Ec2Error> {
    for volume in asked {
        let Some(slot) = image.slots.iter().find(|s| s.device == volume.device) else {
            let message = format!(
                "The simulator creates the volumes of the image alone, and {} is another one",
                volume.device
            );
            return Err(Ec2Error::new(ACTION, "InvalidBlockDeviceMapping", message));
        };
        if let Some(size) = volume.size_gib.filter(|size| *size < slot.size_gib) {
            let snapshot = slot.snapshot.as_ref().map_or("", |s| s.as_str());
            let message = format!(
                "Volume of size {size}GB is smaller than snapshot '{snapshot}', expect size >= {}GB",
                slot.size_gib
            );
            return Err(Ec2Error::new(ACTION, "InvalidBlockDeviceMapping", message));
        }
    }
    Ok(())
}

/// EC2's limits on tags.
pub(super) fn check_tags(action: &str, tags: &Tags) -> Result<(), Ec2Error> {
    if tags.len() > 50 {
        let message = "The maximum number of tags for a resource is 50";
        return Err(Ec2Error::new(action, "TagLimitExceeded", message));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            let message = format!("Tag key or value is too long or empty: '{key}'");
            return Err(errors::invalid_value(action, message));
        }
        if key.starts_with("aws:") {
            let message = "Tag keys starting with 'aws:' are reserved for internal use";
            return Err(errors::invalid_value(action, message));
        }
    }
    Ok(())
}

impl ImageRow {
    pub(super) fn allows(&self, account: &AccountId) -> bool {
        self.account == *account
            || self.permissions.contains(&LaunchPermission::Everyone)
            || self
                .permissions
                .contains(&LaunchPermission::Account(account.clone()))
    }
}
