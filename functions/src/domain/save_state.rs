//! How a save stands.

use serde::{Deserialize, Serialize};

/// How a save stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaveState {
    /// It goes on.
    Running,
    /// A version was registered.
    Succeeded,
    /// It failed, and everything was put back.
    Failed,
    /// Somebody cancelled it, and everything was put back.
    Cancelled,
    /// The instance could not be brought back; somebody must act.
    Stranded,
}

impl SaveState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            SaveState::Running => "running",
            SaveState::Succeeded => "succeeded",
            SaveState::Failed => "failed",
            SaveState::Cancelled => "cancelled",
            SaveState::Stranded => "stranded",
        }
    }

    /// Whether nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, SaveState::Running)
    }
}
