//! The state of a save.

use serde::{Deserialize, Serialize};

/// The state of a save, as shown to users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaveState {
    /// The save is in progress.
    Running,
    /// The save registered a version.
    Succeeded,
    /// The save failed, and its changes were rolled back.
    Failed,
    /// A user cancelled the save, and its changes were rolled back.
    Cancelled,
    /// The instance could not be started again. An operator must intervene.
    Stranded,
}

impl SaveState {
    /// The state's name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            SaveState::Running => "running",
            SaveState::Succeeded => "succeeded",
            SaveState::Failed => "failed",
            SaveState::Cancelled => "cancelled",
            SaveState::Stranded => "stranded",
        }
    }

    /// Whether the save has ended, so that nothing more happens automatically.
    pub fn is_final(self) -> bool {
        !matches!(self, SaveState::Running)
    }
}
