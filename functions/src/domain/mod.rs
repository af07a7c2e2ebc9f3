//! The nouns of a save, without any effect.

pub mod ids;

pub use ids::{
    AccountId, ImageId, InstanceId, InvalidId, Region, SaveId, SnapshotId, TemplateName, UserId,
    VolumeId,
};

/// An instant in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
