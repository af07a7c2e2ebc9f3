//! What projects are about to pay. A save or a copy pledges its costs to the project that pays for it, in
//! the transaction in which it begins, and is rid of the pledge in the one in which its version is
//! registered, or in which it ends without one. So a pledge never outlasts its save, and what a project
//! costs and what is pledged to it are together what it will cost at most.
//!
//! Each pledge counts up the project's mark. Whoever read the mark before deciding that there is room
//! for one more begins only while it is the same: of two saves that begin at once, the second
//! looks again.
//!
//! Where the template is in another project by the time that a version of it is registered, the pledge goes there
//! first, with the leave of that project.

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

/// Leave to begin at the expense of a project, as long as the project is as it was.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    /// The project, whose sums are kept.
    pub(crate) project: Stored<Project>,
    /// At most what it adds a month, in USD.
    pub(crate) usd_per_month: f64,
    /// The mark before it was decided that there is room; `None` where there is room for all.
    pub(crate) mark: Option<Mark>,
}

impl Admission {
    /// The writes by which a save makes use of it.
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
    /// Rids a save of its pledge, if it still has one: what it has made is counted by itself from now on, or
    /// there is nothing. Of two that do so at once, one is too late, and looks again.
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

    /// Has another project pay for a save or a copy that is under way, with its leave: the pledge goes there, in one
    /// transaction. Answers whether that is done, or not wanted any more because what it was for has ended;
    /// otherwise somebody else was quicker.
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

    /// What is pledged to a project, counted pledge by pledge.
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

    /// A save or a copy that is under way at the expense of a project, if there is one.
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
