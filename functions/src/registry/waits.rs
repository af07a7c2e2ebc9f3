//! Waits: the execution that waits for an AMI or an instance, and the token that ends its wait.

use super::items::wait::{Awaited, Wait, wait_item, wait_key};
use super::records::decode;
use super::{Registry, problem};
use crate::domain::{Code, ImageId, Problem, Region, SaveId, Timestamp};
use crate::ports::{Condition, TableError, Write};

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
        match self
            .table
            .transact(&[Write::Put(item, wait.none_later())])
            .await
        {
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
        let item = self.table.get(&wait_key(region, awaited)).await;
        let item = item.map_err(problem)?;
        let wait = item.as_ref().map(decode::<Wait>).transpose()?;
        Ok(wait.map(|wait| wait.value))
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
        let record = serde_json::to_value(&wait).map_err(|error| {
            Problem::new(Code::Internal, "A record could not be written.").because(error)
        })?;
        let unchanged = Condition::Equals("record".to_owned(), record);
        let write = Write::Delete(wait_key(region, image), unchanged);
        match self.table.transact(&[write]).await {
            Ok(()) => Ok(true),
            Err(TableError::ConditionFailed { .. }) => Ok(false),
            Err(error) => Err(problem(error)),
        }
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
