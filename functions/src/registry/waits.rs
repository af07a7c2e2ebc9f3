//! Waits: the execution that waits for an AMI or an instance, and the token that ends its wait.

use super::items::wait::{Awaited, Wait, wait_item, wait_key};
use super::records::contains;
use super::{Registry, problem};
use crate::domain::{Code, ImageId, Problem, Region, SaveId, Timestamp};
use crate::ports::{TableError, Write};

impl Registry {
    /// Writes a wait, replacing the previous one. If the existing wait has a later epoch, it is kept and the error is
    /// [`Code::Superseded`].
    pub(crate) async fn put_wait(
        &self,
        region: &Region,
        awaited: Awaited<'_>,
        wait: &Wait,
    ) -> Result<(), Problem> {
        let item = wait_item(region, awaited, wait)?;
        let write = Write::Put(item, wait.none_later());
        match self.table.transact(&[write]).await {
            Ok(()) => Ok(()),
            Err(TableError::ConditionFailed { .. }) => {
                let message = format!("A later execution of the save {} is waiting.", wait.save_id);
                Err(Problem::new(Code::Superseded, message))
            }
            Err(error) => Err(problem(error)),
        }
    }

    /// Returns the wait for a resource, even if it is over.
    pub(crate) async fn stored_wait(
        &self,
        region: &Region,
        awaited: Awaited<'_>,
    ) -> Result<Option<Wait>, Problem> {
        self.value(&wait_key(region, awaited)).await
    }

    /// Deletes the wait of a save for an AMI. Returns whether there was one.
    pub(crate) async fn forget_wait(
        &self,
        region: &Region,
        image: &ImageId,
        save: &SaveId,
    ) -> Result<bool, Problem> {
        let image = Awaited::Image(image);
        let Some(wait) = self.stored_wait(region, image).await? else {
            return Ok(false);
        };
        if wait.save_id != *save {
            return Ok(false);
        }
        let unchanged = contains(&wait)?;
        self.deleted(wait_key(region, image), unchanged).await
    }

    pub async fn wait(
        &self,
        region: &Region,
        awaited: Awaited<'_>,
        now: Timestamp,
    ) -> Result<Option<Wait>, Problem> {
        let wait = self.stored_wait(region, awaited).await?;
        // The table deletes expired items only after a delay, or not at all.
        Ok(wait.filter(|wait| now <= wait.until))
    }
}
