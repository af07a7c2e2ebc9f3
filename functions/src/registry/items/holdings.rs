//! The instances that a user has launched.

use serde::{Deserialize, Serialize};

use crate::domain::{InstanceId, Problem, ProjectName, Region, Timestamp, UserId};
use crate::ports::{Item, Key};
use crate::registry::records::encode;

/// The instances that a user has launched or is launching. They are in one record, because a name or a limit concerns
/// all of them at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holdings {
    pub(crate) all: Vec<Holding>,
}

/// An instance that a user has launched or is launching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holding {
    pub(crate) region: Region,
    /// The name of the instance.
    pub(crate) name: String,
    /// The project that the instance is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<ProjectName>,
    /// The token that identifies the launch.
    pub(crate) token: String,
    /// The instance, once EC2 has launched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<InstanceId>,
    /// When the launch began.
    pub(crate) at: Timestamp,
}

pub(in crate::registry) fn holdings_key(user: &UserId) -> Key {
    Key::new(format!("USER#{user}"), "INSTANCES")
}

pub(in crate::registry) fn holdings_item(
    user: &UserId,
    holdings: &Holdings,
    revision: u64,
) -> Result<Item, Problem> {
    encode(holdings_key(user), holdings, revision, [])
}
