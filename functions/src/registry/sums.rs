//! The costs of templates and projects, as stored sums, so that they can be read without reading all versions.
//!
//! A project's sums, the costs of its versions and the amount pledged to it, are stored in one item, so that one read
//! returns both for the same point in time. A template's sum is stored beside its record. Each sum is changed in the
//! same transaction as the values it consists of.
//!
//! Records that were written before sums were introduced have no sum. A caller that needs one counts everything once
//! and writes the sum on condition that there still is none. A caller that changes the values makes sure beforehand
//! that the sum exists, so that nothing can change between the count and that write.

use std::collections::BTreeMap;

use super::items::sums::{
    Committed, Mark, added, kept, none_kept, same_costs, set, set_costs, sums_key,
};
use super::items::template::template_key;
use super::{Registry, Stored, TRIES, problem};
use crate::domain::template::{Template, TemplateState, Version};
use crate::domain::{Code, MicroUsd, Problem, ProjectName, TemplateName};
use crate::ports::{Condition, TableError, Write};

/// The writes of one transaction, with the changes to the costs of one template's versions and to the pledges.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    writes: Vec<Write>,
    costs: MicroUsd,
    redeemed: Option<(ProjectName, MicroUsd)>,
}

impl From<Vec<Write>> for Batch {
    fn from(writes: Vec<Write>) -> Self {
        Self {
            writes,
            ..Self::default()
        }
    }
}

impl Extend<Write> for Batch {
    fn extend<I: IntoIterator<Item = Write>>(&mut self, writes: I) {
        self.writes.extend(writes);
    }
}

impl Batch {
    pub(super) fn of_version(
        writes: Vec<Write>,
        before: Option<&Version>,
        after: &Version,
    ) -> Self {
        Self {
            writes,
            costs: costs_of(after) - before.map(costs_of).unwrap_or_default(),
            redeemed: None,
        }
    }

    pub(crate) fn push(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// Adds the contents of another batch for versions of the same template.
    pub(crate) fn join(&mut self, other: Batch) {
        self.writes.extend(other.writes);
        self.costs += other.costs;
        self.redeemed = self.redeemed.take().or(other.redeemed);
    }

    /// Adds the write that removes a pledge, and the amount of the pledge.
    pub(super) fn redeem(&mut self, project: &ProjectName, amount: MicroUsd, gone: Write) {
        self.writes.push(gone);
        self.redeemed = Some((project.clone(), amount));
    }

    /// The template with the costs of this batch, which contains all of its versions.
    pub(super) fn of_template(&self, template: &Template) -> Template {
        Template {
            costs: Some(self.costs),
            ..template.clone()
        }
    }

    /// The writes for a template that is deleted, so that its costs no longer count.
    pub(super) fn of_nobody(self) -> Vec<Write> {
        self.writes
    }

    /// The writes of a batch that must not change costs or pledges.
    pub(super) fn without_sums(self) -> Result<Vec<Write>, Problem> {
        if self.costs == MicroUsd::ZERO && self.redeemed.is_none() {
            return Ok(self.writes);
        }
        let message = "The costs of a version cannot change without its template.";
        Err(Problem::new(Code::Internal, message))
    }
}

#[derive(Debug, Default)]
struct Changes(BTreeMap<ProjectName, Committed>);

impl Changes {
    fn of(&mut self, project: Option<&ProjectName>, costs: MicroUsd, pledged: MicroUsd) {
        let Some(project) = project else { return };
        let none = Committed {
            costs: MicroUsd::ZERO,
            pledged: MicroUsd::ZERO,
        };
        let change = self.0.entry(project.clone()).or_insert(none);
        change.costs += costs;
        change.pledged += pledged;
    }
}

/// The maximum cost of a version per month. A deleted version costs nothing.
fn costs_of(version: &Version) -> MicroUsd {
    match version.state {
        TemplateState::Deleted => MicroUsd::ZERO,
        TemplateState::Active | TemplateState::Deprecated => {
            MicroUsd::of_usd(version.usd_per_month)
        }
    }
}

/// The condition that a template is unchanged since it was read. It includes the stored costs if the write of `after`
/// depends on them.
pub(super) fn template_as_read(before: &Stored<Template>, after: &Template) -> Condition {
    let (was, unchanged) = (&before.value, before.unchanged());
    if was.project == after.project && was.costs == after.costs {
        return unchanged;
    }
    Condition::All(vec![unchanged, same_costs(was)])
}

impl Registry {
    /// Returns the costs of a project and the amount pledged to it, with the mark at the same time. Stores the sums if
    /// they are missing.
    pub(crate) async fn sums(&self, project: &ProjectName) -> Result<(Mark, Committed), Problem> {
        let key = sums_key(project);
        for _ in 0..TRIES {
            let item = self.table.get(&key).await.map_err(problem)?;
            if let Some(kept) = item.as_ref().and_then(kept) {
                return Ok((Mark::of(item.as_ref()), kept));
            }
            let counted = self.count(project).await?;
            self.commit(&[set(project, counted, none_kept())]).await?;
        }
        Err(problem(TableError::Conflict))
    }

    pub(crate) async fn committed(&self, project: &ProjectName) -> Result<Committed, Problem> {
        Ok(self.sums(project).await?.1)
    }

    /// Returns the mark of a project. It must be read before the decision that depends on it.
    pub(crate) async fn pledge_mark(&self, project: &ProjectName) -> Result<Mark, Problem> {
        let item = self.table.get(&sums_key(project)).await.map_err(problem)?;
        Ok(Mark::of(item.as_ref()))
    }

    pub(super) async fn count(&self, project: &ProjectName) -> Result<Committed, Problem> {
        Ok(Committed {
            costs: self.count_project(project).await?,
            pledged: self.count_pledged(project).await?,
        })
    }

    pub(super) async fn count_template(&self, name: &TemplateName) -> Result<MicroUsd, Problem> {
        let versions = self.all_versions(name).await?;
        Ok(versions.iter().map(costs_of).sum())
    }

    pub(crate) async fn template_costs(&self, template: &Template) -> Result<MicroUsd, Problem> {
        match template.costs {
            Some(costs) => Ok(costs),
            None => self.count_template(&template.name).await,
        }
    }

    /// The writes of a batch that changes a template to `after`, including those for the affected sums. Sets the new
    /// costs in `after`.
    pub(super) async fn with_sums(
        &self,
        before: Option<&Template>,
        after: &mut Template,
        batch: Batch,
    ) -> Result<Vec<Write>, Problem> {
        after.costs = before.and_then(|before| before.costs);
        let from = before.and_then(|before| before.project.as_ref());
        let deleted = after.state == TemplateState::Deleted;
        let mut changes = Changes::default();
        if batch.costs != MicroUsd::ZERO
            || before.is_none()
            || deleted
            || from != after.project.as_ref()
        {
            let held = match before {
                Some(before) => self.template_costs(before).await?,
                None => MicroUsd::ZERO,
            };
            let costs = if deleted {
                MicroUsd::ZERO
            } else {
                held + batch.costs
            };
            after.costs = Some(costs);
            changes.of(from, -held, MicroUsd::ZERO);
            changes.of(after.project.as_ref(), costs, MicroUsd::ZERO);
        }
        self.summed(batch, changes).await
    }

    /// The writes of a batch that changes only the costs of a template, including those for the affected sums. The
    /// last write checks that the template is unchanged since it was read.
    pub(super) async fn beside_template(
        &self,
        template: &Stored<Template>,
        batch: Batch,
    ) -> Result<Vec<Write>, Problem> {
        let (key, it) = (template_key(&template.value.name), &template.value);
        let costs = self.template_costs(it).await? + batch.costs;
        let as_read = vec![template.unchanged(), same_costs(it)];
        let told = Write::Update(key, vec![set_costs(costs)], Condition::All(as_read));
        let mut changes = Changes::default();
        changes.of(it.project.as_ref(), batch.costs, MicroUsd::ZERO);
        let mut writes = self.summed(batch, changes).await?;
        writes.push(told);
        Ok(writes)
    }

    /// The writes of a batch that concerns no template, including those for the affected sums.
    pub(super) async fn with_pledges(&self, batch: Batch) -> Result<Vec<Write>, Problem> {
        self.summed(batch, Changes::default()).await
    }

    async fn summed(&self, batch: Batch, mut changes: Changes) -> Result<Vec<Write>, Problem> {
        let mut writes = batch.writes;
        if let Some((project, amount)) = batch.redeemed {
            changes.of(Some(&project), MicroUsd::ZERO, -amount);
        }
        for (project, change) in changes.0 {
            if let Some(write) = added(&project, change) {
                // Makes sure that the sum exists. It is never removed.
                self.sums(&project).await?;
                writes.push(write);
            }
        }
        Ok(writes)
    }
}
