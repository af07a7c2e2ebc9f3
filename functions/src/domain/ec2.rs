//! Types for EC2's concepts, with EC2's names.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

use super::AccountId;

/// How long EC2 may not list a new instance, in seconds. In practice it does within a few.
pub(crate) const UNLISTED_S: i64 = 120;

/// The state of an instance, with EC2's names.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, IntoStaticStr,
)]
#[strum(const_into_str, serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// The instance is starting.
    Pending,
    /// The instance is running.
    Running,
    /// The instance is shutting down and can be started again afterwards.
    Stopping,
    /// The instance is stopped and can be started.
    Stopped,
    /// The instance is being terminated.
    ShuttingDown,
    /// The instance is terminated.
    Terminated,
}

impl InstanceState {
    pub fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether the instance is terminated or being terminated.
    pub fn is_gone(self) -> bool {
        matches!(
            self,
            InstanceState::ShuttingDown | InstanceState::Terminated
        )
    }
}

/// A processor architecture, with EC2's names.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Intel and AMD processors.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Arm processors, such as AWS Graviton.
    Arm64,
}

impl Architecture {
    pub fn as_str(self) -> &'static str {
        match self {
            Architecture::X86_64 => "x86_64",
            Architecture::Arm64 => "arm64",
        }
    }
}

/// The combined result of the two status checks of a running instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusChecks {
    /// Both checks passed.
    Ok,
    /// The result is not known yet.
    Initializing,
    /// At least one check failed.
    Impaired,
    /// The instance is not running.
    NotApplicable,
}

/// Who can launch an AMI in addition to its owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LaunchPermission {
    /// Everyone: the AMI is public.
    Everyone,
    /// An AWS account.
    Account(AccountId),
    /// An organization or organizational unit, by its ARN.
    Organization(String),
}

/// What an AMI is open to others by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Opening {
    /// A launch permission.
    Launch(LaunchPermission),
    /// An account may also copy the AMI, because its snapshots are shared with the account.
    Copies {
        /// The account.
        copies: AccountId,
    },
}

impl Opening {
    pub fn copies(account: AccountId) -> Self {
        Self::Copies { copies: account }
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Opening::Launch(launch) => launch.fmt(f),
            Opening::Copies { copies } => write!(f, "copies by the account {copies}"),
        }
    }
}

impl fmt::Display for LaunchPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LaunchPermission::Everyone => f.write_str("everybody"),
            LaunchPermission::Account(account) => write!(f, "the account {account}"),
            LaunchPermission::Organization(arn) => write!(f, "{arn}"),
        }
    }
}
