//! A cache of the records of saves, for one search.

use std::collections::BTreeMap;

use crate::domain::save::SaveRecord;
use crate::domain::{Problem, SaveId};
use crate::operations::Service;

/// The records that were read.
#[derive(Default)]
pub(super) struct Saves(BTreeMap<SaveId, Option<SaveRecord>>);

impl Saves {
    /// Returns the record of a save.
    pub(super) async fn of(
        &mut self,
        service: &Service,
        id: Option<&SaveId>,
    ) -> Result<Option<SaveRecord>, Problem> {
        let Some(id) = id else { return Ok(None) };
        if let Some(known) = self.0.get(id) {
            return Ok(known.clone());
        }
        let record = service.env.registry.save(id).await?;
        let record = record.map(|stored| stored.value);
        self.0.insert(id.clone(), record.clone());
        Ok(record)
    }
}
