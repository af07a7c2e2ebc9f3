//! The reboot of an instance by CreateImage: the operating system shuts down, the snapshots begin, and it boots again, on
//! the same host. The state of the instance remains `running`.

use std::time::Duration;

use prism_functions::domain::{ImageId, InstanceId, Timestamp};

use super::instances::BY_ITSELF;
use super::{AtReboot, HISTORY, Model, Reboot, after};

/// How long an operating system may take to shut down before EC2 forces the reboot.
const FORCED: Duration = Duration::from_mins(4);

impl Model {
    /// Begins the reboot of a running instance, and postpones the snapshots of its image until it is down.
    pub(super) fn begin_reboot(
        &mut self,
        id: &InstanceId,
        image: &ImageId,
        volumes: usize,
        now: Timestamp,
    ) {
        let durations = self.settings().durations.clone();
        let Some(row) = self.data.instances.get_mut(id) else {
            return;
        };
        let shutdown = match row.at_reboot {
            AtReboot::Hangs => FORCED,
            AtReboot::Boots | AtReboot::PowersOff => row.paced(durations.shutdown).min(FORCED),
        };
        let down_at = after(now, shutdown);
        let first = after(down_at, durations.snapshot_initiation);
        let further = u32::try_from(volumes.saturating_sub(1)).unwrap_or(u32::MAX);
        let boots_at = after(first, durations.snapshot_stagger.saturating_mul(further));
        if row.reboots.len() >= HISTORY {
            row.reboots.remove(0);
        }
        row.reboots.push(Reboot {
            began_at: now,
            down_at,
            clean: shutdown < FORCED,
            boots_at,
            up_at: after(boots_at, row.paced(durations.boot)),
        });
        let (region, powers_off) = (row.region.clone(), row.at_reboot == AtReboot::PowersOff);
        if powers_off {
            self.schedule(id, Some(down_at));
        }
        self.schedule_image(image, Some(first));
        if let Some(row) = self.data.images.get_mut(image) {
            row.mappings_visible_at = after(first, durations.mapping_delay);
        }
        self.tell(now, &region, id.as_str(), format!("rebooting for {image}"));
    }

    /// The operating system of a running instance has shut down, and powers the instance off instead of booting.
    pub(super) fn power_off(&mut self, id: &InstanceId, at: Timestamp) {
        self.schedule(id, None);
        self.begin_stop(id, at, "its operating system", BY_ITSELF);
    }
}
