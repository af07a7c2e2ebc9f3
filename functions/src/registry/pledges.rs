//! What projects are about to pay. A save or a copy pledges its costs to the project that pays for it, in
//! the transaction in which it begins, and is rid of the pledge in the one in which its version is
//! registered, or in which it ends without one. So a pledge never outlasts its save, and what a project
//! costs and what is pledged to it are together what it will cost at most.
//!
//! Each pledge counts up the project's mark. Whoever read the mark before deciding that there is room
//! for one more begins only while it is the same: of two saves that begin at once, the second
//! looks again.

use serde::{Deserialize, Serialize};

use super::projects::project_key;
use super::records::{Stored, encode};
use super::{Registry, TRIES, problem};
use crate::domain::project::Project;
use crate::domain::save::SaveRecord;
use crate::domain::{Problem, ProjectName, SaveId};
use crate::ports::table_rules::QUERY_LIMIT;
use crate::ports::{Change, Condition, Index, Key, Query, SortKeys, Write};

/// The attribute in which a project's pledges are counted.
const COUNT: &str = "pledged";

/// What a save or a copy that is under way will cost its project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pledge {
    /// Whose it is.
    save_id: SaveId,
    /// At most so much a month, in USD.
    usd_per_month: f64,
}

/// What a project costs, and what will be added to that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Committed {
    /// At most what its versions cost a month, in USD.
    pub(crate) usd_per_month: f64,
    /// At most what the saves and copies that are under way add to it.
    pub(crate) pledged_usd: f64,
}

impl Committed {
    /// Both.
    pub(crate) fn in_all(&self) -> f64 {
        self.usd_per_month + self.pledged_usd
    }
}

/// How many pledges a project has had when somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

/// Leave to begin at the expense of a project, as long as the project is as it was.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    /// The project.
    pub(crate) project: Stored<Project>,
    /// At most what it adds a month, in USD.
    pub(crate) usd_per_month: f64,
    /// The mark before it was decided that there is room; `None` where there is room for all.
    pub(crate) mark: Option<Mark>,
}

fn mark_key(project: &ProjectName) -> Key {
    Key::new(format!("PROJECT#{project}"), "PLEDGES")
}

fn pledge_key(project: &ProjectName, save: &SaveId) -> Key {
    Key::new(format!("PROJECT#{project}"), format!("PLEDGE#{save}"))
}

impl Mark {
    fn unchanged(self) -> Condition {
        match self.0 {
            0 => Condition::AttributeAbsent(COUNT.to_owned()),
            count => Condition::Equals(COUNT.to_owned(), count.into()),
        }
    }

    /// The check that nothing has been pledged to the project since.
    pub(super) fn check(self, project: &ProjectName) -> Write {
        Write::Check(mark_key(project), self.unchanged())
    }
}

impl Admission {
    /// The writes by which a save makes use of it.
    pub(super) fn writes(&self, save: &SaveId) -> Result<[Write; 3], Problem> {
        let name = &self.project.value.name;
        let pledge = Pledge {
            save_id: save.clone(),
            usd_per_month: self.usd_per_month,
        };
        let item = encode(pledge_key(name, save), &pledge, 1, [])?;
        let mark = self.mark.map_or(Condition::Always, Mark::unchanged);
        let one_more = vec![Change::Add(COUNT.to_owned(), 1)];
        Ok([
            Write::Put(item, Condition::Always),
            Write::Update(mark_key(name), one_more, mark),
            Write::Check(project_key(name), self.project.unchanged()),
        ])
    }
}

/// The write that rids a save of its pledge: what it has made is counted by itself from now on, or there
/// is nothing.
pub(super) fn redeemed(record: &SaveRecord) -> Option<Write> {
    let project = match &record.plan {
        Some(plan) => plan.paid_by.as_ref(),
        None => record.request.project.as_ref(),
    };
    let key = pledge_key(project?, &record.save_id);
    Some(Write::Delete(key, Condition::Always))
}

impl Registry {
    /// The mark of a project. It is read before what is decided by it.
    pub(crate) async fn pledge_mark(&self, project: &ProjectName) -> Result<Mark, Problem> {
        let item = self.table.get(&mark_key(project)).await.map_err(problem)?;
        let count = item.and_then(|item| item.attributes.get(COUNT)?.as_u64());
        Ok(Mark(count.unwrap_or(0)))
    }

    /// What a project costs and what is pledged to it, as both stood at one moment.
    pub(crate) async fn committed(&self, project: &ProjectName) -> Result<Committed, Problem> {
        let mut pledges = self.pledges(project).await?;
        let mut tries = 0;
        loop {
            let usd_per_month = self.project_usd(project).await?;
            let each = pledges.iter().map(|pledge| pledge.usd_per_month);
            let committed = Committed {
                usd_per_month,
                pledged_usd: each.sum(),
            };
            if pledges.is_empty() {
                return Ok(committed);
            }
            // One that was redeemed meanwhile may be among the versions already.
            let now = self.pledges(project).await?;
            tries += 1;
            // Where they change all the time, some count twice rather than not at all.
            if pledges.iter().all(|pledge| now.contains(pledge)) || tries == TRIES {
                return Ok(committed);
            }
            pledges = now;
        }
    }

    async fn pledges(&self, project: &ProjectName) -> Result<Vec<Pledge>, Problem> {
        let (mut pledges, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.pledge_page(project, QUERY_LIMIT, cursor).await?;
            pledges.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(pledges);
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
    ) -> Result<super::Listed<Pledge>, Problem> {
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
