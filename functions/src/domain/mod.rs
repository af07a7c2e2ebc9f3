//! The domain types of a save, without side effects.

pub mod allowed;
pub mod audit;
pub mod budget;
pub mod catalogue;
pub(crate) mod clock;
pub mod copy;
pub mod cron;
pub mod diff;
pub mod duty;
pub mod ec2;
pub mod first_boot;
pub mod grant;
pub mod guide;
mod how;
pub mod ids;
pub mod inventory;
pub mod kms_keys;
pub mod money;
pub(crate) mod object;
pub mod pace;
mod payer;
pub mod pricing;
pub mod principal;
pub mod problem;
pub mod project;
pub mod public_key;
pub mod resource_tags;
pub mod save;
mod save_plan;
mod save_request;
mod save_state;
pub mod schedule;
pub mod sensitive;
pub mod session;
pub mod sizes;
mod step_name;
pub mod tags;
pub mod template;
pub mod template_file;
pub(crate) mod text;
pub mod words;

pub use how::How;
pub use ids::{
    AccountId, DeploymentId, ImageId, InstanceId, InvalidId, KeyFingerprint, LaunchTemplateId,
    ProjectName, Region, SaveId, ScheduleName, SnapshotId, SubnetId, TemplateName, UserId,
    VolumeId,
};
pub use money::MicroUsd;
pub use problem::{Class, Code, Problem};
pub use step_name::StepName;

/// An instant in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
