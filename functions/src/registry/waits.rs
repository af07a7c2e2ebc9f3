//! Waits: which execution waits for an AMI or an instance, and by which token its wait is ended.

use serde::{Deserialize, Serialize};

use super::records::{decode, encode};
use super::saves::instance_key;
use super::{Registry, problem};
use crate::domain::{Code, ImageId, InstanceId, Problem, Region, SaveId, Timestamp};
use crate::ports::{Condition, Key, TableError, Write};

/// The attribute by which DynamoDB forgets an item: seconds since 1970.
const EXPIRES: &str = "expires_at";
/// The attribute that fences a wait.
const EPOCH: &str = "epoch";

/// What an execution waits for, in its Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited<'a> {
    /// An AMI.
    Image(&'a ImageId),
    /// An instance.
    Instance(&'a InstanceId),
}

/// An execution that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The save.
    pub save_id: SaveId,
    /// The number of its execution.
    pub epoch: u32,
    /// What ends the wait.
    pub token: String,
    /// When the wait ends by itself.
    pub until: Timestamp,
}

pub(super) fn wait_key(region: &Region, awaited: Awaited<'_>) -> Key {
    match awaited {
        Awaited::Image(image) => Key::new(format!("IMAGE#{region}#{image}"), "WAIT"),
        Awaited::Instance(instance) => instance_key(region, instance, "WAIT"),
    }
}

impl Registry {
    /// Writes down who waits, in place of whoever did before. A wait of a later epoch
    /// stays: then the one that asks is [`Code::Superseded`].
    pub(crate) async fn put_wait(
        &self,
        region: &Region,
        awaited: Awaited<'_>,
        wait: &Wait,
    ) -> Result<(), Problem> {
        let mut item = encode(wait_key(region, awaited), wait, 1, [])?;
        // Rounded up, so that it outlives the wait.
        let expires = wait.until.timestamp() + 1;
        item.attributes.insert(EXPIRES.to_owned(), expires.into());
        item.attributes.insert(EPOCH.to_owned(), wait.epoch.into());
        let none_later = Condition::Any(vec![
            Condition::ItemAbsent,
            Condition::AtMost(EPOCH.to_owned(), wait.epoch.into()),
        ]);
        match self.table.transact(&[Write::Put(item, none_later)]).await {
            Ok(()) => Ok(()),
            Err(TableError::ConditionFailed { .. }) => {
                let message = format!("A later execution of {} waits.", wait.save_id);
                Err(Problem::new(Code::Superseded, message))
            }
            Err(error) => Err(problem(error)),
        }
    }

    /// The wait for something, over or not.
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

    /// Forgets the wait of a save for an AMI. Answers whether there was one.
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

    /// Who waits for something at this time.
    pub async fn wait(
        &self,
        region: &Region,
        awaited: Awaited<'_>,
        now: Timestamp,
    ) -> Result<Option<Wait>, Problem> {
        let wait = self.stored_wait(region, awaited).await?;
        // The table forgets what has expired in its own time, or not at all.
        Ok(wait.filter(|wait| now <= wait.until))
    }
}
