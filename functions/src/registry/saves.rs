//! Saves, locks and duties.

use super::audit::audit_write;
use super::items::duty::{OPEN_DUTIES, duty_item, duty_key};
use super::items::lock::{held_by, lock_item, lock_key};
use super::items::save::{OPEN_SAVES, save_item, save_key};
use super::items::wait::{Awaited, wait_key};
use super::pledges::Admission;
use super::records::{Stored, decode};
use super::sums::Batch;
use super::{Listed, Registry, TRIES, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::save::{Discharge, Duty, Finding, SaveRecord};
use crate::domain::{Code, InstanceId, Problem, Region, SaveId, Timestamp, UserId};
use crate::ports::{Condition, Index, Query, SortKeys, TableError, Write};

/// The write that discharges a duty, if the duty is unchanged.
fn discharged(duty: &Stored<Duty>, finding: Finding, at: Timestamp) -> Result<Write, Problem> {
    let mut after = duty.value.clone();
    after.discharged = Some(Discharge { finding, at });
    let item = duty_item(&after, duty.revision + 1)?;
    Ok(Write::Put(item, duty.unchanged()))
}

#[derive(Debug, PartialEq)]
pub(crate) enum Begun {
    Now,
    HeldBy(SaveId),
    /// The save had already begun. Contains its record.
    Before(Box<SaveRecord>),
}

impl Registry {
    pub async fn save(&self, id: &SaveId) -> Result<Option<Stored<SaveRecord>>, Problem> {
        let item = self.table.get(&save_key(id)).await.map_err(problem)?;
        item.as_ref().map(decode).transpose()
    }

    /// Returns the record of a save, which must exist. If `epoch` is set and differs, the error is
    /// [`Code::Superseded`].
    pub(crate) async fn save_at_epoch(
        &self,
        id: &SaveId,
        epoch: Option<u32>,
    ) -> Result<Stored<SaveRecord>, Problem> {
        let stored = self.save(id).await?.ok_or_else(|| save_not_found(id))?;
        check_epoch(&stored.value, epoch)?;
        Ok(stored)
    }

    /// Begins a save: writes the lock, the duty, the record, and the pledge to the project that pays, in one
    /// transaction (promises P1, P4). `queued` is the save's record if it has waited for its turn.
    pub(crate) async fn begin_save(
        &self,
        record: &SaveRecord,
        queued: Option<&Stored<SaveRecord>>,
        duty: &Duty,
        event: &AuditEvent,
        admission: Option<&Admission>,
    ) -> Result<Begun, Problem> {
        let lock = lock_item(lock_key(&duty.region, &duty.instance), &record.save_id)?;
        let (open_pk, _) = Index::Gsi2.attributes();
        let no_open_duty = Condition::AttributeAbsent(open_pk.to_owned());
        let (revision, as_it_was) = match queued {
            Some(queued) => (queued.revision + 1, queued.unchanged()),
            None => (1, Condition::ItemAbsent),
        };
        let mut writes = vec![
            Write::Put(save_item(record, revision)?, as_it_was),
            Write::Put(lock, Condition::ItemAbsent),
            Write::Put(duty_item(duty, 1)?, no_open_duty),
            audit_write(event, 1)?,
        ];
        if let Some(admission) = admission {
            writes.extend(admission.writes(&record.save_id)?);
        }
        match self.table.transact(&writes).await {
            Ok(()) => return Ok(Begun::Now),
            Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
            Err(error) => return Err(problem(error)),
        }
        let before = self.save(&record.save_id).await?;
        if let Some(before) = before.filter(|it| it.value.awaited_turn().is_none()) {
            return Ok(Begun::Before(Box::new(before.value)));
        }
        if let Some(holder) = self.lock_holder(&duty.region, &duty.instance).await? {
            return Ok(Begun::HeldBy(holder));
        }
        match self.duty(&duty.region, &duty.instance).await? {
            Some(other) if other.value.discharged.is_none() => {
                Ok(Begun::HeldBy(other.value.save_id))
            }
            _ => Err(problem(TableError::Conflict)),
        }
    }

    /// Writes the record of a save that waits for its turn. `before` is the current record, if any. If the record was
    /// changed in the meantime, it is kept and the error is [`Code::RegistryConflict`].
    pub(crate) async fn put_queued(
        &self,
        record: &SaveRecord,
        before: Option<&Stored<SaveRecord>>,
    ) -> Result<(), Problem> {
        let (revision, as_it_was) = match before {
            Some(before) => (before.revision + 1, before.unchanged()),
            None => (1, Condition::ItemAbsent),
        };
        let write = Write::Put(save_item(record, revision)?, as_it_was);
        self.table.transact(&[write]).await.map_err(problem)
    }

    /// Writes the record of a save that was refused before it began. An existing record is kept.
    pub(crate) async fn note_refused(&self, record: &SaveRecord) -> Result<(), Problem> {
        match self
            .table
            .transact(&[Write::Put(save_item(record, 1)?, Condition::ItemAbsent)])
            .await
        {
            Ok(()) | Err(TableError::ConditionFailed { .. }) => Ok(()),
            Err(error) => Err(problem(error)),
        }
    }

    /// Changes a save's record. `change` can be called several times, each time with a fresh copy, and its error is
    /// returned. If the record's epoch differs from `epoch`, the error is [`Code::Superseded`].
    pub(crate) async fn change_save<R>(
        &self,
        id: &SaveId,
        epoch: Option<u32>,
        change: impl FnMut(&mut SaveRecord) -> Result<R, Problem>,
    ) -> Result<(SaveRecord, R), Problem> {
        self.change_save_by(id, epoch, None, change).await
    }

    /// Changes a save's record, and writes an audit event if this changes anything.
    pub(crate) async fn change_save_by<R>(
        &self,
        id: &SaveId,
        epoch: Option<u32>,
        event: Option<&AuditEvent>,
        mut change: impl FnMut(&mut SaveRecord) -> Result<R, Problem>,
    ) -> Result<(SaveRecord, R), Problem> {
        for _ in 0..TRIES {
            let stored = self.save_at_epoch(id, epoch).await?;
            let mut record = stored.value.clone();
            let result = change(&mut record)?;
            if record == stored.value {
                return Ok((record, result));
            }
            let item = save_item(&record, stored.revision + 1)?;
            let mut writes = vec![Write::Put(item, stored.unchanged())];
            if let Some(event) = event {
                let event = event.clone().of_project(record.charged());
                writes.push(audit_write(&event, stored.revision + 1)?);
            }
            match self.table.transact(&writes).await {
                Ok(()) => return Ok((record, result)),
                Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// Ends a save: changes its record, releases its lock, redeems its pledge and deletes its waits, in one
    /// transaction. With `keep_lock`, the lock and the pledge are kept.
    pub(crate) async fn end_save(
        &self,
        id: &SaveId,
        epoch: u32,
        keep_lock: bool,
        mut change: impl FnMut(&mut SaveRecord),
    ) -> Result<SaveRecord, Problem> {
        for _ in 0..TRIES {
            let stored = self.save_at_epoch(id, Some(epoch)).await?;
            let mut record = stored.value.clone();
            change(&mut record);
            let mut writes = Batch::from(vec![Write::Put(
                save_item(&record, stored.revision + 1)?,
                stored.unchanged(),
            )]);
            if let (Some(plan), false) = (&record.plan, keep_lock) {
                let region = &record.request.region;
                if self.lock_holder(region, &plan.instance.id).await?.as_ref() == Some(id) {
                    writes.push(Write::Delete(
                        lock_key(region, &plan.instance.id),
                        held_by(id),
                    ));
                }
            }
            if !keep_lock {
                writes.extend(self.copy_releases(&record).await?);
                self.redeem(&record, &mut writes).await?;
            }
            let instance = record
                .plan
                .as_ref()
                .map(|plan| Awaited::Instance(&plan.instance.id));
            let image = record.image.as_ref().map(Awaited::Image);
            for awaited in instance.into_iter().chain(image) {
                let wait = wait_key(&record.request.region, awaited);
                writes.push(Write::Delete(wait, Condition::Always));
            }
            let writes = self.with_pledges(writes).await?;
            match self.table.transact(&writes).await {
                Ok(()) => return Ok(record),
                Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }

    pub async fn lock_holder(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<Option<SaveId>, Problem> {
        self.holder(&lock_key(region, id)).await
    }

    pub async fn duty(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<Option<Stored<Duty>>, Problem> {
        let item = self
            .table
            .get(&duty_key(region, id))
            .await
            .map_err(problem)?;
        item.as_ref().map(decode).transpose()
    }

    /// Discharges a duty of a save, and records the finding in the save's record. A duty that is already discharged is
    /// not changed.
    pub(crate) async fn discharge(
        &self,
        duty: &Stored<Duty>,
        epoch: u32,
        finding: Finding,
        at: Timestamp,
    ) -> Result<(), Problem> {
        if duty.value.discharged.is_some() {
            return Ok(());
        }
        let id = &duty.value.save_id;
        for _ in 0..TRIES {
            let stored = self.save_at_epoch(id, Some(epoch)).await?;
            let mut record = stored.value.clone();
            record.finding = Some(finding);
            record.updated_at = at;
            let item = save_item(&record, stored.revision + 1)?;
            let writes = [
                discharged(duty, finding, at)?,
                Write::Put(item, stored.unchanged()),
            ];
            match self.table.transact(&writes).await {
                Ok(()) => return Ok(()),
                Err(TableError::ConditionFailed { write: 1 } | TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }

    pub(crate) async fn settle_duty(
        &self,
        duty: &Stored<Duty>,
        finding: Finding,
        at: Timestamp,
    ) -> Result<(), Problem> {
        let write = discharged(duty, finding, at)?;
        self.table.transact(&[write]).await.map_err(problem)
    }

    /// Returns a user's saves, newest first.
    pub async fn saves_of(
        &self,
        user: &UserId,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<SaveRecord>, Problem> {
        let query = Query {
            index: Index::Gsi1,
            pk: format!("OWNER#{user}"),
            sort_keys: SortKeys::BeginsWith("SAVE#".to_owned()),
            descending: true,
            limit,
            cursor,
        };
        self.list(&query).await
    }

    /// Returns the saves that have not ended, oldest first.
    pub async fn open_saves(
        &self,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<SaveRecord>, Problem> {
        self.list(&open(OPEN_SAVES, limit, cursor)).await
    }

    /// Returns the duties that are not discharged, oldest first.
    pub async fn open_duties(
        &self,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Duty>, Problem> {
        self.list(&open(OPEN_DUTIES, limit, cursor)).await
    }
}

fn open(pk: &str, limit: usize, cursor: Option<String>) -> Query {
    Query {
        index: Index::Gsi2,
        pk: pk.to_owned(),
        sort_keys: SortKeys::All,
        descending: false,
        limit,
        cursor,
    }
}

pub(super) fn save_not_found(id: &SaveId) -> Problem {
    Problem::new(Code::SaveNotFound, format!("There is no save {id}."))
}

pub(super) fn check_epoch(record: &SaveRecord, epoch: Option<u32>) -> Result<(), Problem> {
    match epoch {
        Some(epoch) if epoch != record.epoch => {
            let message = format!(
                "Execution {} of the save {} has taken over; this is execution {epoch}.",
                record.execution, record.save_id
            );
            Err(Problem::new(Code::Superseded, message))
        }
        _ => Ok(()),
    }
}
