//! Finds stored sums that are wrong by counting everything, and corrects them.
//!
//! No operation produces a wrong sum. Editing the table by hand can, or restoring a part of it to an earlier time;
//! from then on, a budget would refuse too much or too little.

use super::items::sums::{Committed, kept, same_costs, same_sums, set, set_costs, sums_key};
use super::items::template::template_key;
use super::{Registry, Stored, TRIES, problem};
use crate::domain::template::{Template, TemplateState};
use crate::domain::{MicroUsd, Problem, ProjectName, TemplateName};
use crate::ports::{Condition, Item, TableError, Write};

/// A stored sum that differs from the counted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongSum<T> {
    pub kept: T,
    pub counted: T,
}

impl<T: PartialEq> WrongSum<T> {
    fn of(kept: T, counted: T) -> Option<Self> {
        (kept != counted).then_some(Self { kept, counted })
    }
}

impl Registry {
    /// Returns the difference between the stored and the counted sums of a project, if there is one. Concurrent
    /// changes can appear as a difference.
    pub async fn wrong_sums(
        &self,
        project: &ProjectName,
    ) -> Result<Option<WrongSum<Committed>>, Problem> {
        let wrong = self.look_at_sums(project).await?;
        Ok(wrong.map(|(_, wrong)| wrong))
    }

    async fn look_at_sums(
        &self,
        project: &ProjectName,
    ) -> Result<Option<(Item, WrongSum<Committed>)>, Problem> {
        let key = sums_key(project);
        let Some(item) = self.table.get(&key).await.map_err(problem)? else {
            return Ok(None);
        };
        let Some(kept) = kept(&item) else {
            return Ok(None);
        };
        let wrong = WrongSum::of(kept, self.count(project).await?);
        Ok(wrong.map(|wrong| (item, wrong)))
    }

    /// Sets the sums of a project to the counted values, and repeats this until both agree. Returns whether they were
    /// wrong.
    pub(crate) async fn set_sums_right(&self, project: &ProjectName) -> Result<bool, Problem> {
        let mut were_wrong = false;
        for _ in 0..TRIES {
            let Some((item, wrong)) = self.look_at_sums(project).await? else {
                return Ok(were_wrong);
            };
            let write = set(project, wrong.counted, same_sums(&item));
            were_wrong |= self.commit(&[write]).await?;
        }
        Err(problem(TableError::Conflict))
    }

    /// Returns the difference between the stored and the counted costs of a template, if there is one. Concurrent
    /// changes can appear as a difference.
    pub async fn wrong_costs(
        &self,
        name: &TemplateName,
    ) -> Result<Option<WrongSum<MicroUsd>>, Problem> {
        let wrong = self.look_at_costs(name).await?;
        Ok(wrong.map(|(_, wrong)| wrong))
    }

    async fn look_at_costs(
        &self,
        name: &TemplateName,
    ) -> Result<Option<(Stored<Template>, WrongSum<MicroUsd>)>, Problem> {
        let Some(stored) = self.template(name).await? else {
            return Ok(None);
        };
        let Some(kept) = stored.value.costs else {
            return Ok(None);
        };
        let counted = match stored.value.state {
            // A template costs nothing once it is marked as deleted, even if some of it still exists.
            TemplateState::Deleted => MicroUsd::ZERO,
            TemplateState::Active | TemplateState::Deprecated => self.count_template(name).await?,
        };
        Ok(WrongSum::of(kept, counted).map(|wrong| (stored, wrong)))
    }

    /// Sets the costs of a template to the counted value, and repeats this until both agree. Returns whether they were
    /// wrong.
    pub(crate) async fn set_costs_right(&self, name: &TemplateName) -> Result<bool, Problem> {
        let mut was_wrong = false;
        for _ in 0..TRIES {
            let Some((stored, wrong)) = self.look_at_costs(name).await? else {
                return Ok(was_wrong);
            };
            let as_read = vec![stored.unchanged(), same_costs(&stored.value)];
            let right = vec![set_costs(wrong.counted)];
            let write = Write::Update(template_key(name), right, Condition::All(as_read));
            was_wrong |= self.commit(&[write]).await?;
        }
        Err(problem(TableError::Conflict))
    }
}
