//! EC2's vocabulary, by EC2's names.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::AccountId;

/// The state of an instance, by EC2's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// It is starting.
    Pending,
    /// It runs.
    Running,
    /// It is shutting down, to be started again.
    Stopping,
    /// It is down and can be started.
    Stopped,
    /// It is shutting down for good.
    ShuttingDown,
    /// It is gone.
    Terminated,
}

impl InstanceState {
    /// EC2's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            InstanceState::Pending => "pending",
            InstanceState::Running => "running",
            InstanceState::Stopping => "stopping",
            InstanceState::Stopped => "stopped",
            InstanceState::ShuttingDown => "shutting-down",
            InstanceState::Terminated => "terminated",
        }
    }

    /// Whether it is gone or going.
    pub fn is_gone(self) -> bool {
        matches!(
            self,
            InstanceState::ShuttingDown | InstanceState::Terminated
        )
    }
}

/// A processor architecture, by EC2's names.
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
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton.
    Arm64,
}

impl Architecture {
    /// EC2's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Architecture::X86_64 => "x86_64",
            Architecture::Arm64 => "arm64",
        }
    }
}

/// The two status checks of a running instance, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusChecks {
    /// Both passed.
    Ok,
    /// Not known yet.
    Initializing,
    /// One failed.
    Impaired,
    /// The instance does not run.
    NotApplicable,
}

/// Who may launch an AMI, beside its owner.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LaunchPermission {
    /// Everybody: the AMI is public.
    Everyone,
    /// An account.
    Account(AccountId),
    /// An organisation or organisational unit, by its ARN.
    Organization(String),
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
