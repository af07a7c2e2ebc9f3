//! The budget of a project: what it may cost, and what happens when the limit is reached.
//!
//! A budget counts the monthly cost of all versions of the project's templates in all of their Regions, by the full
//! size of their snapshots, which is the same upper bound that each version records, and what the project's instances
//! have cost in the current month. A hard stop refuses what would exceed the limit before it costs anything: saves and
//! copies by what they add a month, launches and starts by their next hour. Nothing that runs is stopped.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Env;
use super::access::{Action, Caller, project_not_found};
use super::compute::{self, Accrued};
use super::{ends, limits};
use crate::domain::budget::Budget;
use crate::domain::money::usd;
use crate::domain::project::Project;
use crate::domain::sizes;
use crate::domain::{
    Code, MicroUsd, NoticeEvent, Problem, ProjectName, SaveId, TemplateName, UserId,
};
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
    let (mark, committed) = env.registry.sums(name).await?;
    let mark = match hard_stop(&project.value) {
        None => None,
        Some(budget) => {
            let accrued = compute::accrued(env, name).await?;
            if budget.refuses(committed.in_all() + accrued.usd + usd_per_month) {
                let message = format!(
                    "The project {name} {}; this would add up to {} a month, and its budget is {}.",
                    costs(&committed, accrued),
                    usd(usd_per_month),
                    usd(budget.limit_usd)
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

/// Describes what counts against the budget.
fn costs(committed: &Committed, accrued: Accrued) -> String {
    let (saved, pledged) = (committed.costs.usd(), committed.pledged.usd());
    let mut text = format!("costs {} a month", usd(saved));
    if pledged > 0.0 {
        let _ = write!(text, ", saves in progress add up to {}", usd(pledged));
    }
    if accrued.usd > 0.0 || accrued.usd_per_hour > 0.0 {
        let _ = write!(
            text,
            ", and its instances have cost {} this month and cost ${:.4} an hour now",
            usd(accrued.usd),
            accrued.usd_per_hour
        );
    }
    text
}

/// Checks that the caller may launch for a project. Refuses the launch if the project requires approved templates and
/// this one is not approved. Returns the project, for its limits and its budget.
pub(crate) async fn check_launch(
    env: &Env,
    caller: &Caller,
    name: &ProjectName,
    template: &TemplateName,
) -> Result<Project, Problem> {
    let project = contribute(env, caller, name).await?;
    ends::check_open(&project.value, env.clock.now())?;
    let registry = &env.registry;
    if project.value.approved_only && registry.approval(name, template).await?.is_none() {
        let message = format!("The project {name} has not approved the template {template}.");
        let hint = format!(
            "Launch an approved template (prism project templates {name}), or ask an admin: prism project approve {name} {template}"
        );
        return Err(Problem::new(Code::TemplateNotApproved, message).hint(hint));
    }
    Ok(project.value)
}

/// Checks that another instance of a user may run for a project: the user has hours left, and the budget covers what the
/// instance adds to the next hour.
pub(crate) async fn check_used(
    env: &Env,
    project: &Project,
    owner: &UserId,
    usd_per_hour: Option<f64>,
) -> Result<(), Problem> {
    limits::check_hours(env, project, owner).await?;
    check_budget(env, project, usd_per_hour).await
}

/// Checks that the budget of a project covers what instances at this price together add to the next hour.
pub(crate) async fn check_budget(
    env: &Env,
    project: &Project,
    usd_per_hour: Option<f64>,
) -> Result<(), Problem> {
    check_next_hour(env, project, usd_per_hour, MicroUsd::ZERO).await
}

/// Checks that the owner of an instance has hours left in its project. An instance of a project that does not exist any
/// more can be started.
pub(crate) async fn check_start(
    env: &Env,
    name: &ProjectName,
    owner: &UserId,
) -> Result<(), Problem> {
    match env.registry.project(name).await? {
        Some(project) => limits::check_hours(env, &project.value, owner).await,
        None => Ok(()),
    }
}

/// Checks that an instance that runs for a project can be started again as the second of two types, before it is stopped
/// for that. What it costs at present is part of what the project spends.
pub(crate) async fn check_restart(
    env: &Env,
    project: &Project,
    owner: &UserId,
    types: [&str; 2],
) -> Result<(), Problem> {
    let [before, after] = types.map(sizes::usd_per_hour);
    let more = after.zip(before).map(|(after, before)| after - before);
    check_used(env, project, owner, more).await
}

/// Returns the budget of a project that has a hard stop.
fn hard_stop(project: &Project) -> Option<&Budget> {
    let stops = |budget: &&Budget| budget.hard_stop;
    project.budget.as_ref().filter(stops)
}

pub(super) fn has_hard_stop(project: &Project) -> bool {
    hard_stop(project).is_some()
}

/// Refuses an instance at this price if it would exceed the limit within an hour, with what runs already and with the first
/// hours of what begins at the same time. The price is negative if the instance runs already, and becomes cheaper. An
/// instance whose price is not known is refused only if the limit is reached without it.
pub(super) async fn check_next_hour(
    env: &Env,
    project: &Project,
    usd_per_hour: Option<f64>,
    beginning: MicroUsd,
) -> Result<(), Problem> {
    let Some(budget) = hard_stop(project) else {
        return Ok(());
    };
    let (name, limit) = (&project.name, budget.limit_usd);
    let committed = env.registry.committed(name).await?;
    let accrued = compute::accrued(env, name).await?;
    let used = committed.in_all() + accrued.usd;
    let costs = costs(&committed, accrued);
    if used >= limit {
        let message = format!(
            "The project {name} {costs}, and its budget of {} is used up.",
            usd(limit)
        );
        return Err(Problem::new(Code::BudgetExceeded, message));
    }
    let (price, beginning) = (usd_per_hour.unwrap_or_default(), beginning.usd());
    if used + accrued.usd_per_hour + beginning + price <= limit {
        return Ok(());
    }
    let others = if beginning > 0.0 {
        format!("; others that begin now add ${beginning:.4} an hour")
    } else {
        String::new()
    };
    let change = if price < 0.0 {
        format!("take ${:.4} an hour off that", -price)
    } else {
        format!("add ${price:.4} an hour")
    };
    let message = format!(
        "The project {name} {costs}{others}; this would {change}, and its budget of {} does not cover the next hour.",
        usd(limit)
    );
    Err(Problem::new(Code::BudgetExceeded, message))
}

/// What a budget is compared with, in USD.
async fn counted_usd(env: &Env, name: &ProjectName) -> Result<f64, Problem> {
    let costs = env.registry.committed(name).await?.costs.usd();
    Ok(costs + compute::accrued(env, name).await?.usd)
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
    let costs = counted_usd(env, name).await?;
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
    let costs = counted_usd(env, name).await?;
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
    if crossed.is_empty() {
        return Ok(());
    }
    let members = registry.all_members(name).await?.into_iter();
    let to: BTreeSet<UserId> = members
        .filter(|member| member.role.manages())
        .map(|member| member.user)
        .collect();
    for percent in crossed {
        let text = format!(
            "The project {name} costs {} this month: {percent} % of its budget of {} is used up.",
            usd(costs),
            usd(budget.limit_usd)
        );
        let notice = Notice {
            to: to.clone(),
            save_id: save_id.cloned(),
            project: Some(name.clone()),
            ..Notice::new(NoticeEvent::BudgetCrossed, env.clock.now(), text)
        };
        env.tell(&notice).await;
    }
    Ok(())
}
