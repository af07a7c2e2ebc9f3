//! The deployment that the registry belongs to. It is set once, and stays the same after the table is restored
//! (promise P9).

use super::items::deployment::{Record, deployment_item, deployment_key};
use super::records::decode;
use super::{Registry, problem};
use crate::domain::{DeploymentId, Problem};
use crate::ports::{Condition, TableError, Write};

impl Registry {
    pub async fn deployment(&self) -> Result<Option<DeploymentId>, Problem> {
        let item = self.table.get(&deployment_key()).await.map_err(problem)?;
        let stored = item.as_ref().map(decode::<Record>).transpose()?;
        Ok(stored.map(|stored| stored.value.id))
    }

    /// Assigns the registry to a deployment unless it is already assigned. Returns the deployment that it is assigned
    /// to.
    pub async fn claim(&self, id: &DeploymentId) -> Result<DeploymentId, Problem> {
        if let Some(kept) = self.deployment().await? {
            return Ok(kept);
        }
        let made = Write::Put(deployment_item(id)?, Condition::ItemAbsent);
        match self.table.transact(&[made]).await {
            Ok(()) => Ok(id.clone()),
            // A concurrent caller was faster.
            Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {
                let kept = self.deployment().await?;
                Ok(kept.unwrap_or_else(|| id.clone()))
            }
            Err(error) => Err(problem(error)),
        }
    }
}
