//! Copies of versions: their locks, and how a version gets AMIs in further Regions.

use std::collections::BTreeMap;

use super::audit::audit_write;
use super::items::lock::{Lock, copy_lock_key, copy_lock_keys, held_by, lock_item, lock_key};
use super::items::save::save_item;
use super::pledges::Admission;
use super::records::{Stored, decode};
use super::saves::{Begun, check_epoch, save_not_found};
use super::templates::version_changed;
use super::{Registry, TRIES, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::ec2::Architecture;
use crate::domain::pricing::snapshot_usd_per_month;
use crate::domain::save::SaveRecord;
use crate::domain::template::{Template, TemplateState, Version};
use crate::domain::{Code, ImageId, InstanceId, Problem, Region, SaveId, SnapshotId, TemplateName};
use crate::ports::{Condition, Index, Key, Query, SortKeys, TableError, Write};

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Additions {
    /// The architecture of the AMIs; `None` for the version's own architecture.
    pub(crate) architecture: Option<Architecture>,
    pub(crate) images: BTreeMap<Region, ImageId>,
    pub(crate) snapshots: BTreeMap<Region, Vec<SnapshotId>>,
    pub(crate) failed: BTreeMap<Region, String>,
    /// By Region, the AMIs that no longer existed and are replaced.
    pub(crate) replaces: BTreeMap<Region, ImageId>,
}

impl Additions {
    fn architecture_of(&self, version: &Version) -> Architecture {
        self.architecture.unwrap_or(version.architecture)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyLock {
    pub(crate) version: u32,
    pub(crate) region: Region,
    pub(crate) save_id: SaveId,
}

impl Registry {
    /// Begins a copy: writes its record, a lock for each of its Regions, and the pledge to the project that pays, in
    /// one transaction.
    pub(crate) async fn begin_copy(
        &self,
        record: &SaveRecord,
        admission: Option<&Admission>,
    ) -> Result<Begun, Problem> {
        let mut writes = vec![Write::Put(save_item(record, 1)?, Condition::ItemAbsent)];
        for key in copy_lock_keys(record) {
            writes.push(Write::Put(
                lock_item(key, &record.save_id)?,
                Condition::ItemAbsent,
            ));
        }
        if let Some(admission) = admission {
            writes.extend(admission.writes(&record.save_id)?);
        }
        match self.table.transact(&writes).await {
            Ok(()) => return Ok(Begun::Now),
            Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
            Err(error) => return Err(problem(error)),
        }
        if let Some(before) = self.save(&record.save_id).await? {
            return Ok(Begun::Before(Box::new(before.value)));
        }
        for key in copy_lock_keys(record) {
            if let Some(holder) = self.holder(&key).await? {
                return Ok(Begun::HeldBy(holder));
            }
        }
        Err(problem(TableError::Conflict))
    }

    pub async fn copy_holder(
        &self,
        name: &TemplateName,
        version: u32,
        region: &Region,
    ) -> Result<Option<SaveId>, Problem> {
        self.holder(&copy_lock_key(name, version, region)).await
    }

    pub(crate) async fn copy_locks(&self, name: &TemplateName) -> Result<Vec<CopyLock>, Problem> {
        let (mut locks, mut cursor) = (Vec::new(), None);
        loop {
            let query = Query {
                index: Index::Primary,
                pk: format!("TEMPLATE#{name}"),
                sort_keys: SortKeys::BeginsWith("COPYING#".to_owned()),
                descending: false,
                limit: 100,
                cursor,
            };
            let page = self.table.query(&query).await.map_err(problem)?;
            for item in &page.items {
                let lock: Stored<Lock> = decode(item)?;
                let place = item.key.sk.splitn(3, '#').collect::<Vec<_>>();
                let [_, version, region] = place[..] else {
                    continue;
                };
                let (Ok(version), Ok(region)) = (version.parse(), region.parse()) else {
                    continue;
                };
                locks.push(CopyLock {
                    version,
                    region,
                    save_id: lock.value.save_id,
                });
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(locks);
            }
        }
    }

    /// Releases the lock of a version in a Region if the save holds it. Returns whether it did.
    pub(crate) async fn release_copy(
        &self,
        name: &TemplateName,
        version: u32,
        region: &Region,
        save: &SaveId,
    ) -> Result<bool, Problem> {
        self.release(copy_lock_key(name, version, region), save)
            .await
    }

    /// Releases the lock of an instance if the save holds it. Returns whether it did.
    pub(crate) async fn release_lock(
        &self,
        region: &Region,
        id: &InstanceId,
        save: &SaveId,
    ) -> Result<bool, Problem> {
        self.release(lock_key(region, id), save).await
    }

    async fn release(&self, key: Key, save: &SaveId) -> Result<bool, Problem> {
        let ours = Condition::Equals("record".to_owned(), serde_json::json!({ "save_id": save }));
        let writes = [Write::Delete(
            key,
            Condition::All(vec![Condition::ItemPresent, ours]),
        )];
        match self.table.transact(&writes).await {
            Ok(()) => Ok(true),
            Err(TableError::ConditionFailed { .. }) => Ok(false),
            Err(error) => Err(problem(error)),
        }
    }

    pub(super) async fn copy_releases(&self, record: &SaveRecord) -> Result<Vec<Write>, Problem> {
        let mut releases = Vec::new();
        for key in copy_lock_keys(record) {
            if self.holder(&key).await?.as_ref() == Some(&record.save_id) {
                releases.push(Write::Delete(key, held_by(&record.save_id)));
            }
        }
        Ok(releases)
    }

    pub(super) async fn holder(&self, key: &Key) -> Result<Option<SaveId>, Problem> {
        let item = self.table.get(key).await.map_err(problem)?;
        let lock: Option<Stored<Lock>> = item.as_ref().map(decode).transpose()?;
        Ok(lock.map(|lock| lock.value.save_id))
    }

    /// Adds the results of a copy to its version and records this in the copy's record, in one transaction. Existing
    /// AMIs of the version never change (promise P6): if the version already has an AMI in the Region, the copy is
    /// refused. The AMIs have launch permissions for the grants that the template had; if the template has changed
    /// since, the error is [`Code::RegistryConflict`]. If there are no AMIs, only the reasons for the failures are
    /// written, and the record is not changed.
    pub(crate) async fn add_copies(
        &self,
        record: &SaveRecord,
        number: u32,
        template: &Stored<Template>,
        event: &AuditEvent,
        additions: &Additions,
    ) -> Result<(), Problem> {
        let name = &record.request.template;
        for _ in 0..TRIES {
            let save = self.save(&record.save_id).await?;
            let save = save.ok_or_else(|| save_not_found(&record.save_id))?;
            if save.value.version.is_some() {
                return Ok(());
            }
            check_epoch(&save.value, Some(record.epoch))?;
            let Some(stored) = self.stored_version(name, number).await? else {
                let message = format!("The version {name}@{number} no longer exists.");
                return Err(Problem::new(Code::VersionNotFound, message));
            };
            let version = with(&stored.value, additions)?;
            let mut batch = version_changed(&stored, &version)?;
            let mut check = None;
            let writes = if additions.images.is_empty() {
                batch.without_sums()?
            } else {
                let mut after = save.value.clone();
                after.version = Some(number);
                let bytes = version.bytes_of(additions.architecture_of(&version));
                let cost = snapshot_usd_per_month(bytes, additions.images.len());
                after.usd_per_month = Some(cost);
                let item = save_item(&after, save.revision + 1)?;
                batch.push(Write::Put(item, save.unchanged()));
                batch.push(audit_write(event, stored.revision)?);
                self.redeem(&save.value, &mut batch).await?;
                let writes = self.beside_template(template, batch).await?;
                check = Some(writes.len() - 1);
                writes
            };
            match self.table.transact(&writes).await {
                Ok(()) => return Ok(()),
                Err(TableError::ConditionFailed { write }) if Some(write) == check => {
                    return Err(problem(TableError::ConditionFailed { write }));
                }
                Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }
}

fn with(version: &Version, additions: &Additions) -> Result<Version, Problem> {
    if version.state == TemplateState::Deleted {
        let (name, number) = (&version.template, version.number);
        let message = format!("The version {name}@{number} was deleted in the meantime.");
        return Err(Problem::new(Code::VersionNotFound, message));
    }
    let mut after = version.clone();
    let architecture = additions.architecture_of(version);
    let mut more = additions.images.len();
    for (region, image) in &additions.images {
        let here = after.amis.entry(region.clone()).or_default();
        let there = here.get(&architecture);
        if there.is_some() && there == additions.replaces.get(region) {
            // The previous AMI no longer exists, so nobody can rely on it. Its snapshots, if any, are left over,
            // unless an AMI of another architecture uses them.
            if here.len() == 1 {
                after.snapshots.remove(region);
                more -= 1;
            }
        } else if let Some(there) = there {
            let message = format!(
                "{}@{} already has an AMI for {} in {region}: {there}.",
                version.template,
                version.number,
                architecture.as_str()
            );
            return Err(Problem::new(Code::CopyExists, message));
        }
        here.insert(architecture, image.clone());
        after.failed_regions.remove(region);
    }
    for (region, snapshots) in &additions.snapshots {
        let known = after.snapshots.entry(region.clone()).or_default();
        known.extend(snapshots.iter().cloned());
    }
    for (region, why) in &additions.failed {
        if !after.amis.contains_key(region) {
            after.failed_regions.insert(region.clone(), why.clone());
        }
    }
    after.usd_per_month += snapshot_usd_per_month(version.bytes_of(architecture), more);
    Ok(after)
}
