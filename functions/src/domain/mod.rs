//! The domain types of a save, without side effects.

pub mod allowed;
mod as_string;
pub mod audit;
pub mod budget;
pub mod catalogue;
pub(crate) mod clock;
pub mod copy;
pub mod cron;
pub mod deprecation;
pub mod diff;
pub mod duty;
pub mod ec2;
pub mod end;
pub mod first_boot;
pub mod grant;
pub mod guide;
mod how;
pub mod ids;
pub mod inventory;
pub mod join_link;
pub mod kms_keys;
pub mod limits;
pub mod meter;
pub mod money;
pub mod month;
mod notice;
pub mod notify;
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
pub mod setup;
pub mod sizes;
mod step_name;
pub mod tags;
pub mod tally;
pub mod template;
pub mod template_file;
mod template_ref;
pub(crate) mod text;
pub mod words;

pub use how::How;
pub use ids::{
    AccountId, DeploymentId, GroupName, ImageId, InstanceId, InvalidId, KeyFingerprint,
    LaunchTemplateId, LinkId, ProjectName, Region, SaveId, ScheduleName, SnapshotId, SubnetId,
    TemplateName, UserId, VolumeId,
};
pub use money::MicroUsd;
pub use notice::NoticeEvent;
pub use problem::{Class, Code, Problem};
pub use step_name::StepName;
pub use text::counted;

/// An instant in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
