//! The volumes that a save leaves out of the AMI.

use std::collections::BTreeSet;

use super::label::label;
use crate::domain::save::{SavePlan, SaveRequest, Warning};
use crate::domain::{Code, Problem, VolumeId};
use crate::ports::{AttachedVolume, Instance};

/// The attached volumes that the request leaves out. Each may be given by its device name or by its ID.
///
/// # Errors
/// [`Code::VolumeNotFound`] if one of them is not attached, and [`Code::RootVolumeNeeded`] for the root volume, without
/// which nothing can be launched from an AMI.
pub(super) fn of_request(
    request: &SaveRequest,
    instance: &Instance,
) -> Result<BTreeSet<VolumeId>, Problem> {
    let mut excluded = BTreeSet::new();
    for named in &request.exclude_volumes {
        let is = |it: &&AttachedVolume| it.device == *named || it.volume.as_str() == named;
        let Some(attached) = instance.volumes.iter().find(is) else {
            return Err(unknown(named, instance));
        };
        if attached.device == instance.root_device {
            let message = format!(
                "{named} is the root volume of {}, which cannot be left out.",
                label(instance)
            );
            return Err(Problem::new(Code::RootVolumeNeeded, message));
        }
        excluded.insert(attached.volume.clone());
    }
    Ok(excluded)
}

fn unknown(named: &str, instance: &Instance) -> Problem {
    let attached = instance.volumes.iter();
    let attached: Vec<String> = attached
        .map(|it| format!("{} ({})", it.device, it.volume))
        .collect();
    let message = format!("{} has no volume {named}.", label(instance));
    let hint = format!("Its volumes: {}.", attached.join(", "));
    Problem::new(Code::VolumeNotFound, message).hint(hint)
}

/// The device names under which these volumes are attached. EC2 leaves volumes out by device name.
pub(super) fn devices(volumes: &BTreeSet<VolumeId>, instance: &Instance) -> BTreeSet<String> {
    let left_out = |it: &&AttachedVolume| volumes.contains(&it.volume);
    let attached = instance.volumes.iter().filter(left_out);
    attached.map(|it| it.device.clone()).collect()
}

/// A warning about what launches from the AMI lack, if volumes are left out.
pub(super) fn warning(devices: &BTreeSet<String>) -> Option<Warning> {
    if devices.is_empty() {
        return None;
    }
    let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
    let text = format!(
        "The AMI does not contain {}. If /etc/fstab mounts such a volume without the option nofail, instances that are \
         launched from the AMI may not boot.",
        devices.join(", ")
    );
    Some(Warning {
        code: "VolumesLeftOut".to_owned(),
        text,
    })
}

/// The volumes that a plan leaves out.
pub(super) fn of_plan(plan: &SavePlan) -> BTreeSet<VolumeId> {
    let excluded = plan.instance.excluded.iter();
    excluded.map(|it| it.id.clone()).collect()
}
