//! Budgets of projects.

use super::{ProjectView, as_expected, found, of_project};
use crate::domain::audit::AuditAction;
use crate::domain::budget::{Budget, BudgetRequest};
use crate::domain::project::Project;
use crate::domain::{Problem, ProjectName};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, IfMatch, Json, NoContent};
use crate::operations::{Asked, Service};
use crate::registry::Stored;
use crate::rules::access::{Action, Caller, project_not_found};
use crate::rules::budget::tell_budget;

operation! {
    /// Sets the monthly budget of a project
    SetBudget by set_budget: Put "/v1/projects/{name}/budget" of "projects",
    path: ProjectName, head: IfMatch, body: Json<BudgetRequest>,
    output: Found<ProjectView>,
    rights: [SetBudget Project, SeeCosts Project],
}

async fn set_budget(
    service: &Service,
    caller: &Caller,
    asked: Asked<SetBudget>,
) -> Answered<SetBudget> {
    let Json(request) = &asked.body;
    request.check()?;
    change_budget(service, caller, &asked.path, Some(request), &asked.head).await
}

operation! {
    /// Removes the budget of a project
    LiftBudget by lift_budget: Delete "/v1/projects/{name}/budget" of "projects",
    path: ProjectName, head: IfMatch,
    output: NoContent,
    rights: [SetBudget Project, SeeCosts Project],
}

async fn lift_budget(
    service: &Service,
    caller: &Caller,
    asked: Asked<LiftBudget>,
) -> Answered<LiftBudget> {
    let lifted = change_budget(service, caller, &asked.path, None, &asked.head);
    lifted.await.map(|_| NoContent)
}

async fn change_budget(
    service: &Service,
    caller: &Caller,
    name: &ProjectName,
    request: Option<&BudgetRequest>,
    expected: &IfMatch,
) -> Result<Found<ProjectView>, Problem> {
    let action = Action::SetBudget;
    let (_, role) = service.project_for(caller, name, action).await?;
    let now = service.env.clock.now();
    let event =
        of_project(service, caller, AuditAction::ProjectBudget, name).with("budget", request);
    let change = |stored: &Stored<Project>, project: &mut Project| {
        as_expected(stored, expected.0.as_ref())?;
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
    let registry = &service.env.registry;
    registry.change_project(name, Some(&event), change).await?;
    // The current costs may already exceed a threshold.
    tell_budget(&service.env, name, None).await?;
    let stored = registry.project(name).await?;
    Ok(found(stored.ok_or_else(|| project_not_found(name))?, role))
}
