//! The structure of a guide.

use serde::{Deserialize, Serialize};

/// What to do about an instance that does not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Guide {
    /// A stable code for the cause, such as `NoCapacity`.
    pub cause: String,
    /// What happened, in sentences.
    pub happened: String,
    /// The steps to try, the most promising first.
    pub steps: Vec<GuideStep>,
}

/// A step of a guide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GuideStep {
    /// What the step does, and when it helps.
    pub text: String,
    /// The command to run.
    pub command: String,
}
