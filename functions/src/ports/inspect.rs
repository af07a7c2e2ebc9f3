use async_trait::async_trait;

use super::Ec2Error;
use crate::domain::inventory::Inventory;
use crate::domain::{InstanceId, Region};

/// What looks into instances: the inventory of Systems Manager on AWS.
#[async_trait]
pub trait Inspect: Send + Sync {
    /// The packages of an instance; `None` where nobody on the instance tells.
    async fn packages(
        &self,
        region: &Region,
        instance: &InstanceId,
    ) -> Result<Option<Inventory>, Ec2Error>;
}
