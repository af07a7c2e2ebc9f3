//! What lies with an instance: its lock, the duty towards it, and who waits for it.

use crate::domain::{InstanceId, Region};
use crate::ports::Key;

pub(in crate::registry) fn instance_key(region: &Region, id: &InstanceId, part: &str) -> Key {
    Key::new(format!("INSTANCE#{region}#{id}"), part)
}
