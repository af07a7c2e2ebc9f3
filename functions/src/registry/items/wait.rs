//! A wait: the execution that waits for an AMI or an instance.

use serde::{Deserialize, Serialize};

use super::instance::instance_key;
use super::used::image_pk;
use crate::domain::{ImageId, InstanceId, Problem, Region, SaveId, Timestamp};
use crate::ports::{Condition, Item, Key};
use crate::registry::records::{EXPIRES, encode};

/// The attribute with the epoch, which prevents earlier executions from replacing a wait.
const EPOCH: &str = "epoch";

/// The resource that an execution waits for, in its Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited<'a> {
    Image(&'a ImageId),
    Instance(&'a InstanceId),
}

/// An execution that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    pub save_id: SaveId,
    pub epoch: u32,
    pub token: String,
    pub until: Timestamp,
}

impl Wait {
    /// The condition that no execution of a later epoch waits.
    pub(in crate::registry) fn none_later(&self) -> Condition {
        Condition::Any(vec![
            Condition::ItemAbsent,
            Condition::AtMost(EPOCH.to_owned(), self.epoch.into()),
        ])
    }
}

pub(in crate::registry) fn wait_key(region: &Region, awaited: Awaited<'_>) -> Key {
    match awaited {
        Awaited::Image(image) => Key::new(image_pk(region, image), "WAIT"),
        Awaited::Instance(instance) => instance_key(region, instance, "WAIT"),
    }
}

pub(in crate::registry) fn wait_item(
    region: &Region,
    awaited: Awaited<'_>,
    wait: &Wait,
) -> Result<Item, Problem> {
    let mut item = encode(wait_key(region, awaited), wait, 1, [])?;
    // Rounded up, so that the item does not expire before the wait.
    let expires = wait.until.timestamp() + 1;
    item.attributes.insert(EXPIRES.to_owned(), expires.into());
    item.attributes.insert(EPOCH.to_owned(), wait.epoch.into());
    Ok(item)
}
