//! The budget of a project: what it may cost, and what happens when the limit is reached.
//!
//! A budget counts the monthly cost of all versions of the project's templates in all of their Regions, by the full
//! size of their snapshots. This is the same upper bound that each version records. Instances are not counted, because
//! it is not known when they end.

use std::collections::BTreeSet;

use super::Env;
use super::access::{Action, Caller, project_not_found};
use crate::domain::budget::Budget;
use crate::domain::project::Project;
use crate::domain::{Code, Problem, ProjectName, SaveId, TemplateName};
use crate::ports::Notice;
use crate::registry::{Admission, Committed, Stored};

/// Admits a save or a copy that a project pays for, which adds at most `usd_per_month` to its costs. Refuses it if the
/// caller may not charge the project, or if the budget does not cover it in addition to everything under way. The
/// admission is valid until another save or copy begins against the same budget.
pub(crate) async fn admit(
    env: &Env,
    caller: &Caller,
    name: &ProjectName,
    usd_per_month: f64,
) -> Result<Admission, Problem> {
    let project = contribute(env, caller, name).await?;
    let stops = |budget: &&Budget| budget.hard_stop;
    let (mark, committed) = env.registry.sums(name).await?;
    let mark = match project.value.budget.as_ref().filter(stops) {
        None => None,
        Some(budget) => {
            if budget.refuses(committed.in_all() + usd_per_month) {
                let message = format!(
                    "The project {name} {}; this would add up to {usd_per_month:.2}, and its budget is {:.2}.",
                    costs(&committed),
                    budget.limit_usd
                );
                return Err(Problem::new(Code::BudgetExceeded, message));
            }
            Some(mark)
        }
    };
    Ok(Admission {
        project,
        usd_per_month,
        mark,
    })
}

fn costs(committed: &Committed) -> String {
    let (usd, pledged) = (committed.costs.usd(), committed.pledged.usd());
    if pledged > 0.0 {
        format!("costs {usd:.2} USD a month, and saves in progress add up to {pledged:.2}")
    } else {
        format!("costs {usd:.2} USD a month")
    }
}

/// Checks that the caller may launch for a project. Refuses the launch if the project requires approved templates and
/// this one is not approved, or if the project's budget is used up.
pub(crate) async fn check_launch(
    env: &Env,
    caller: &Caller,
    name: &ProjectName,
    template: &TemplateName,
) -> Result<(), Problem> {
    let project = contribute(env, caller, name).await?;
    let registry = &env.registry;
    if project.value.approved_only && registry.approval(name, template).await?.is_none() {
        let message = format!("The project {name} has not approved the template {template}.");
        let hint = format!(
            "Launch an approved template (prism project templates {name}), or ask an admin: prism project approve {name} {template}"
        );
        return Err(Problem::new(Code::TemplateNotApproved, message).hint(hint));
    }
    let stops = |budget: &Budget| budget.hard_stop;
    let Some(budget) = project.value.budget.filter(stops) else {
        return Ok(());
    };
    let committed = registry.committed(name).await?;
    if committed.in_all() < budget.limit_usd {
        return Ok(());
    }
    let message = format!(
        "The project {name} {}, and its budget of {:.2} is used up.",
        costs(&committed),
        budget.limit_usd
    );
    Err(Problem::new(Code::BudgetExceeded, message))
}

async fn contribute(
    env: &Env,
    caller: &Caller,
    name: &ProjectName,
) -> Result<Stored<Project>, Problem> {
    let registry = &env.registry;
    caller
        .check_project(registry, Action::Contribute, name)
        .await?;
    let stored = registry.project(name).await?;
    stored.ok_or_else(|| project_not_found(name))
}

/// Updates a project's budget after its costs have decreased: a threshold that the costs have fallen below is reported
/// again when they next cross it. The change that reduced the costs is kept even if this update fails; a failure is
/// only logged.
pub(crate) async fn costs_less(env: &Env, name: &ProjectName) {
    if let Err(problem) = forget_told(env, name).await {
        tracing::warn!(project = %name, code = %problem.code, problem = problem.chain(), "the project's budget was not checked");
    }
}

async fn forget_told(env: &Env, name: &ProjectName) -> Result<(), Problem> {
    let registry = &env.registry;
    let has_told = |project: &Project| {
        let budget = project.budget.as_ref();
        budget.is_some_and(|it| !it.told.is_empty())
    };
    match registry.project(name).await? {
        Some(stored) if has_told(&stored.value) => {}
        _ => return Ok(()),
    }
    let costs = registry.committed(name).await?.costs.usd();
    let change = |_: &_, project: &mut Project| {
        if let Some(budget) = &mut project.budget {
            budget.fall(costs);
        }
        Ok(())
    };
    registry.change_project(name, None, change).await.map(drop)
}

/// Sends a notice for each threshold that a project's costs have crossed since the last check. The thresholds are
/// recorded as reported first, so that no notice is sent twice.
pub(crate) async fn tell_budget(
    env: &Env,
    name: &ProjectName,
    save_id: Option<&SaveId>,
) -> Result<(), Problem> {
    let registry = &env.registry;
    let has_alerts = |project: &Project| {
        let budget = project.budget.as_ref();
        budget.is_some_and(|it| !it.alerts.is_empty())
    };
    match registry.project(name).await? {
        Some(stored) if has_alerts(&stored.value) => {}
        _ => return Ok(()),
    }
    let costs = registry.committed(name).await?.costs.usd();
    let mut crossed = BTreeSet::new();
    let change = |_: &_, project: &mut Project| {
        crossed = match &mut project.budget {
            Some(budget) => budget.cross(costs),
            None => BTreeSet::new(),
        };
        Ok(())
    };
    let project = registry.change_project(name, None, change).await?;
    let Some(budget) = &project.value.budget else {
        return Ok(());
    };
    for percent in crossed {
        let notice = Notice {
            at: env.clock.now(),
            save_id: save_id.cloned(),
            project: Some(name.clone()),
            event: "budget.crossed".to_owned(),
            alarm: false,
            text: format!(
                "The project {name} costs {costs:.2} USD a month: {percent} % of its budget of {:.2} is used up.",
                budget.limit_usd
            ),
        };
        env.tell(&notice).await;
    }
    Ok(())
}
