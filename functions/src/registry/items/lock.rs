//! Locks of instances that are being saved, and of versions per Region that they are being copied to.

use serde::{Deserialize, Serialize};

use super::instance::instance_key;
use crate::domain::save::SaveRecord;
use crate::domain::{InstanceId, Problem, Region, SaveId, TemplateName};
use crate::ports::{Condition, Item, Key};
use crate::registry::records::encode;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::registry) struct Lock {
    pub(in crate::registry) save_id: SaveId,
}

pub(in crate::registry) fn lock_key(region: &Region, id: &InstanceId) -> Key {
    instance_key(region, id, "LOCK")
}

pub(in crate::registry) fn copy_lock_key(
    name: &TemplateName,
    version: u32,
    region: &Region,
) -> Key {
    Key::new(
        format!("TEMPLATE#{name}"),
        format!("COPYING#{version:06}#{region}"),
    )
}

/// The keys of the locks that a copy holds; empty if the record is not a copy.
pub(in crate::registry) fn copy_lock_keys(record: &SaveRecord) -> Vec<Key> {
    let Some(source) = &record.copy_of else {
        return Vec::new();
    };
    let request = &record.request;
    let key = |region| copy_lock_key(&request.template, source.version, region);
    request.copy_to.iter().map(key).collect()
}

pub(in crate::registry) fn lock_item(key: Key, save: &SaveId) -> Result<Item, Problem> {
    let lock = Lock {
        save_id: save.clone(),
    };
    encode(key, &lock, 1, [])
}

pub(in crate::registry) fn held_by(save: &SaveId) -> Condition {
    Condition::Equals("record".to_owned(), serde_json::json!({ "save_id": save }))
}
