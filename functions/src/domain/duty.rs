//! The duty to bring an instance back (promise P1).

use serde::{Deserialize, Serialize};

use super::ec2::InstanceState;
use super::{InstanceId, Region, SaveId, Timestamp};

/// The duty to bring an instance back. It is written before the instance is touched, and only the findings in
/// [`Finding`] discharge it (promise P1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// The save that has the duty.
    pub save_id: SaveId,
    /// The Region of the instance.
    pub region: Region,
    /// The instance to bring back.
    pub instance: InstanceId,
    /// The state to which the instance must return: running or stopped.
    pub original_state: InstanceState,
    /// When the duty was written.
    pub since: Timestamp,
    /// How the duty was discharged; `None` while it is open.
    pub discharged: Option<Discharge>,
}

/// The discharge of a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discharge {
    /// The finding that ended the duty.
    pub finding: Finding,
    /// When the duty was discharged.
    pub at: Timestamp,
}

/// What was found about an instance that was to be brought back, and why nothing more has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The instance was seen in its original state.
    Original,
    /// The instance no longer exists.
    Gone,
    /// Another user or service changed the instance's state after the save did.
    ChangedByOthers,
}

/// What keeps an instance from starting, as reported by the last attempt to start it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Trouble {
    /// The error code.
    pub code: String,
    /// A sentence that describes the error and contains AWS's error code.
    pub message: String,
    /// When the error first occurred.
    pub since: Timestamp,
}
