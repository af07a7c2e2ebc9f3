//! The costs that projects have pledged to pay. When a save or a copy begins, it pledges its costs in the same
//! transaction to the project that pays for it. The pledge is removed in the transaction that registers the version,
//! or in the one that ends the save without a version. A pledge therefore never outlasts its save, and the sum of a
//! project's costs and its pledges is the most that the project will cost.
//!
//! Each pledge increases the project's mark. A caller that reads the mark before it checks the budget begins only if
//! the mark is still the same: of two saves that begin at the same time, the second one checks again.
//!
//! If the template has moved to another project by the time a version is registered, the pledge is first moved to that
//! project, if the project admits it.

use super::items::pledge::{Pledge, pledge_item, pledge_key};
use super::items::project::project_key;
use super::items::save::save_item;
use super::items::sums::{Mark, sums_key};
use super::records::{Stored, decode};
use super::sums::Batch;
use super::{Listed, Registry, problem};
use crate::domain::project::Project;
use crate::domain::save::SaveRecord;
use crate::domain::{MicroUsd, Problem, ProjectName, SaveId};
use crate::ports::table_rules::QUERY_LIMIT;
use crate::ports::{Condition, Index, Query, SortKeys, Write};

/// Permission to begin at the expense of a project, as long as the project does not change.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    /// The project. Its sums are stored.
    pub(crate) project: Stored<Project>,
    /// The maximum additional cost, in USD per month.
    pub(crate) usd_per_month: f64,
    /// The mark that was read before the budget was checked; `None` if the budget does not refuse anything.
    pub(crate) mark: Option<Mark>,
}

impl Admission {
    pub(super) fn writes(&self, save: &SaveId) -> Result<[Write; 3], Problem> {
        let name = &self.project.value.name;
        let pledge = Pledge {
            save_id: save.clone(),
            usd_per_month: self.usd_per_month,
        };
        let item = pledge_item(name, &pledge)?;
        let mark = self.mark.map_or(Condition::Always, Mark::unchanged);
        let one_more = Mark::one_more(pledge.amount());
        Ok([
            Write::Put(item, Condition::Always),
            Write::Update(sums_key(name), one_more, mark),
            Write::Check(project_key(name), self.project.unchanged()),
        ])
    }
}

impl Registry {
    /// Removes the pledge of a save, if it still has one. Its costs are either counted from now on, or it has none. Of
    /// two concurrent callers, one fails and has to retry.
    pub(super) async fn redeem(
        &self,
        record: &SaveRecord,
        batch: &mut Batch,
    ) -> Result<(), Problem> {
        let Some(project) = record.payer() else {
            return Ok(());
        };
        let key = pledge_key(project, &record.save_id);
        let item = self.table.get(&key).await.map_err(problem)?;
        if let Some(item) = item {
            let pledge: Stored<Pledge> = decode(&item)?;
            let there = Write::Delete(key, Condition::ItemPresent);
            batch.redeem(project, pledge.value.amount(), there);
        }
        Ok(())
    }

    /// Moves the pledge of a save or copy that is in progress to another project that admits it, in one transaction.
    /// Returns true if this is done, or no longer needed because the save has ended. Returns false after a concurrent
    /// change.
    pub(crate) async fn move_pledge(
        &self,
        stored: &Stored<SaveRecord>,
        admission: &Admission,
    ) -> Result<bool, Problem> {
        let before = &stored.value;
        if before.version.is_some() || before.state.is_final() {
            return Ok(true);
        }
        let mut after = before.clone();
        after.charge(admission.project.value.name.clone());
        let item = save_item(&after, stored.revision + 1)?;
        let mut batch = Batch::from(vec![Write::Put(item, stored.unchanged())]);
        self.redeem(before, &mut batch).await?;
        let mut writes = self.with_pledges(batch).await?;
        writes.extend(admission.writes(&before.save_id)?);
        self.commit(&writes).await
    }

    pub(super) async fn count_pledged(&self, project: &ProjectName) -> Result<MicroUsd, Problem> {
        let (mut pledged, mut cursor) = (MicroUsd::ZERO, None);
        loop {
            let page = self.pledge_page(project, QUERY_LIMIT, cursor).await?;
            pledged += page.items.iter().map(Pledge::amount).sum();
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(pledged);
            }
        }
    }

    /// A save or copy that is in progress at the expense of a project, if there is one.
    pub(crate) async fn pledged_by(
        &self,
        project: &ProjectName,
    ) -> Result<Option<SaveId>, Problem> {
        let page = self.pledge_page(project, 1, None).await?;
        Ok(page.items.into_iter().next().map(|pledge| pledge.save_id))
    }

    async fn pledge_page(
        &self,
        project: &ProjectName,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Pledge>, Problem> {
        let query = Query {
            index: Index::Primary,
            pk: format!("PROJECT#{project}"),
            sort_keys: SortKeys::BeginsWith("PLEDGE#".to_owned()),
            descending: false,
            limit,
            cursor,
        };
        self.list(&query).await
    }
}
