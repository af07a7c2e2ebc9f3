//! The volumes of a launch: those of the AMI, which end with the instance unless the request says otherwise.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ports::{Image, NewVolume};

/// A volume that a launch creates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LaunchVolume {
    /// The device name, such as `/dev/sdf`.
    pub device: String,
    /// The size in GiB.
    pub size_gib: u32,
    /// Whether the volume is deleted when the instance is terminated.
    pub delete_on_termination: bool,
}

/// Returns the volumes of a launch from an AMI. With `keep`, those other than the root volume outlive the instance.
pub(super) fn planned(image: &Image, root_size_gib: u32, keep: bool) -> Vec<LaunchVolume> {
    let volumes = image.volumes.iter().map(|volume| {
        let is_root = volume.device == image.root_device;
        LaunchVolume {
            device: volume.device.clone(),
            size_gib: if is_root {
                volume.size_gib.max(root_size_gib)
            } else {
                volume.size_gib
            },
            delete_on_termination: is_root || !keep,
        }
    });
    volumes.collect()
}

/// Returns how the volumes differ from those of the AMI. The AMI's own setting for the termination is that of the
/// instance it was saved from, so it is always replaced.
pub(super) fn requested(image: &Image, planned: &[LaunchVolume]) -> Vec<NewVolume> {
    let volumes = planned.iter().map(|volume| {
        let in_image = image.volumes.iter().find(|it| it.device == volume.device);
        let larger = in_image.is_some_and(|it| volume.size_gib > it.size_gib);
        NewVolume {
            device: volume.device.clone(),
            size_gib: larger.then_some(volume.size_gib),
            delete_on_termination: volume.delete_on_termination,
        }
    });
    volumes.collect()
}
