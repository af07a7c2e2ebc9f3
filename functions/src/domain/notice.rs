//! What people are notified of.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// The event that a notice reports.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    VariantArray,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[strum(const_into_str)]
pub enum NoticeEvent {
    /// A save registered its version.
    #[serde(rename = "save.succeeded")]
    #[strum(serialize = "save.succeeded")]
    SaveSucceeded,
    /// A save failed, and its changes were rolled back.
    #[serde(rename = "save.failed")]
    #[strum(serialize = "save.failed")]
    SaveFailed,
    /// A save was cancelled, and its changes were rolled back.
    #[serde(rename = "save.cancelled")]
    #[strum(serialize = "save.cancelled")]
    SaveCancelled,
    /// A save could not bring its instance back. Somebody must act.
    #[serde(rename = "save.stranded")]
    #[strum(serialize = "save.stranded")]
    SaveStranded,
    /// A version was copied to other Regions.
    #[serde(rename = "copy.succeeded")]
    #[strum(serialize = "copy.succeeded")]
    CopySucceeded,
    /// A version was not copied.
    #[serde(rename = "copy.failed")]
    #[strum(serialize = "copy.failed")]
    CopyFailed,
    /// A copy of a version was cancelled.
    #[serde(rename = "copy.cancelled")]
    #[strum(serialize = "copy.cancelled")]
    CopyCancelled,
    /// A schedule was due, but nothing began in time.
    #[serde(rename = "schedule.missed")]
    #[strum(serialize = "schedule.missed")]
    ScheduleMissed,
    /// A schedule was due, but could not begin its saves.
    #[serde(rename = "schedule.failed")]
    #[strum(serialize = "schedule.failed")]
    ScheduleFailed,
    /// The costs of a project crossed a threshold of its budget.
    #[serde(rename = "budget.crossed")]
    #[strum(serialize = "budget.crossed")]
    BudgetCrossed,
    /// A template was shared with the user or with a project of the user.
    #[serde(rename = "share.received")]
    #[strum(serialize = "share.received")]
    ShareReceived,
    /// An instance is about to reach its end.
    #[serde(rename = "instance.ending")]
    #[strum(serialize = "instance.ending")]
    InstanceEnding,
    /// An instance reached its end.
    #[serde(rename = "instance.ended")]
    #[strum(serialize = "instance.ended")]
    InstanceEnded,
    /// A project is about to reach its end.
    #[serde(rename = "project.ending")]
    #[strum(serialize = "project.ending")]
    ProjectEnding,
    /// The user asked for a notice, to see whether it arrives.
    #[serde(rename = "test")]
    #[strum(serialize = "test")]
    Test,
}

impl NoticeEvent {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The event's name in JSON.
    pub fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether someone must act now.
    pub fn is_alarm(self) -> bool {
        self == NoticeEvent::SaveStranded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_one_spelling() {
        for event in NoticeEvent::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
            assert_eq!(event.as_str().parse(), Ok(*event));
            assert_eq!(event.to_string(), event.as_str());
        }
    }
}
