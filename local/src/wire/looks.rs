//! Data that the ports do not return: which resources exist, and details that EC2's responses contain.
//!
//! Permissions and throttles are handled by the ports. Here, a handler finds out which resources it can request from
//! a port, and gets the details that the port omitted.

use std::collections::BTreeMap;

use prism_functions::domain::ec2::{InstanceState, LaunchPermission};
use prism_functions::domain::{AccountId, ImageId, InstanceId, SnapshotId, VolumeId};
use prism_functions::ports::{Encryption, Tags};

use super::call::Call;
use super::fault::Fault;
use crate::ec2::{Cloud, CloudError};

#[derive(Debug, Clone)]
pub(super) struct InstanceLook {
    pub(super) state: InstanceState,
    pub(super) zone: String,
    pub(super) private_ip: String,
    /// The name of its instance profile.
    pub(super) profile: Option<String>,
    /// For each volume, whether it is deleted with the instance.
    pub(super) deleted_with_instance: BTreeMap<VolumeId, bool>,
}

#[derive(Debug, Clone)]
pub(super) struct VolumeLook {
    pub(super) tags: Tags,
    pub(super) zone: String,
    /// The instance, the device, and whether the volume is deleted with the instance.
    pub(super) attached: Option<(InstanceId, String, bool)>,
}

#[derive(Debug, Clone)]
pub(super) struct ImageLook {
    pub(super) description: String,
    pub(super) public: bool,
    pub(super) product_codes: Vec<String>,
    /// For each device, how it is encrypted, and whether its volume is deleted with an instance.
    pub(super) devices: BTreeMap<String, (Encryption, bool)>,
}

#[derive(Debug, Clone)]
pub(super) struct SnapshotLook {
    pub(super) encryption: Encryption,
    pub(super) description: String,
}

/// All resources of a type, in the order of their IDs.
pub(super) type Looks<I, L> = BTreeMap<I, L>;

/// The IDs that a request names; all if it names none.
pub(super) fn wanted<I: Clone, L>(ids: Vec<I>, known: &Looks<I, L>) -> Vec<I> {
    if ids.is_empty() {
        return known.keys().cloned().collect();
    }
    ids
}

/// The resources with their details; those without details are left out.
pub(super) fn paired<T, I: Ord, L: Clone>(
    found: Vec<T>,
    known: &Looks<I, L>,
    id: impl Fn(&T) -> &I,
) -> Vec<(T, L)> {
    let look = |it: T| {
        let look = known.get(id(&it))?.clone();
        Some((it, look))
    };
    found.into_iter().filter_map(look).collect()
}

/// The account's instances in the Region that are visible by now.
pub(super) fn instances(call: &Call) -> Result<Looks<InstanceId, InstanceLook>, Fault> {
    instances_by(call, false)
}

/// The same, including those that are not visible yet: RunInstances returns its own immediately.
pub(super) fn newest_instances(call: &Call) -> Result<Looks<InstanceId, InstanceLook>, Fault> {
    instances_by(call, true)
}

fn instances_by(call: &Call, newest: bool) -> Result<Looks<InstanceId, InstanceLook>, Fault> {
    call.model(|model, now| {
        let ours = model.data.instances.values().filter(|row| {
            let known = newest || row.visible_at <= now;
            known && row.account == *call.account() && row.region == call.region
        });
        let looks = ours.map(|row| {
            let volumes = row.volumes.iter();
            let look = InstanceLook {
                state: row.state,
                zone: row.zone(),
                private_ip: row.private_ip.clone(),
                profile: row.profile.clone(),
                deleted_with_instance: volumes
                    .map(|a| (a.volume.clone(), a.delete_on_termination))
                    .collect(),
            };
            (row.id.clone(), look)
        });
        looks.collect()
    })
}

pub(super) fn volumes(call: &Call) -> Result<Looks<VolumeId, VolumeLook>, Fault> {
    call.model(|model, _| {
        let ours = model
            .data
            .volumes
            .values()
            .filter(|row| row.account == *call.account() && row.region == call.region);
        let looks = ours.map(|row| {
            let instance = row.attached_to.as_ref();
            let instance = instance.and_then(|id| model.data.instances.get(id));
            let attached = instance.and_then(|instance| {
                let place = instance.volumes.iter().find(|a| a.volume == row.id)?;
                let goes = place.delete_on_termination;
                Some((instance.id.clone(), place.device.clone(), goes))
            });
            let look = VolumeLook {
                tags: row.tags.clone(),
                zone: row.zone(),
                attached,
            };
            (row.id.clone(), look)
        });
        looks.collect()
    })
}

/// Sets the tags of an instance's volumes: RunInstances tags them separately from the instance.
pub(super) fn tag_volumes(call: &Call, ids: &[VolumeId], tags: &Tags) -> Result<(), Fault> {
    call.model(|model, _| {
        for id in ids {
            if let Some(row) = model.data.volumes.get_mut(id) {
                row.tags = tags.clone();
            }
        }
    })
}

/// The images in the Region that the caller may launch and that are visible by now.
pub(super) fn images(call: &Call) -> Result<Looks<ImageId, ImageLook>, Fault> {
    call.model(|model, now| {
        let shared = LaunchPermission::Account(call.account().clone());
        let seen = model.data.images.values().filter(|row| {
            let may = row.account == *call.account()
                || row.permissions.contains(&LaunchPermission::Everyone)
                || row.permissions.contains(&shared);
            may && row.region == call.region && row.visible_at <= now
        });
        let looks = seen.map(|row| {
            let devices = row.slots.iter().map(|slot| {
                let goes = slot.delete_on_termination;
                (slot.device.clone(), (slot.encryption.clone(), goes))
            });
            let look = ImageLook {
                description: row.description.clone(),
                public: row.permissions.contains(&LaunchPermission::Everyone),
                product_codes: row.product_codes.clone(),
                devices: devices.collect(),
            };
            (row.id.clone(), look)
        });
        looks.collect()
    })
}

/// The tags of the caller's own image in any Region. Nobody can see the tags of another account's image.
pub(super) fn own_image_tags(call: &Call, id: &ImageId) -> Result<Tags, Fault> {
    call.model(|model, _| {
        let row = model.data.images.get(id);
        let own = row.filter(|row| row.account == *call.account());
        own.map(|row| row.tags.clone()).unwrap_or_default()
    })
}

pub(super) fn remove_permissions(
    call: &Call,
    id: &ImageId,
    gone: &[LaunchPermission],
) -> Result<(), Fault> {
    call.model(|model, _| {
        if let Some(row) = model.data.images.get_mut(id) {
            row.permissions.retain(|held| !gone.contains(held));
        }
    })
}

/// The account's snapshots in the Region that are visible by now.
pub(super) fn snapshots(call: &Call) -> Result<Looks<SnapshotId, SnapshotLook>, Fault> {
    call.model(|model, now| {
        let ours = model.data.snapshots.values().filter(|row| {
            row.account == *call.account() && row.region == call.region && row.visible_at <= now
        });
        let looks = ours.map(|row| {
            let image = model.data.images.get(&row.image);
            let source = image.and_then(|image| image.source_instance.as_ref());
            let description = match source {
                Some(instance) => format!("Created by CreateImage({instance}) for {}", row.image),
                None => format!("Copied for DestinationAmi {}", row.image),
            };
            let look = SnapshotLook {
                encryption: row.encryption.clone(),
                description,
            };
            (row.id.clone(), look)
        });
        looks.collect()
    })
}

/// Whether a customer managed key exists: it encrypts a volume or an image of the account, or its state was set.
pub(super) fn has_customer_key(
    cloud: &Cloud,
    account: &AccountId,
    arn: &str,
) -> Result<bool, CloudError> {
    let is =
        |encryption: &Encryption| matches!(encryption, Encryption::CustomerKey(key) if key == arn);
    cloud.with(|model, _| {
        let mut volumes = model.data.volumes.values();
        let mut images = model.data.images.values();
        volumes.any(|row| row.account == *account && is(&row.encryption))
            || model
                .data
                .areas
                .values()
                .any(|area| area.default_key.as_deref() == Some(arn))
            || model.world().keys.contains_key(arn)
            || images.any(|row| {
                row.account == *account && row.slots.iter().any(|slot| is(&slot.encryption))
            })
    })
}
