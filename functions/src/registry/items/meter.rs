//! The meter of an instance.

use super::instance::instance_key;
use crate::domain::meter::Meter;
use crate::domain::{InstanceId, Problem, Region};
use crate::ports::{Item, Key};
use crate::registry::records::{Indexed, encode};

/// The partition of the meters of instances that are not terminated, in the second index.
pub(in crate::registry) const OPEN_METERS: &str = "METERS#OPEN";

pub(in crate::registry) fn meter_key(region: &Region, id: &InstanceId) -> Key {
    instance_key(region, id, "METER")
}

pub(in crate::registry) fn meter_item(meter: &Meter, revision: u64) -> Result<Item, Problem> {
    let (region, id) = (&meter.region, &meter.instance);
    let open = meter
        .current()
        .map(|_| Indexed::second(OPEN_METERS, format!("{region}#{id}")));
    encode(meter_key(region, id), meter, revision, open)
}
