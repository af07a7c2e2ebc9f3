//! Where a launch has been tried.

use serde::{Deserialize, Serialize};

use super::launch::REMEMBERED_DAYS;
use crate::domain::{InstanceId, Problem, SubnetId, Timestamp};
use crate::ports::{Item, Key, Subnet};
use crate::registry::records::{EXPIRES, encode};

/// Where a launch has been tried, so that a repeated request launches no second instance elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    /// Where it is being tried. Nothing is launched in a subnet that is not written here first.
    pub(crate) at: Option<Subnet>,
    /// When it was tried there first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<Timestamp>,
    /// The instance that was launched there. The launch is not tried elsewhere any more.
    pub(crate) instance: Option<InstanceId>,
    /// Where EC2 refused it, and so launched nothing.
    #[serde(default)]
    pub(crate) refused: Vec<Refusal>,
}

/// A refused attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) subnet: SubnetId,
    pub(crate) zone: String,
    /// EC2's error code.
    pub(crate) code: String,
}

pub(in crate::registry) fn attempts_key(token: &str) -> Key {
    Key::new(format!("LAUNCH#{token}"), "ATTEMPTS")
}

pub(in crate::registry) fn attempts_item(
    token: &str,
    attempts: &Attempts,
    revision: u64,
    now: Timestamp,
) -> Result<Item, Problem> {
    let mut item = encode(attempts_key(token), attempts, revision, [])?;
    let expires = now + chrono::TimeDelta::days(REMEMBERED_DAYS);
    let seconds = expires.timestamp().into();
    item.attributes.insert(EXPIRES.to_owned(), seconds);
    Ok(item)
}
