//! Sums of costs that differ from the costs of the versions. Because of a wrong sum, a budget would refuse too much or
//! too little.

use std::collections::BTreeSet;

use super::used::Used;
use super::{Left, Leftover, left};
use crate::domain::save::SaveRecord;
use crate::domain::{Problem, ProjectName, TemplateName};
use crate::operations::Service;
use crate::registry::Committed;

impl Service {
    /// Finds the wrong sums of the templates that were read, of their projects, and of those that pay for a save in
    /// progress. Each sum is checked twice: if it is wrong in the same way both times, it is not just being changed.
    pub(super) async fn left_sums(
        &self,
        used: &Used,
        open: &[SaveRecord],
        found: &mut Vec<Leftover>,
    ) -> Result<(), Problem> {
        let payers = open
            .iter()
            .filter_map(|record| record.plan.as_ref()?.paid_by.clone());
        let asked = open
            .iter()
            .filter_map(|record| record.request.project.clone());
        let mut projects: BTreeSet<ProjectName> = payers.chain(asked).collect();
        for template in &used.templates {
            let stored = self.env.registry.template(template).await?;
            projects.extend(stored.and_then(|stored| stored.value.project));
            found.extend(self.wrong_template(template).await?);
        }
        for project in &projects {
            found.extend(self.wrong_project(project).await?);
        }
        Ok(())
    }

    async fn wrong_template(&self, name: &TemplateName) -> Result<Option<Leftover>, Problem> {
        let registry = &self.env.registry;
        let first = registry.wrong_costs(name).await?;
        let Some(wrong) = first else { return Ok(None) };
        if registry.wrong_costs(name).await? != Some(wrong) {
            return Ok(None);
        }
        let what = Left::TemplateSum {
            template: name.clone(),
        };
        let (kept, counted) = (wrong.kept.usd(), wrong.counted.usd());
        let why =
            format!("the stored sum is ${kept:.2} a month, but its versions cost ${counted:.2}");
        Ok(Some(left(what, None, why)))
    }

    async fn wrong_project(&self, name: &ProjectName) -> Result<Option<Leftover>, Problem> {
        let registry = &self.env.registry;
        let first = registry.wrong_sums(name).await?;
        let Some(wrong) = first else { return Ok(None) };
        if registry.wrong_sums(name).await? != Some(wrong) {
            return Ok(None);
        }
        let what = Left::ProjectSum {
            project: name.clone(),
        };
        let (kept, counted) = (told(&wrong.kept), told(&wrong.counted));
        let why = format!("the stored sum is {kept}, but the calculated sum is {counted}");
        Ok(Some(left(what, None, why)))
    }
}

fn told(sums: &Committed) -> String {
    let (costs, pledged) = (sums.costs.usd(), sums.pledged.usd());
    format!("${costs:.2} a month and ${pledged:.2} pledged")
}
