//! What the ports do not tell: which resources there are, and details that EC2 answers with.
//!
//! Permissions and throttles are the ports' matter. A handler learns here what it may ask a port
//! about, and fills in afterwards what the port left out.

use std::collections::BTreeMap;

use prism_functions::domain::ec2::{InstanceState, LaunchPermission};
use prism_functions::domain::{AccountId, ImageId, InstanceId, SnapshotId, VolumeId};
use prism_functions::ports::{Encryption, Tags};

use super::call::Call;
use super::fault::Fault;
use crate::ec2::{Cloud, CloudError};

/// More about an instance.
#[derive(Debug, Clone)]
pub(super) struct InstanceLook {
    pub(super) state: InstanceState,
    pub(super) private_ip: String,
    /// Whether each volume goes with the instance.
    pub(super) goes_along: BTreeMap<VolumeId, bool>,
}

/// More about a volume.
#[derive(Debug, Clone)]
pub(super) struct VolumeLook {
    pub(super) tags: Tags,
    /// The instance, the device, and whether the volume goes with it.
    pub(super) attached: Option<(InstanceId, String, bool)>,
}

/// More about an image.
#[derive(Debug, Clone)]
pub(super) struct ImageLook {
    pub(super) description: String,
    pub(super) public: bool,
    pub(super) product_codes: Vec<String>,
    /// By device: how it is encrypted, and whether it goes with an instance.
    pub(super) devices: BTreeMap<String, (Encryption, bool)>,
}

/// More about a snapshot.
#[derive(Debug, Clone)]
pub(super) struct SnapshotLook {
    pub(super) encryption: Encryption,
    pub(super) description: String,
}

/// Everything of a kind, in the order of ids.
type Looks<I, L> = BTreeMap<I, L>;

/// The account's instances in the Region that are known by now.
pub(super) fn instances(call: &Call) -> Result<Looks<InstanceId, InstanceLook>, Fault> {
    instances_by(call, false)
}

/// The same, with those that are not known yet: RunInstances tells of its own at once.
pub(super) fn newest_instances(call: &Call) -> Result<Looks<InstanceId, InstanceLook>, Fault> {
    instances_by(call, true)
}

fn instances_by(call: &Call, newest: bool) -> Result<Looks<InstanceId, InstanceLook>, Fault> {
    let looked = call.cloud().with(|model, now| {
        let ours = model.data.instances.values().filter(|row| {
            let known = newest || row.visible_at <= now;
            known && row.account == *call.account() && row.region == call.region
        });
        let looks = ours.map(|row| {
            let volumes = row.volumes.iter();
            let look = InstanceLook {
                state: row.state,
                private_ip: row.private_ip.clone(),
                goes_along: volumes
                    .map(|a| (a.volume.clone(), a.delete_on_termination))
                    .collect(),
            };
            (row.id.clone(), look)
        });
        looks.collect()
    });
    looked.map_err(|error| unusable(&error))
}

/// The account's volumes in the Region.
pub(super) fn volumes(call: &Call) -> Result<Looks<VolumeId, VolumeLook>, Fault> {
    let looked = call.cloud().with(|model, _| {
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
            let tags = row.tags.clone();
            (row.id.clone(), VolumeLook { tags, attached })
        });
        looks.collect()
    });
    looked.map_err(|error| unusable(&error))
}

/// Sets the tags of the volumes of an instance: RunInstances tags them apart from the instance.
pub(super) fn tag_volumes(call: &Call, ids: &[VolumeId], tags: &Tags) -> Result<(), Fault> {
    let tagged = call.cloud().with(|model, _| {
        for id in ids {
            if let Some(row) = model.data.volumes.get_mut(id) {
                row.tags = tags.clone();
            }
        }
    });
    tagged.map_err(|error| unusable(&error))
}

/// The images in the Region that the caller may launch and that are known by now.
pub(super) fn images(call: &Call) -> Result<Looks<ImageId, ImageLook>, Fault> {
    let looked = call.cloud().with(|model, now| {
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
    });
    looked.map_err(|error| unusable(&error))
}

/// The root device of an image in the Region.
pub(super) fn root_device(call: &Call, id: &ImageId) -> Result<Option<String>, Fault> {
    let looked = call.cloud().with(|model, _| {
        let row = model.data.images.get(id)?;
        (row.region == call.region).then(|| row.root_device.clone())
    });
    looked.map_err(|error| unusable(&error))
}

/// The tags of the caller's own image in any Region; nobody sees those of others.
pub(super) fn own_image_tags(call: &Call, id: &ImageId) -> Result<Tags, Fault> {
    let looked = call.cloud().with(|model, _| {
        let row = model.data.images.get(id);
        let own = row.filter(|row| row.account == *call.account());
        own.map(|row| row.tags.clone()).unwrap_or_default()
    });
    looked.map_err(|error| unusable(&error))
}

/// Takes launch permissions away from an image.
pub(super) fn remove_permissions(
    call: &Call,
    id: &ImageId,
    gone: &[LaunchPermission],
) -> Result<(), Fault> {
    let removed = call.cloud().with(|model, _| {
        if let Some(row) = model.data.images.get_mut(id) {
            row.permissions.retain(|held| !gone.contains(held));
        }
    });
    removed.map_err(|error| unusable(&error))
}

/// The account's snapshots in the Region that are known by now.
pub(super) fn snapshots(call: &Call) -> Result<Looks<SnapshotId, SnapshotLook>, Fault> {
    let looked = call.cloud().with(|model, now| {
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
    });
    looked.map_err(|error| unusable(&error))
}

/// Whether any of the account's volumes or images has a key of the customer's.
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
            || images.any(|row| {
                row.account == *account && row.slots.iter().any(|slot| is(&slot.encryption))
            })
    })
}

pub(super) fn unusable(error: &CloudError) -> Fault {
    tracing::warn!(%error, "the simulated cloud cannot be used");
    Fault::new("Unavailable", "the simulated cloud cannot be used")
}
