//! The deployment that the registry belongs to. It is set once, and stays the same after the table is restored
//! (promise P9).

use super::Registry;
use super::items::deployment::{Record, deployment_item, deployment_key};
use crate::domain::{DeploymentId, Problem};
use crate::ports::{Condition, Write};

impl Registry {
    pub async fn deployment(&self) -> Result<Option<DeploymentId>, Problem> {
        let record = self.value::<Record>(&deployment_key()).await?;
        Ok(record.map(|record| record.id))
    }

    /// Assigns the registry to a deployment unless it is already assigned. Returns the deployment that it is assigned
    /// to.
    pub async fn claim(&self, id: &DeploymentId) -> Result<DeploymentId, Problem> {
        if let Some(kept) = self.deployment().await? {
            return Ok(kept);
        }
        let made = Write::Put(deployment_item(id)?, Condition::ItemAbsent);
        if self.commit(&[made]).await? {
            return Ok(id.clone());
        }
        // A concurrent caller was faster.
        let kept = self.deployment().await?;
        Ok(kept.unwrap_or_else(|| id.clone()))
    }
}
