//! Sets what a project may cost.

use crate::rules::budget::tell_budget;

use super::{ProjectView, as_expected, view};
use crate::domain::audit::Subject;
use crate::domain::budget::{Budget, BudgetRequest};
use crate::domain::project::Project;
use crate::domain::{Problem, ProjectName};
use crate::operations::{Expected, Service};
use crate::registry::Stored;
use crate::rules::access::{Action, Caller, project_not_found};

impl Service {
    /// Sets what a project may cost, or lifts that. Only as the project is expected to stand.
    pub async fn set_budget(
        &self,
        caller: &Caller,
        name: &ProjectName,
        request: Option<&BudgetRequest>,
        expected: Option<&Expected>,
    ) -> Result<ProjectView, Problem> {
        if let Some(request) = request {
            request.check()?;
        }
        let (_, role) = self.project_for(caller, name, Action::SetBudget).await?;
        let now = self.env.clock.now();
        let event = self
            .event(caller, "project.budget", Subject::Project(name.clone()))
            .of_project(Some(name))
            .with("budget", request);
        let change = |stored: &Stored<Project>, project: &mut Project| {
            as_expected(stored, expected)?;
            let before = project.budget.as_ref();
            let same = match (before, request) {
                (None, None) => true,
                (Some(before), Some(request)) => before.is(request),
                _ => false,
            };
            if !same {
                let after = request.map(|it| Budget::of(it.clone(), before, now));
                project.budget = after;
                project.updated_at = now;
            }
            Ok(())
        };
        let registry = &self.env.registry;
        registry.change_project(name, Some(&event), change).await?;
        // A threshold may be crossed already.
        tell_budget(&self.env, name, None).await?;
        let stored = registry.project(name).await?;
        Ok(view(stored.ok_or_else(|| project_not_found(name))?, role))
    }
}
