//! What templates and projects cost, as sums that are kept: nobody reads all versions to know it.
//!
//! A project's sums, of what its versions cost and of what is pledged to it, lie in one item, so that one read
//! tells both as they stood at one moment. A template's sum lies beside its record. Each is changed in the very
//! transaction that changes what it is of, by what that changes.
//!
//! What was written before sums were kept has none. Whoever needs one counts the whole first, once, and writes
//! the sum on condition that there still is none. Whoever changes what it is of sees to a sum before, so
//! that nothing can have changed between the count and that write.

use std::collections::BTreeMap;

use super::items::sums::{
    Committed, Mark, added, kept, none_kept, same_costs, set, set_costs, sums_key,
};
use super::items::template::template_key;
use super::{Registry, Stored, TRIES, problem};
use crate::domain::template::{Template, TemplateState, Version};
use crate::domain::{Code, MicroUsd, Problem, ProjectName, TemplateName};
use crate::ports::{Condition, TableError, Write};

/// Writes of one transaction, and by how much they change what the versions of one template cost, and
/// what is pledged.
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
    /// The writes that change a version, or make one, with what that changes.
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

    /// One more write.
    pub(crate) fn push(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// Takes all of another, of versions of the same template.
    pub(crate) fn join(&mut self, other: Batch) {
        self.writes.extend(other.writes);
        self.costs += other.costs;
        self.redeemed = self.redeemed.take().or(other.redeemed);
    }

    /// The write by which a pledge is gone, and what was pledged.
    pub(super) fn redeem(&mut self, project: &ProjectName, amount: MicroUsd, gone: Write) {
        self.writes.push(gone);
        self.redeemed = Some((project.clone(), amount));
    }

    /// A template that has the versions of this batch, and no others.
    pub(super) fn of_template(&self, template: &Template) -> Template {
        Template {
            costs: Some(self.costs),
            ..template.clone()
        }
    }

    /// The writes of what belongs to a template that is deleted, whose costs nobody has any more.
    pub(super) fn of_nobody(self) -> Vec<Write> {
        self.writes
    }

    /// The writes of what changes no costs, and nothing that is pledged.
    pub(super) fn without_sums(self) -> Result<Vec<Write>, Problem> {
        if self.costs == MicroUsd::ZERO && self.redeemed.is_none() {
            return Ok(self.writes);
        }
        let message = "A version's costs were to change without its template.";
        Err(Problem::new(Code::Internal, message))
    }
}

/// By how much the sums of projects change.
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

/// At most what a version costs a month. One that is deleted costs nothing.
fn costs_of(version: &Version) -> MicroUsd {
    match version.state {
        TemplateState::Deleted => MicroUsd::ZERO,
        TemplateState::Active | TemplateState::Deprecated => {
            MicroUsd::of_usd(version.usd_per_month)
        }
    }
}

/// That a template is as it was read, for a write after which it is like `after`: with its sum where that counts.
pub(super) fn template_as_read(before: &Stored<Template>, after: &Template) -> Condition {
    let (was, unchanged) = (&before.value, before.unchanged());
    if was.project == after.project && was.costs == after.costs {
        return unchanged;
    }
    Condition::All(vec![unchanged, same_costs(was)])
}

impl Registry {
    /// What a project costs and what is pledged to it, with the mark of that moment. There is a sum from
    /// then on.
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

    /// What a project costs and what is pledged to it.
    pub(crate) async fn committed(&self, project: &ProjectName) -> Result<Committed, Problem> {
        Ok(self.sums(project).await?.1)
    }

    /// The mark of a project. It is read before what is decided by it.
    pub(crate) async fn pledge_mark(&self, project: &ProjectName) -> Result<Mark, Problem> {
        let item = self.table.get(&sums_key(project)).await.map_err(problem)?;
        Ok(Mark::of(item.as_ref()))
    }

    /// The same, counted: version by version, and pledge by pledge.
    pub(super) async fn count(&self, project: &ProjectName) -> Result<Committed, Problem> {
        Ok(Committed {
            costs: self.count_project(project).await?,
            pledged: self.count_pledged(project).await?,
        })
    }

    /// What the versions of a template cost, counted.
    pub(super) async fn count_template(&self, name: &TemplateName) -> Result<MicroUsd, Problem> {
        let versions = self.all_versions(name).await?;
        Ok(versions.iter().map(costs_of).sum())
    }

    /// What the versions of a template cost.
    pub(crate) async fn template_costs(&self, template: &Template) -> Result<MicroUsd, Problem> {
        match template.costs {
            Some(costs) => Ok(costs),
            None => self.count_template(&template.name).await,
        }
    }

    /// The writes of a batch that makes a template be like `after`, with those of the sums that it changes;
    /// `after` is told what it costs from then on.
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

    /// The writes of a batch of a template that stays as it is but for what it costs, with those of the sums that
    /// it changes. The last of them holds the template to how it was read.
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

    /// The writes of a batch that is of no template, with those of the sums that it changes.
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
                // From here on there is a sum, which stays.
                self.sums(&project).await?;
                writes.push(write);
            }
        }
        Ok(writes)
    }
}
