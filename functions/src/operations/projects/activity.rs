//! What others do for a project: its saves, the schedules of its templates, and its instances.

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::audit::{AuditAction, AuditEvent, Subject};
use crate::domain::ec2::InstanceState;
use crate::domain::end::End;
use crate::domain::schedule::{Cadence, Run, Schedule, ScheduleState, TimeZone};
use crate::domain::sizes::usd_per_hour;
use crate::domain::tags::{LAUNCHER_TAG, OWNER_TAG, PROJECT_TAG, TEMPLATE_TAG};
use crate::domain::{
    Problem, ProjectName, Region, SaveId, ScheduleName, TemplateName, Timestamp, UserId,
};
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{Found, Page, Paging};
use crate::operations::{Asked, SaveView, Service, UnavailableRegion};
use crate::ports::{Instance, InstanceFilter};
use crate::registry::{AuditOf, Times};
use crate::rules::access::{Action, Caller};

/// How many pages of events one page of saves reads at most.
const PAGES: usize = 5;
/// How many records are read side by side.
const AT_ONCE: usize = 16;

operation! {
    /// Lists the saves for a project, of everybody, newest first
    ///
    /// A save for a project is one that the project pays for. Those that wait for their turn, or were refused before they
    /// began, are listed only to the user who requested them. A page may contain fewer items than requested, or none, even
    /// if more pages follow: continue as long as there is a cursor.
    ListProjectSaves by list_project_saves: Get "/v1/projects/{name}/saves" of "projects",
    path: ProjectName, query: Paging,
    output: Found<Page<SaveView>>,
    rights: [SeeActivity Project],
}

async fn list_project_saves(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListProjectSaves>,
) -> Answered<ListProjectSaves> {
    let (project, limit) = (asked.path, asked.query.limit()?);
    let (stored, _) = service
        .project_for(caller, &project, Action::SeeActivity)
        .await?;
    let of = AuditOf::Project {
        project: project.clone(),
        since: stored.value.created_at,
    };
    let registry = &service.env.registry;
    let (mut items, mut cursor) = (Vec::new(), asked.query.cursor);
    for _ in 0..PAGES {
        let rest = limit - items.len();
        let events = registry.audit_events(&of, Times::default(), rest, cursor);
        let events = events.await?;
        for id in events.items.iter().filter_map(begun) {
            let stored = registry.save(id).await?.map(|stored| stored.value);
            // The template may have moved to another project in the meantime, which pays since then.
            let record = stored.filter(|record| record.charged() == Some(&project));
            items.extend(record.map(|record| service.guided(record)));
        }
        cursor = events.cursor;
        if cursor.is_none() || items.len() == limit {
            break;
        }
    }
    Ok(Found::new(Page { items, cursor }))
}

/// The save that began, if this is what the event is about.
fn begun(event: &AuditEvent) -> Option<&SaveId> {
    match &event.resource {
        Subject::Save(id) if event.action == String::from(AuditAction::SaveBegin) => Some(id),
        _ => None,
    }
}

/// A schedule as the managers of its template's project see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectSchedule {
    /// The owner of the schedule.
    pub owner: UserId,
    /// The name of the schedule, unique among its owner's schedules.
    pub name: ScheduleName,
    /// The template that it saves to.
    pub template: TemplateName,
    /// The instance that it saves, as in its request.
    pub instance: String,
    /// The Region of the instance.
    pub region: Region,
    /// How often it is due.
    pub cadence: Cadence,
    /// The time zone of the schedule.
    pub timezone: TimeZone,
    /// Whether it is paused.
    pub paused: bool,
    /// When it is due next; null while it is paused.
    pub next_run: Option<Timestamp>,
    /// The last run.
    pub last_run: Option<Run>,
    /// The number of runs that were due since the last one and did not begin.
    pub missed: u32,
}

operation! {
    /// Lists the schedules that save to the project's templates, of everybody, by template
    ///
    /// The limit is that of templates: a page contains all schedules of as many templates. A schedule whose template does
    /// not exist yet is listed only to its owner.
    ListProjectSchedules by list_project_schedules: Get "/v1/projects/{name}/schedules" of "projects",
    path: ProjectName, query: Paging,
    output: Found<Page<ProjectSchedule>>,
    rights: [SeeActivity Project],
}

async fn list_project_schedules(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListProjectSchedules>,
) -> Answered<ListProjectSchedules> {
    let (project, limit) = (asked.path, asked.query.limit()?);
    service
        .project_for(caller, &project, Action::SeeActivity)
        .await?;
    let registry = &service.env.registry;
    let places = registry.templates_of_project(&project, limit, asked.query.cursor);
    let places = places.await?;
    let now = service.env.clock.now();
    let mut items = Vec::new();
    for place in &places.items {
        for schedule in registry.all_schedules_into(&place.template).await? {
            let runs = registry.runs(&schedule).await?;
            let missed = schedule.missed(runs.last_began_at(), now);
            let last_run = runs.recent.into_iter().next();
            items.push(ProjectSchedule::of(schedule, last_run, missed, now));
        }
    }
    Ok(Found::new(Page {
        items,
        cursor: places.cursor,
    }))
}

impl ProjectSchedule {
    fn of(schedule: Schedule, last_run: Option<Run>, missed: u32, now: Timestamp) -> Self {
        let fires = schedule.state == ScheduleState::Active && !schedule.paused;
        Self {
            next_run: fires.then(|| schedule.next_after(now)).flatten(),
            owner: schedule.owner,
            name: schedule.name,
            template: schedule.request.template,
            instance: schedule.request.instance,
            region: schedule.request.region,
            cadence: schedule.cadence,
            timezone: schedule.timezone,
            paused: schedule.paused,
            last_run,
            missed,
        }
    }
}

/// An instance as the managers of its project see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectInstance {
    /// The name, or the ID if the instance has no name.
    pub name: String,
    /// The instance ID.
    pub id: String,
    /// The user to whom it belongs; null if EC2 no longer knows it.
    pub owner: Option<UserId>,
    /// The user who launched it: the owner, or who manages the project; null if EC2 no longer knows it.
    #[serde(default)]
    pub launched_by: Option<UserId>,
    /// The current state.
    pub state: InstanceState,
    /// The Region of the instance.
    pub region: Region,
    /// The instance type.
    pub instance_type: String,
    /// The template that it was launched from: `name` or `name@version`.
    pub template: Option<String>,
    /// When it was last launched or started.
    pub launched_at: Timestamp,
    /// The on-demand price of its type for Linux while it runs, in USD per hour; null if the price table does not contain
    /// the type. It is the price in us-east-1, whatever the Region of the instance.
    pub usd_per_hour: Option<f64>,
    /// When it ends by itself, or ended last; null if it runs until somebody stops it.
    #[serde(default)]
    pub end: Option<End>,
}

/// A page of a project's instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectInstances {
    /// The items of the page.
    pub items: Vec<ProjectInstance>,
    /// The cursor of the next page, valid only for the same list and the same caller; null on the last page.
    pub cursor: Option<String>,
    /// The Regions that did not answer, so that their instances are missing.
    pub unavailable: Vec<UnavailableRegion>,
}

operation! {
    /// Lists the instances that were launched for a project, of everybody, by name
    ///
    /// All Regions that the deployment allows are asked for each page. One that does not answer is named in the response.
    ListProjectInstances by list_project_instances: Get "/v1/projects/{name}/instances" of "projects",
    path: ProjectName, query: Paging,
    output: Found<ProjectInstances>,
    rights: [SeeActivity Project],
}

async fn list_project_instances(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListProjectInstances>,
) -> Answered<ListProjectInstances> {
    let (project, paging) = (asked.path, asked.query);
    paging.limit()?;
    service
        .project_for(caller, &project, Action::SeeActivity)
        .await?;
    let filter = InstanceFilter::Tag(PROJECT_TAG.to_owned(), project.to_string());
    let looked = service.instances_everywhere(&filter).await?;
    let found = looked.found.iter();
    let views = found.map(|(region, instance)| ProjectInstance::of(instance, region));
    let mut all: Vec<ProjectInstance> = views.collect();
    let key = |it: &ProjectInstance| [it.name.clone(), it.id.clone()];
    all.sort_by_cached_key(key);
    let mut page = paging.of(&format!("instances of {project}"), all, key)?;
    service.fill_in_ends(&mut page.items).await?;
    Ok(Found::new(ProjectInstances {
        items: page.items,
        cursor: page.cursor,
        unavailable: looked.unavailable,
    }))
}

impl Service {
    /// Adds when the instances end.
    async fn fill_in_ends(&self, views: &mut [ProjectInstance]) -> Result<(), Problem> {
        for some in views.chunks_mut(AT_ONCE) {
            let ends = some.iter().map(|view| async {
                let id = view.id.parse()?;
                self.env.registry.end(&view.region, &id).await
            });
            let ends = try_join_all(ends).await?;
            for (view, end) in some.iter_mut().zip(ends) {
                view.end = end.map(|stored| stored.value.end);
            }
        }
        Ok(())
    }
}

impl ProjectInstance {
    pub(super) fn of(instance: &Instance, region: &Region) -> Self {
        let user = |tag: &str| instance.tags.get(tag)?.parse::<UserId>().ok();
        let owner = user(OWNER_TAG);
        Self {
            name: instance.name().unwrap_or(instance.id.as_str()).to_owned(),
            id: instance.id.to_string(),
            launched_by: user(LAUNCHER_TAG).or_else(|| owner.clone()),
            owner,
            state: instance.state,
            region: region.clone(),
            instance_type: instance.instance_type.clone(),
            template: instance.tags.get(TEMPLATE_TAG).cloned(),
            launched_at: instance.launched_at,
            usd_per_hour: usd_per_hour(&instance.instance_type),
            end: None,
        }
    }
}
