//! The duty to bring an instance back.

use super::instance::instance_key;
use crate::domain::save::Duty;
use crate::domain::{InstanceId, Problem, Region};
use crate::ports::{Item, Key};
use crate::registry::records::{Indexed, encode, sortable};

/// The partition of the duties that are not discharged, in the second index.
pub(in crate::registry) const OPEN_DUTIES: &str = "DUTIES#OPEN";

pub(in crate::registry) fn duty_key(region: &Region, id: &InstanceId) -> Key {
    instance_key(region, id, "DUTY")
}

/// The item of a duty. A discharged duty is not in the index of open duties.
pub(in crate::registry) fn duty_item(duty: &Duty, revision: u64) -> Result<Item, Problem> {
    let key = duty_key(&duty.region, &duty.instance);
    let open = duty.discharged.is_none().then(|| {
        Indexed::second(
            OPEN_DUTIES,
            format!("{}#{}", sortable(duty.since), duty.instance),
        )
    });
    encode(key, duty, revision, open)
}
