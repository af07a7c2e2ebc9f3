//! What the owner of a template says about its future.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;
use super::template_ref::TemplateRef;

/// When a template or a version is deprecated, and what to use instead.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Deprecation {
    /// The template or version to use instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<TemplateRef>,
    /// The end of life: from this time on, it counts as deprecated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<Timestamp>,
}

impl Deprecation {
    /// Whether its end of life has come.
    pub fn has_come(&self, now: Timestamp) -> bool {
        self.end_of_life.is_some_and(|end| end <= now)
    }
}
