//! The items of an instance: its lock, its duty, and its wait.

use crate::domain::{InstanceId, Region};
use crate::ports::Key;

pub(in crate::registry) fn instance_key(region: &Region, id: &InstanceId, part: &str) -> Key {
    Key::new(format!("INSTANCE#{region}#{id}"), part)
}
