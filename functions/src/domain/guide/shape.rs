//! What a guide consists of.

use serde::{Deserialize, Serialize};

/// What to do about an instance that does not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Guide {
    /// The cause, by a stable name such as `NoCapacity`.
    pub cause: String,
    /// What happened, in sentences.
    pub happened: String,
    /// What to try, the most promising first.
    pub steps: Vec<GuideStep>,
}

/// Something to try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GuideStep {
    /// What, and when it helps.
    pub text: String,
    /// The command that does it.
    pub command: String,
}
