//! Budgets of projects.

use super::{ProjectView, as_expected, found, view};
use crate::domain::audit::Subject;
use crate::domain::budget::{Budget, BudgetRequest};
use crate::domain::project::Project;
use crate::domain::{Problem, ProjectName};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, IfMatch, Json, NoContent};
use crate::operations::{Asked, Expected, Service};
use crate::registry::Stored;
use crate::rules::access::{Action, Caller, project_not_found};
use crate::rules::budget::tell_budget;

operation! {
    /// Sets the monthly budget of a project
    SetBudget by set_budget: Put "/v1/projects/{name}/budget" of "projects",
    path: ProjectName, head: IfMatch, body: Json<BudgetRequest>,
    output: Found<ProjectView>,
}

async fn set_budget(
    service: &Service,
    caller: &Caller,
    asked: Asked<SetBudget>,
) -> Answered<SetBudget> {
    let (Json(request), expected) = (&asked.body, asked.head.0.as_ref());
    let set = service.set_budget(caller, &asked.path, Some(request), expected);
    set.await.map(found)
}

operation! {
    /// Removes the budget of a project
    LiftBudget by lift_budget: Delete "/v1/projects/{name}/budget" of "projects",
    path: ProjectName, head: IfMatch,
    output: NoContent,
}

async fn lift_budget(
    service: &Service,
    caller: &Caller,
    asked: Asked<LiftBudget>,
) -> Answered<LiftBudget> {
    let lifted = service.set_budget(caller, &asked.path, None, asked.head.0.as_ref());
    lifted.await.map(|_| NoContent)
}

impl Service {
    /// Sets or removes the budget of a project. Fails if the project does not match `expected`.
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
        // The current costs may already exceed a threshold.
        tell_budget(&self.env, name, None).await?;
        let stored = registry.project(name).await?;
        Ok(view(stored.ok_or_else(|| project_not_found(name))?, role))
    }
}
