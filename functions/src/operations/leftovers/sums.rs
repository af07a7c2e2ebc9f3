//! Sums of costs that differ from the costs of the versions, and sums of what instances use that differ from their
//! meters. Because of a wrong sum, a budget would refuse too much or too little.

use std::collections::{BTreeMap, BTreeSet};

use super::used::Used;
use super::{Left, Leftover, left};
use crate::domain::meter::Meter;
use crate::domain::month::Month;
use crate::domain::save::SaveRecord;
use crate::domain::{InstanceId, Problem, ProjectName, Region, TemplateName};
use crate::operations::Service;
use crate::operations::metering::project_of;
use crate::registry::{Committed, Payer};

impl Service {
    /// Finds the wrong sums of the templates that were read, of their projects, of those that pay for a save in progress,
    /// and of those that have instances. Each sum is checked twice: if it is wrong in the same way both times, it is not
    /// just being changed.
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
        let meters = self.open_meters().await?;
        projects.extend(meters.values().filter_map(project_of));
        for project in &projects {
            found.extend(self.wrong_project(project).await?);
            let open = open_of(&meters, project);
            found.extend(self.wrong_compute(project, &open).await?);
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

    /// Finds the wrong sums of the current month, whose instances are known by their own sums and by their open meters.
    async fn wrong_compute(
        &self,
        project: &ProjectName,
        open: &BTreeSet<(Region, InstanceId)>,
    ) -> Result<Option<Leftover>, Problem> {
        let (registry, month) = (&self.env.registry, Month::of(self.env.clock.now()));
        let payer = Payer::Project(project.clone());
        let wrong = registry.wrong_tallies(&payer, month, open).await?;
        if wrong.is_empty() || registry.wrong_tallies(&payer, month, open).await? != wrong {
            return Ok(None);
        }
        let count = wrong.len();
        let why = format!("sums of {month} that differ from the meters of the instances: {count}");
        let project = project.clone();
        let what = Left::ComputeSum { project };
        Ok(Some(left(what, None, why)))
    }
}

/// The instances that are charged to a project at present.
pub(super) fn open_of(
    meters: &BTreeMap<(Region, InstanceId), Meter>,
    project: &ProjectName,
) -> BTreeSet<(Region, InstanceId)> {
    let own = meters
        .iter()
        .filter(|(_, meter)| project_of(meter).as_ref() == Some(project));
    own.map(|(place, _)| place.clone()).collect()
}

fn told(sums: &Committed) -> String {
    let (costs, pledged) = (sums.costs.usd(), sums.pledged.usd());
    format!("${costs:.2} a month and ${pledged:.2} pledged")
}
