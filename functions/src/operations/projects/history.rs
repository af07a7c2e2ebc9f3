//! What a project has cost in each month, from what the registry knows about its versions and its instances.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::audit::{AuditAction, AuditEvent, Subject};
use crate::domain::month::Month;
use crate::domain::pricing::READ_ON;
use crate::domain::template::{TemplateState, Version};
use crate::domain::{Code, Problem, ProjectName, TemplateName, Timestamp};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::Found;
use crate::operations::{Asked, Service};
use crate::ports::table_rules::QUERY_LIMIT;
use crate::registry::{AuditOf, Payer, Times};
use crate::rules::access::{Action, Caller};

/// The maximum number of months.
const MONTHS_MOST: u32 = 36;
/// The default number of months.
const MONTHS: u32 = 12;
/// How many pages of audit events are searched for templates that are no longer in the project.
const PAGES: usize = 10;
/// How many templates' versions are read side by side.
const AT_ONCE: usize = 16;

/// Describes how the costs of past months are counted.
const COUNTED: &str = "Each version of the templates that are in the project now, or that were deleted from it, \
    from when it was saved until it was deleted, as if its template had always been in the project: its snapshots by \
    their full size, which is the most that they can cost, in the Regions that have it now, at today's prices of \
    us-east-1. Templates that have left the project are not counted. Instances cost what they cost when they ran, with \
    their volumes, at the on-demand prices of us-east-1.";

/// The query of a request for past costs.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// The number of months, including the current one.
    #[param(minimum = 1, maximum = 36, default = 12)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
}

/// The costs of a month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MonthCost {
    /// The month in UTC, such as `2026-01`.
    pub month: String,
    /// What the month has cost in USD: the most that the versions have cost, and the instances. In the current month,
    /// until now.
    pub usd: f64,
    /// What the instances have cost in this month, in USD; in the current month, until now.
    #[serde(default)]
    pub instances_usd: f64,
    /// The number of versions that existed in this month, if only for a part of it.
    pub versions: u32,
    /// Whether the month is not over.
    pub current: bool,
}

/// The costs of a project in past months.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CostHistory {
    /// The project.
    pub project: ProjectName,
    /// The months, oldest first. Those before the project was created are left out.
    pub months: Vec<MonthCost>,
    /// A description of what is counted.
    pub counted: String,
    /// The number of templates that have left the project in these months, so that they are not counted.
    pub templates_not_counted: u32,
    /// Whether all deleted templates are counted. If the project has very many audit events, only the newest 10,000 of
    /// them are searched for deleted templates.
    pub complete: bool,
    /// The date of the price table.
    pub prices_of: String,
}

operation! {
    /// Returns what a project has cost in each of the last months
    ///
    /// The costs are calculated from the versions that the registry knows, including deleted ones, and from the sums of
    /// the instances. `counted` says what this includes.
    ShowCostHistory by show_cost_history: Get "/v1/projects/{name}/costs/history" of "projects",
    path: ProjectName, query: HistoryQuery,
    output: Found<CostHistory>,
    rights: [SeeCosts Project],
}

async fn show_cost_history(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowCostHistory>,
) -> Answered<ShowCostHistory> {
    let count = checked(asked.query.months)?;
    let project = asked.path;
    let (stored, _) = service
        .project_for(caller, &project, Action::SeeCosts)
        .await?;
    let now = service.env.clock.now();
    let created = stored.value.created_at;
    let mut months = last(count, now);
    months.retain(|month| month.end() > created);
    let first = months.first().copied().unwrap_or_else(|| Month::of(now));
    let begin = first.begin();
    let payer = Payer::Project(project.clone());
    let totals = service
        .env
        .registry
        .totals_since(&payer, first, now)
        .await?;
    let gone = service.gone_since(&project, created, begin).await?;
    let mut names = service.templates_in(&project).await?;
    let left = gone.left.difference(&names).count();
    names.extend(gone.deleted);
    let mut versions = Vec::new();
    let names: Vec<TemplateName> = names.into_iter().collect();
    for some in names.chunks(AT_ONCE) {
        let read = some
            .iter()
            .map(|name| service.env.registry.every_version(name));
        versions.extend(try_join_all(read).await?.into_iter().flatten());
    }
    let cost = |&month: &Month| {
        let (versions_usd, versions) = of_versions(&versions, month, now);
        let instances_usd = totals.used(month, now).usd();
        MonthCost {
            month: month.to_string(),
            usd: versions_usd + instances_usd,
            instances_usd,
            versions,
            current: now < month.end(),
        }
    };
    Ok(Found::new(CostHistory {
        project,
        months: months.iter().map(cost).collect(),
        counted: COUNTED.to_owned(),
        templates_not_counted: u32::try_from(left).unwrap_or(u32::MAX),
        complete: gone.complete,
        prices_of: READ_ON.to_owned(),
    }))
}

fn checked(months: Option<u32>) -> Result<u32, Problem> {
    let months = months.unwrap_or(MONTHS);
    if (1..=MONTHS_MOST).contains(&months) {
        return Ok(months);
    }
    let message = format!("The query value months is {months}: it must be 1 to {MONTHS_MOST}.");
    Err(Problem::new(Code::InvalidInput, message))
}

/// The last months, oldest first, with the one that contains `now`.
fn last(count: u32, now: Timestamp) -> Vec<Month> {
    let ago = (0..count.cast_signed()).rev();
    ago.map(|ago| Month::of(now).plus(-ago)).collect()
}

/// What versions have cost in a month until `now`, and how many existed in it.
fn of_versions(versions: &[Version], month: Month, now: Timestamp) -> (f64, u32) {
    let whole = seconds(month.end() - month.begin());
    let (mut usd, mut count) = (0.0, 0);
    for version in versions {
        let begin = version.saved_date.max(month.begin());
        let until = version.deleted_at.unwrap_or(now);
        let end = until.min(month.end()).min(now);
        if begin < end {
            usd += version.usd_per_month * seconds(end - begin) / whole;
            count += 1;
        }
    }
    (usd, count)
}

fn seconds(time: TimeDelta) -> f64 {
    time.as_seconds_f64()
}

/// The templates that are no longer in a project.
struct Gone {
    deleted: BTreeSet<TemplateName>,
    left: BTreeSet<TemplateName>,
    complete: bool,
}

impl Service {
    async fn templates_in(&self, project: &ProjectName) -> Result<BTreeSet<TemplateName>, Problem> {
        let (mut names, mut cursor) = (BTreeSet::new(), None);
        loop {
            let registry = &self.env.registry;
            let page = registry.templates_of_project(project, QUERY_LIMIT, cursor);
            let page = page.await?;
            names.extend(page.items.into_iter().map(|place| place.template));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(names);
            }
        }
    }

    /// Returns the templates that were deleted from a project, or have left it, since `begin`. A deleted template is in
    /// no project, so only the events say that it was.
    async fn gone_since(
        &self,
        project: &ProjectName,
        created: Timestamp,
        begin: Timestamp,
    ) -> Result<Gone, Problem> {
        let registry = &self.env.registry;
        let of = AuditOf::Project {
            project: project.clone(),
            since: created,
        };
        let times = Times {
            from: Some(begin),
            until: None,
        };
        // Newest first: the last thing that happened to a template counts.
        let mut fates: BTreeMap<TemplateName, Fate> = BTreeMap::new();
        let mut cursor = None;
        for _ in 0..PAGES {
            let events = registry.audit_events(&of, times, QUERY_LIMIT, cursor);
            let events = events.await?;
            for (name, fate) in events.items.iter().filter_map(Fate::of) {
                fates.entry(name).or_insert(fate);
            }
            cursor = events.cursor;
            if cursor.is_none() {
                break;
            }
        }
        let mut gone = Gone {
            deleted: BTreeSet::new(),
            left: BTreeSet::new(),
            complete: cursor.is_none(),
        };
        for (name, fate) in fates {
            match fate {
                Fate::Left => drop(gone.left.insert(name)),
                Fate::Deleted => {
                    let stored = registry.template(&name).await?;
                    let deleted = |state| state == TemplateState::Deleted;
                    if stored.is_some_and(|stored| deleted(stored.value.state)) {
                        gone.deleted.insert(name);
                    }
                }
            }
        }
        Ok(gone)
    }
}

/// How a template ceased to be in a project.
#[derive(Clone, Copy)]
enum Fate {
    Deleted,
    Left,
}

impl Fate {
    fn of(event: &AuditEvent) -> Option<(TemplateName, Self)> {
        let Subject::Template(name) = &event.resource else {
            return None;
        };
        let is = |action: AuditAction| event.action == String::from(action);
        // The deletion of a version names it.
        let whole = !event.details.contains_key("version");
        let fate = if is(AuditAction::TemplateDelete) && whole {
            Self::Deleted
        } else if is(AuditAction::TemplateLeaveProject) {
            Self::Left
        } else {
            return None;
        };
        Some((name.clone(), fate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar_across_years() {
        let now = "2026-02-11T09:00:00Z".parse().unwrap();
        let months = last(3, now).into_iter().map(|it| it.to_string());
        let months: Vec<String> = months.collect();
        assert_eq!(months, ["2025-12", "2026-01", "2026-02"]);
    }
}
