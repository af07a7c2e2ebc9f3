use async_trait::async_trait;

use super::Ec2Error;
use crate::domain::inventory::Inventory;
use crate::domain::{InstanceId, Region};

/// Inspects instances. On AWS, it reads the inventory of Systems Manager.
#[async_trait]
pub trait Inspect: Send + Sync {
    /// The packages of an instance; `None` if no software on the instance reports them.
    async fn packages(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> Result<Option<Inventory>, Ec2Error>;
}
