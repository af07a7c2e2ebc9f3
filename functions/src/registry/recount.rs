//! Sums that say otherwise than what they are of: found by counting the whole, and set right.
//!
//! No operation leaves one behind. Somebody who writes to the table by hand does, or a table that was put back to an
//! earlier moment in part; from then on a budget would refuse too much, or too little.

use super::items::sums::{Committed, kept, same_costs, same_sums, set, set_costs, sums_key};
use super::items::template::template_key;
use super::{Registry, Stored, TRIES, problem};
use crate::domain::template::{Template, TemplateState};
use crate::domain::{MicroUsd, Problem, ProjectName, TemplateName};
use crate::ports::{Condition, Item, TableError, Write};

/// A sum that says otherwise than what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongSum<T> {
    /// What is kept.
    pub kept: T,
    /// What was counted.
    pub counted: T,
}

impl<T: PartialEq> WrongSum<T> {
    fn of(kept: T, counted: T) -> Option<Self> {
        (kept != counted).then_some(Self { kept, counted })
    }
}

impl Registry {
    /// What is wrong with the sums of a project, where they are kept. What changes meanwhile may seem so.
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

    /// Sets the sums of a project as they are counted, and counts again until both agree. Answers whether they
    /// were wrong.
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

    /// What is wrong with the sum of a template, where it is kept. What changes meanwhile may seem so.
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
            // It costs nothing as soon as it is said to be deleted, whatever is still there of it.
            TemplateState::Deleted => MicroUsd::ZERO,
            TemplateState::Active | TemplateState::Deprecated => self.count_template(name).await?,
        };
        Ok(WrongSum::of(kept, counted).map(|wrong| (stored, wrong)))
    }

    /// Sets the sum of a template as it is counted, and counts again until both agree. Answers whether it was
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
