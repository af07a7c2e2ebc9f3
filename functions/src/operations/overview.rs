//! What concerns a user now, in one response: saves, schedules and spending.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::Found;
use super::saves::SaveView;
use super::schedules::{ScheduleView, Window};
use super::{Asked, Service};
use crate::domain::pricing::READ_ON;
use crate::domain::project::ProjectRole;
use crate::domain::save::{SaveRecord, SaveState};
use crate::domain::schedule::{Run, TimeZone};
use crate::domain::{Problem, ProjectName, Region, SaveId, ScheduleName, TemplateName, Timestamp};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::{Action, Caller, Relation, Resource, allowed};
use crate::rules::compute;

/// The number of saves, and of schedules, that are looked at.
const LOOKED_AT: usize = 100;
/// The number of schedules that are due next.
const DUE: usize = 10;
/// How far back failures are reported, in hours.
const FAILED_H: i64 = 24;
/// The longest time that a save lasts, with its wait for a turn, in hours.
const LASTS_H: i64 = 24;
/// After which time a save that still owes its instance a start may be stranded and not among the newest, in hours.
const OWES_H: i64 = 1;
/// How many projects or saves are read side by side.
const AT_ONCE: usize = 16;

/// What concerns a user now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// When this was read.
    pub at: Timestamp,
    /// Your saves and copies in progress, newest first.
    pub saves_in_progress: Vec<SaveView>,
    /// Your saves that have failed since `failed_since`, by hand and by a schedule, newest first. Saves that have left an
    /// instance stopped are included even if they are older.
    pub failed_saves: Vec<SaveView>,
    /// The time from which failures are reported.
    pub failed_since: Timestamp,
    /// Whether only the newest 100 saves were looked at, so that older ones in progress or failed may be missing.
    pub more_saves: bool,
    /// The schedules of yours that are due next, soonest first, at most 10.
    pub due_schedules: Vec<DueSchedule>,
    /// Those schedules that have missed runs since their last one, by name.
    pub missed_schedules: Vec<DueSchedule>,
    /// Whether only the first 100 schedules by name were looked at.
    pub more_schedules: bool,
    /// What your projects spend on versions and instances, by name. Projects whose costs you may not see are left out.
    pub projects: Vec<ProjectSpending>,
    /// The date of the price table. The prices are those of us-east-1.
    pub prices_of: String,
}

/// A schedule in an overview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DueSchedule {
    /// The schedule.
    pub name: ScheduleName,
    /// The instance that it saves, as in its request.
    pub instance: String,
    /// The Region of the instance.
    pub region: Region,
    /// The template that it saves to.
    pub template: TemplateName,
    /// The time zone of the schedule.
    pub timezone: TimeZone,
    /// When it is due next; null if it is never due again.
    pub next_run: Option<Timestamp>,
    /// The last run.
    pub last_run: Option<Run>,
    /// The number of runs that were due since the last one and did not begin.
    pub missed: u32,
}

/// What a project spends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectSpending {
    /// The project.
    pub name: ProjectName,
    /// Your role in it.
    pub role: ProjectRole,
    /// The most that the versions of its templates cost a month, in USD.
    pub usd_per_month: f64,
    /// The most that saves and copies in progress will add, in USD a month.
    pub pledged_usd_per_month: f64,
    /// What its instances have cost this month, in USD.
    #[serde(default)]
    pub compute_usd: f64,
    /// The limit of its budget, in USD a month.
    ///
    /// It is compared with the costs of the versions and of the instances.
    pub limit_usd: Option<f64>,
    /// The used share of the budget, in percent.
    pub used_percent: Option<f64>,
    /// Whether saves and launches that would exceed the limit are refused.
    pub hard_stop: bool,
}

operation! {
    /// Returns what concerns you now: your saves, schedules and projects
    ///
    /// It contains what the lists of saves, schedules and projects contain for you, and nothing else. `GET
    /// /v1/instances` lists your instances, which are read from EC2.
    ShowOverview by overview: Get "/v1/overview" of "me",
    output: Found<Overview>,
    rights: [SeeCosts Project],
}

async fn overview(
    service: &Service,
    caller: &Caller,
    _: Asked<ShowOverview>,
) -> Answered<ShowOverview> {
    let registry = &service.env.registry;
    let now = service.env.clock.now();
    let failed_since = now - TimeDelta::hours(FAILED_H);
    let saves = registry.saves_of(&caller.user, LOOKED_AT, None).await?;
    let oldest = saves.items.last().map(|save| save.started_at);
    let begun_since = failed_since - TimeDelta::hours(LASTS_H);
    let has_older = saves.cursor.is_some();
    let more_saves = has_older && oldest.is_some_and(|at| at >= begun_since);
    let listed: BTreeSet<SaveId> = saves.items.iter().map(|it| it.save_id.clone()).collect();
    let (mut saves_in_progress, mut failed_saves) = (Vec::new(), Vec::new());
    for record in saves.items {
        match record.state {
            SaveState::Running => saves_in_progress.push(service.guided(record)),
            SaveState::Failed if record.ended_at >= Some(failed_since) => {
                failed_saves.push(service.guided(record));
            }
            SaveState::Stranded => failed_saves.push(service.guided(record)),
            SaveState::Failed | SaveState::Succeeded | SaveState::Cancelled => {}
        }
    }
    if has_older {
        let older = service.stranded(caller, &listed).await?.into_iter();
        failed_saves.extend(older.map(|record| service.guided(record)));
    }
    let schedules = registry.schedules_of(&caller.user, LOOKED_AT, None).await?;
    let runs = registry.runs_of(&schedules.items).await?;
    let views = schedules.items.into_iter().zip(runs);
    let views =
        views.map(|(schedule, runs)| ScheduleView::of(schedule, runs, now, Window::next(now)));
    let mut due_schedules: Vec<DueSchedule> = views.map(DueSchedule::from).collect();
    let missed = due_schedules.iter().filter(|it| it.missed > 0).cloned();
    let missed_schedules = missed.collect();
    due_schedules.retain(|it| it.next_run.is_some());
    due_schedules.sort_by_key(|it| it.next_run);
    due_schedules.truncate(DUE);
    Ok(Found::new(Overview {
        at: now,
        saves_in_progress,
        failed_saves,
        failed_since,
        more_saves,
        due_schedules,
        missed_schedules,
        more_schedules: schedules.cursor.is_some(),
        projects: service.spending(caller).await?,
        prices_of: READ_ON.to_owned(),
    }))
}

impl From<ScheduleView> for DueSchedule {
    fn from(view: ScheduleView) -> Self {
        let schedule = view.schedule;
        Self {
            name: schedule.name,
            instance: schedule.request.instance,
            region: schedule.request.region,
            template: schedule.request.template,
            timezone: schedule.timezone,
            next_run: view.next_run,
            last_run: view.runs.into_iter().next(),
            missed: view.missed,
        }
    }
}

impl Service {
    /// Returns the caller's stranded saves that are not listed: an instance may be down for days.
    async fn stranded(
        &self,
        caller: &Caller,
        listed: &BTreeSet<SaveId>,
    ) -> Result<Vec<SaveRecord>, Problem> {
        let registry = &self.env.registry;
        let since = self.env.clock.now() - TimeDelta::hours(OWES_H);
        let duties = registry.open_duties(LOOKED_AT, None).await?.items;
        let old = duties.into_iter().filter(|duty| duty.since < since);
        let ids: Vec<SaveId> = old
            .map(|duty| duty.save_id)
            .filter(|id| !listed.contains(id))
            .collect();
        let mut found = Vec::new();
        for some in ids.chunks(AT_ONCE) {
            let read = try_join_all(some.iter().map(|id| registry.save(id))).await?;
            found.extend(read.into_iter().flatten().map(|stored| stored.value));
        }
        let own = |it: &SaveRecord| it.saved_by == caller.user && it.state == SaveState::Stranded;
        found.retain(own);
        Ok(found)
    }

    /// Returns what the projects spend whose costs the caller may see.
    async fn spending(&self, caller: &Caller) -> Result<Vec<ProjectSpending>, Problem> {
        let memberships = self.env.registry.memberships(&caller.user).await?.value;
        let seen = |role: ProjectRole| {
            allowed(Relation::of_role(role), Action::SeeCosts, Resource::Project)
        };
        let roles = memberships.roles.into_iter();
        let seen: Vec<(ProjectName, ProjectRole)> = roles.filter(|(_, role)| seen(*role)).collect();
        let mut all = Vec::new();
        for some in seen.chunks(AT_ONCE) {
            let each = some.iter().map(|(name, role)| self.spent(name, *role));
            all.extend(try_join_all(each).await?.into_iter().flatten());
        }
        Ok(all)
    }

    /// Returns what a project spends; `None` if it is deleted.
    async fn spent(
        &self,
        name: &ProjectName,
        role: ProjectRole,
    ) -> Result<Option<ProjectSpending>, Problem> {
        let registry = &self.env.registry;
        let Some(stored) = registry.project(name).await? else {
            return Ok(None);
        };
        let committed = registry.committed(name).await?;
        let compute_usd = compute::accrued(&self.env, name).await?.usd;
        let (usd, budget) = (committed.costs.usd(), stored.value.budget.as_ref());
        Ok(Some(ProjectSpending {
            name: name.clone(),
            role,
            usd_per_month: usd,
            pledged_usd_per_month: committed.pledged.usd(),
            compute_usd,
            limit_usd: budget.map(|budget| budget.limit_usd),
            used_percent: budget.map(|budget| budget.used_percent(usd + compute_usd)),
            hard_stop: budget.is_some_and(|budget| budget.hard_stop),
        }))
    }
}
