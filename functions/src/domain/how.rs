//! How a save captures a running instance.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

/// How a save captures a running instance. A stopped instance is captured as it is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[strum(const_into_str, serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is stopped, and started again once the snapshots of its volumes have begun.
    #[default]
    Stop,
    /// EC2 reboots it, and begins the snapshots of its volumes while its operating system is down. Its state remains
    /// `running`: it keeps its addresses, its instance store and its capacity.
    Reboot,
}

impl How {
    /// The values that [`How`] is parsed from.
    pub const NAMES: &'static [&'static str] = <Self as VariantNames>::VARIANTS;

    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether it is the default, which is omitted where it is written.
    pub fn is_stop(&self) -> bool {
        *self == How::Stop
    }
}
