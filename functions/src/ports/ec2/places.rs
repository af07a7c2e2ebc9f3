//! Where instances are launched.

use serde::{Deserialize, Serialize};

use crate::domain::SubnetId;

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub id: SubnetId,
    /// The name of its Availability Zone, such as `us-east-1a`.
    pub zone: String,
    /// The ID of its VPC.
    pub vpc: String,
    /// The number of addresses that are not in use.
    pub free_addresses: u32,
}

/// A filter for subnets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubnetFilter {
    /// The subnets with these IDs. Those that are not in the Region are ignored.
    Ids(Vec<SubnetId>),
    /// The default subnets of the zones, which are in the default VPC.
    Default,
}
