//! CreateImage, DeregisterImage and launch permissions.

use std::collections::BTreeSet;

use prism_functions::domain::ec2::{InstanceState, LaunchPermission};
use prism_functions::domain::{AccountId, ImageId, InstanceId, Region, Timestamp};
use prism_functions::ports::{Ec2Error, Encryption, ImageState, NewImage, SnapshotState};

use super::launch::{check_tags, parsed};
use super::{ImageRow, InstanceRow, Model, Scope, Slot, SlotSource, after};
use crate::ec2::errors;

impl Model {
    pub(crate) fn create_image(
        &mut self,
        scope: &Scope<'_>,
        new: &NewImage,
    ) -> Result<ImageId, Ec2Error> {
        const ACTION: &str = "CreateImage";
        self.admit(scope, ACTION)?;
        check_new_image(new)?;
        self.check_name(scope, ACTION, &new.name)?;
        let instance = self.instance(scope, ACTION, &new.instance)?;
        let reboots = new.reboot && instance.state == InstanceState::Running;
        let settles = self.settings().durations.stopped_settles;
        check_imageable(instance, settles, scope.now)?;
        check_exclusions(instance, &new.exclude)?;
        self.check_pending_snapshots(instance, &new.exclude)?;

        let slots = self.slots_of(instance, &new.exclude);
        let row = ImageRow {
            name: new.name.clone(),
            description: new.description.clone(),
            architecture: instance.architecture,
            root_device: instance.root_device.clone(),
            slots,
            source_instance: Some(new.instance.clone()),
            product_codes: instance.product_codes.clone(),
            tags: new.tags.clone(),
            ..blank_image(scope)
        };
        let state = instance.state.as_str();
        let said = format!("pending: image of {} ({state})", new.instance);
        let misfortune = take_first(&mut self.world_mut().misfortunes.images);
        let volumes = row.slots.len();
        let id = self.begin_image(scope, row, misfortune, &said);
        if reboots {
            self.begin_reboot(&new.instance, &id, volumes, scope.now);
        }
        Ok(id)
    }

    /// EC2 refuses another snapshot of a volume while it has this many pending ones. It is assumed that CreateImage
    /// returns the same error as CreateSnapshot.
    fn check_pending_snapshots(
        &self,
        instance: &InstanceRow,
        exclude: &BTreeSet<String>,
    ) -> Result<(), Ec2Error> {
        for volume in instance
            .volumes
            .iter()
            .filter(|it| !exclude.contains(&it.device))
            .filter_map(|it| self.data.volumes.get(&it.volume))
        {
            let most = match volume.kind.as_str() {
                "st1" | "sc1" => 1,
                _ => 5,
            };
            let snapshots = self.data.snapshots.values();
            let pending =
                snapshots.filter(|it| it.state == SnapshotState::Pending && it.volume == volume.id);
            if pending.count() >= most {
                let message = "Maximum allowed in-progress snapshots for a single volume exceeded.";
                let code = "ConcurrentSnapshotLimitExceeded";
                return Err(Ec2Error::new("CreateImage", code, message));
            }
        }
        Ok(())
    }

    /// The volumes that an image of an instance will contain.
    fn slots_of(&self, instance: &InstanceRow, exclude: &BTreeSet<String>) -> Vec<Slot> {
        let attached = instance.volumes.iter();
        let attached = attached.filter(|it| !exclude.contains(&it.device));
        let known = attached.filter_map(|a| Some((a, self.data.volumes.get(&a.volume)?)));
        known
            .map(|(attachment, volume)| Slot {
                device: attachment.device.clone(),
                size_gib: volume.size_gib,
                encryption: volume.encryption.clone(),
                delete_on_termination: attachment.delete_on_termination,
                source: SlotSource::Volume(volume.id.clone()),
                snapshot: None,
            })
            .collect()
    }

    /// Registers a pending image. Its first snapshot follows after a delay that does not depend on the sizes.
    pub(super) fn begin_image(
        &mut self,
        scope: &Scope<'_>,
        row: ImageRow,
        misfortune: Option<String>,
        said: &str,
    ) -> ImageId {
        let id: ImageId = parsed(&self.next_id("ami"));
        let durations = &self.settings().durations;
        let first = after(scope.now, durations.snapshot_initiation);
        let row = ImageRow {
            id: id.clone(),
            visible_at: after(scope.now, durations.consistency),
            mappings_visible_at: after(first, durations.mapping_delay),
            fails: misfortune,
            ..row
        };
        let name = (row.account.clone(), row.region.clone(), row.name.clone());
        self.index.names.insert(name, id.clone());
        self.index.add_image(&id, &row.name, &row.tags);
        self.index.pending.insert(id.clone());
        self.data.images.insert(id.clone(), row);
        self.schedule_image(&id, Some(first));
        self.tell(scope.now, scope.region, id.as_str(), said);
        id
    }

    /// A name has 3 to 128 characters of a restricted set, and is unique (EC2 facts 3 and 4).
    pub(super) fn check_name(
        &self,
        scope: &Scope<'_>,
        action: &str,
        name: &str,
    ) -> Result<(), Ec2Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || " ()[]./-'@_".contains(c);
        if !(3..=128).contains(&name.len()) || !name.chars().all(allowed) {
            return Err(errors::name_malformed(action));
        }
        let key = (scope.account.clone(), scope.region.clone(), name.to_owned());
        match self.index.names.get(&key) {
            None => Ok(()),
            Some(holder) => {
                let message = format!("AMI name {name} is already in use by AMI {holder}");
                Err(Ec2Error::new(action, "InvalidAMIName.Duplicate", message))
            }
        }
    }

    pub(super) fn own_image(
        &self,
        scope: &Scope<'_>,
        action: &str,
        id: &ImageId,
    ) -> Result<&ImageRow, Ec2Error> {
        let row = self.data.images.get(id);
        let row = row
            .filter(|r| r.region == *scope.region && r.visible_at <= scope.now)
            .ok_or_else(|| errors::image_not_found(action, id))?;
        if row.account != *scope.account {
            let message = format!("Not authorized for image:{id}");
            return Err(Ec2Error::new(action, "AuthFailure", message));
        }
        if row.state == ImageState::Deregistered {
            return Err(errors::image_gone(action, id));
        }
        Ok(row)
    }

    /// An AMI of the caller whose launch permissions can be changed.
    fn own_available_image(
        &self,
        scope: &Scope<'_>,
        action: &str,
        id: &ImageId,
    ) -> Result<&ImageRow, Ec2Error> {
        let row = self.own_image(scope, action, id)?;
        if row.state != ImageState::Available {
            return Err(errors::image_pending(action, id));
        }
        Ok(row)
    }

    pub(crate) fn deregister_image(
        &mut self,
        scope: &Scope<'_>,
        id: &ImageId,
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "DeregisterImage";
        self.admit(scope, ACTION)?;
        let row = self.own_image(scope, ACTION, id)?;
        if row.protected {
            return Err(errors::image_protected(ACTION, id));
        }
        let name = (row.account.clone(), row.region.clone(), row.name.clone());
        let due = row.due;
        let appears = row.state == ImageState::Pending
            && row.fails.is_none()
            && row.slots.iter().any(|s| s.snapshot.is_none())
            && self.settings().limits.snapshots_outlive_deregistration;
        let forget = after(scope.now, self.settings().durations.deregistered_visible);
        self.index.names.remove(&name);
        self.index.pending.remove(id);
        if let Some(row) = self.data.images.get_mut(id) {
            row.state = ImageState::Deregistered;
            row.deregistered_at = Some(scope.now);
        }
        self.schedule_image(id, if appears { due } else { Some(forget) });
        self.tell(scope.now, scope.region, id.as_str(), "deregistered");
        Ok(())
    }

    pub(crate) fn add_launch_permissions(
        &mut self,
        scope: &Scope<'_>,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "ModifyImageAttribute";
        self.admit(scope, ACTION)?;
        let row = self.own_available_image(scope, ACTION, id)?;
        if permissions.is_empty() {
            return Ok(());
        }
        if row
            .slots
            .iter()
            .any(|s| s.encryption == Encryption::AwsManagedKey)
        {
            let message = "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot.";
            return Err(Ec2Error::new(ACTION, "InvalidParameter", message));
        }
        let public = row.permissions.contains(&LaunchPermission::Everyone);
        if permissions.contains(&LaunchPermission::Everyone) && !public {
            self.check_public(scope, row)?;
        }
        if let Some(row) = self.data.images.get_mut(id) {
            row.permissions.extend(permissions.iter().cloned());
        }
        self.tell(
            scope.now,
            scope.region,
            id.as_str(),
            "launch permissions added",
        );
        Ok(())
    }

    pub(crate) fn remove_launch_permissions(
        &mut self,
        scope: &Scope<'_>,
        id: &ImageId,
        permissions: &[LaunchPermission],
    ) -> Result<(), Ec2Error> {
        const ACTION: &str = "ModifyImageAttribute";
        self.admit(scope, ACTION)?;
        self.own_available_image(scope, ACTION, id)?;
        if let Some(row) = self.data.images.get_mut(id) {
            row.permissions.retain(|held| !permissions.contains(held));
        }
        self.tell(
            scope.now,
            scope.region,
            id.as_str(),
            "launch permissions removed",
        );
        Ok(())
    }

    /// Checks whether an image may be made public (EC2 facts, "Before the stop" and "Sharing").
    fn check_public(&self, scope: &Scope<'_>, row: &ImageRow) -> Result<(), Ec2Error> {
        const ACTION: &str = "ModifyImageAttribute";
        let refused = |code, message: &str| Err(Ec2Error::new(ACTION, code, message));
        if self
            .area(scope.account, scope.region)
            .is_none_or(|a| a.block_public_images)
        {
            return refused(
                "OperationNotPermitted",
                "You can't publicly share this image because block public access for AMIs is \
                 enabled for this account in this Region.",
            );
        }
        if !row.product_codes.is_empty() {
            return refused(
                "OperationNotPermitted",
                "Images with product codes can't be made public.",
            );
        }
        if row.slots.iter().any(|s| s.encryption != Encryption::None) {
            return refused(
                "OperationNotPermitted",
                "Images with encrypted snapshots can't be made public.",
            );
        }
        let most = self.settings().limits.public_images;
        let public = self.data.images.values().filter(|image| {
            image.account == *scope.account
                && image.region == *scope.region
                && image.state == ImageState::Available
                && image.permissions.contains(&LaunchPermission::Everyone)
        });
        if public.count() >= most as usize {
            return refused(
                "ResourceLimitExceeded",
                "You have reached your quota for the number of public AMIs in this Region.",
            );
        }
        Ok(())
    }

    pub(crate) fn launch_permissions(
        &mut self,
        scope: &Scope<'_>,
        id: &ImageId,
    ) -> Result<Vec<LaunchPermission>, Ec2Error> {
        const ACTION: &str = "DescribeImageAttribute";
        self.admit(scope, ACTION)?;
        let row = self.own_image(scope, ACTION, id)?;
        Ok(row.permissions.iter().cloned().collect())
    }

    pub(super) fn image_is_referred_to(&self, id: &ImageId) -> bool {
        let mut rows = self.data.instances.values();
        rows.any(|row| row.image == *id && row.state != InstanceState::Terminated)
    }
}

/// CreateImage accepts stopped, stopping and running instances whose root device is an EBS volume (EC2 fact 5).
fn check_imageable(
    row: &InstanceRow,
    settles: std::time::Duration,
    now: Timestamp,
) -> Result<(), Ec2Error> {
    let id: &InstanceId = &row.id;
    if !row.ebs_root {
        let message = format!("The instance '{id}' does not have an 'ebs' root device type.");
        return Err(errors::invalid_value("CreateImage", message));
    }
    let since = row.history.last().map_or(now, |(at, _)| *at);
    let settled = row.state != InstanceState::Stopped || after(since, settles) <= now;
    let right = matches!(
        row.state,
        InstanceState::Running | InstanceState::Stopping | InstanceState::Stopped
    );
    if right && settled {
        return Ok(());
    }
    // Here, EC2's error code is not IncorrectInstanceState.
    let message = format!(
        "Invalid value '{id}' for instanceId. Instance is not in state 'running' or 'stopping' or \
         'stopped'"
    );
    Err(errors::invalid_value("CreateImage", message))
}

/// An AMI needs its root volume. It is assumed that EC2 returns this error.
fn check_exclusions(instance: &InstanceRow, exclude: &BTreeSet<String>) -> Result<(), Ec2Error> {
    if !exclude.contains(&instance.root_device) {
        return Ok(());
    }
    let message = format!(
        "The root device {} cannot be left out",
        instance.root_device
    );
    let code = "InvalidBlockDeviceMapping";
    Err(Ec2Error::new("CreateImage", code, message))
}

/// Checks the parameters of the request, as a DryRun does too.
pub(super) fn check_new_image(new: &NewImage) -> Result<(), Ec2Error> {
    check_tags("CreateImage", &new.tags)?;
    check_description("CreateImage", &new.description)
}

pub(super) fn check_description(action: &str, description: &str) -> Result<(), Ec2Error> {
    errors::check_ascii(action, "description", description)?;
    if description.len() <= 255 {
        return Ok(());
    }
    let message = "Character limit of 255 exceeded for description.";
    Err(errors::invalid_value(action, message))
}

pub(super) fn take_first(misfortunes: &mut Vec<String>) -> Option<String> {
    (!misfortunes.is_empty()).then(|| misfortunes.remove(0))
}

pub(super) fn blank_image(scope: &Scope<'_>) -> ImageRow {
    let (account, region): (&AccountId, &Region) = (scope.account, scope.region);
    ImageRow {
        id: parsed("ami-00000000000000000"),
        account: account.clone(),
        region: region.clone(),
        name: String::new(),
        description: String::new(),
        state: ImageState::Pending,
        state_reason: None,
        architecture: prism_functions::domain::ec2::Architecture::X86_64,
        root_device: String::new(),
        slots: Vec::new(),
        source_instance: None,
        copied: false,
        product_codes: Vec::new(),
        tags: prism_functions::ports::Tags::new(),
        permissions: BTreeSet::new(),
        created_at: scope.now,
        visible_at: scope.now,
        mappings_visible_at: scope.now,
        due: None,
        fails: None,
        deregistered_at: None,
        protected: false,
    }
}
