//! The duty to bring an instance back (promise P1).

use serde::{Deserialize, Serialize};

use super::ec2::InstanceState;
use super::{InstanceId, Region, SaveId, Timestamp};

/// The duty to bring an instance back: written before the instance is touched, discharged by one of
/// three findings alone (promise P1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// The save that owes it.
    pub save_id: SaveId,
    /// The Region.
    pub region: Region,
    /// The instance.
    pub instance: InstanceId,
    /// The state to return to: running or stopped.
    pub original_state: InstanceState,
    /// When it was written.
    pub since: Timestamp,
    /// How it was discharged; `None` while it is open.
    pub discharged: Option<Discharge>,
}

/// What ends a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discharge {
    /// What was found.
    pub finding: Finding,
    /// When.
    pub at: Timestamp,
}

/// The findings that end a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The instance was seen in its original state.
    Original,
    /// The instance is gone.
    Gone,
    /// Somebody else changed its state after the save did.
    ChangedByOthers,
}

/// What keeps an instance down: what the last attempt to start it met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Trouble {
    /// Its code.
    pub code: String,
    /// What was met, in a sentence with AWS's code.
    pub message: String,
    /// When it was first met.
    pub since: Timestamp,
}
