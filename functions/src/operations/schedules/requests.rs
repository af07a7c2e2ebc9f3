//! The operations on schedules.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::IntoParams;

use super::{ScheduleView, Window, taken};
use crate::domain::audit::AuditAction;
use crate::domain::schedule::{Schedule, ScheduleRequest, ScheduleState};
use crate::domain::{Code, SaveId, ScheduleName, Timestamp};
use crate::operations::expected::schedule_tag;
use crate::operations::operation::{Answered, operation};
use crate::operations::parts::{
    Accepted, Created, Found, IdempotencyKey, IfMatch, Json, NoContent, Page, Paging,
};
use crate::operations::{Asked, Service, Started};
use crate::rules::access::{Caller, schedule_not_found};
use crate::steps;

/// The query of a request for schedules.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SchedulesPage {
    /// The beginning of the range whose runs are returned; now, if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The end of the range, at most 31 days later. If omitted, the next 10 runs are returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The maximum number of items on the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page begins: the cursor of the previous page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl SchedulesPage {
    /// Returns the query for a page with the next runs.
    pub fn of(page: Paging) -> Self {
        Self {
            limit: page.limit,
            cursor: page.cursor,
            ..Self::default()
        }
    }
}

/// The query of a request for a schedule.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunsQuery {
    /// The beginning of the range whose runs are returned; now, if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The end of the range, at most 31 days later. If omitted, the next 10 runs are returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

operation! {
    /// Lists your schedules, by name, with their next runs
    ListSchedules by list_schedules: Get "/v1/schedules" of "schedules",
    query: SchedulesPage,
    output: Found<Page<ScheduleView>>,
    rights: [],
}

async fn list_schedules(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListSchedules>,
) -> Answered<ListSchedules> {
    let SchedulesPage {
        from,
        until,
        limit,
        cursor,
    } = asked.query;
    let limit = Paging::new(limit, None).limit()?;
    let now = service.env.clock.now();
    let window = Window::of(from, until, now)?;
    let registry = &service.env.registry;
    let page = registry.schedules_of(&caller.user, limit, cursor).await?;
    let runs = registry.runs_of(&page.items).await?;
    let views = page
        .items
        .into_iter()
        .zip(runs)
        .map(|(schedule, mut runs)| {
            runs.recent.truncate(1);
            ScheduleView::of(schedule, runs, now, window)
        });
    Ok(Found::new(Page {
        items: views.collect(),
        cursor: page.cursor,
    }))
}

operation! {
    /// Creates a schedule that saves an instance regularly
    ///
    /// Repeating the same request returns the existing schedule.
    CreateSchedule by create_schedule: Post "/v1/schedules" of "schedules",
    body: Json<ScheduleRequest>,
    output: Created<Schedule>,
    rights: [Change Instance, SaveVersion Template, Share Template, Contribute Project],
    // Repeating it returns the existing schedule.
    repeatable: |_| true,
}

async fn create_schedule(
    service: &Service,
    caller: &Caller,
    asked: Asked<CreateSchedule>,
) -> Answered<CreateSchedule> {
    let Json(asked) = asked.body;
    asked.check()?;
    let name = match &asked.name {
        Some(name) => name.clone(),
        None => asked.request.template.as_str().parse()?,
    };
    let created = |schedule: Schedule| {
        let place = format!("/v1/schedules/{}", schedule.name);
        Ok(Created::new(schedule).at(place))
    };
    let registry = &service.env.registry;
    let mut new = Schedule::new(name, caller.user.clone(), asked, service.env.clock.now());
    let stored = match registry.schedule(&new.owner, &new.name).await? {
        Some(before) if !before.value.asks_the_same(&new) => return Err(taken(&before.value)),
        Some(before) => match before.value.state {
            ScheduleState::Active => {
                service.check_same_instance(&before.value).await?;
                return created(before.value);
            }
            // An earlier creation was interrupted.
            ScheduleState::Pending => before,
            ScheduleState::Deleting => return Err(taken(&before.value)),
        },
        None => {
            service.next(&new)?;
            let (instance, consents) = service.consents(caller, &new).await?;
            new.instance_id = Some(instance);
            new.consents = consents;
            let event = service
                .about(caller, AuditAction::ScheduleCreate, &new.name)
                .with("instance", &new.request.instance)
                .with("template", &new.request.template)
                .with("cadence", new.cadence.to_string());
            registry.add_schedule(new, &event).await?
        }
    };
    created(service.activate(stored).await?)
}

operation! {
    /// Returns a schedule, with its last and its next runs
    ShowSchedule by show_schedule: Get "/v1/schedules/{name}" of "schedules",
    path: ScheduleName, query: RunsQuery,
    output: Found<ScheduleView>,
    rights: [],
}

async fn show_schedule(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowSchedule>,
) -> Answered<ShowSchedule> {
    let now = service.env.clock.now();
    let window = Window::of(asked.query.from, asked.query.until, now)?;
    let stored = service.own_schedule(caller, &asked.path).await?;
    let runs = service.env.registry.runs(&stored.value).await?;
    let tag = schedule_tag(&stored);
    let view = ScheduleView::of(stored.value, runs, now, window);
    Ok(Found::new(view).tagged(Some(tag)))
}

operation! {
    /// Runs a schedule now, regardless of its times
    ///
    /// Everything that can be checked is checked before the save begins, so a refusal has not changed anything. The
    /// save then continues asynchronously. Repeating a request with the same `Idempotency-Key` returns the same save and
    /// begins no other.
    RunSchedule by run_schedule: Post "/v1/schedules/{name}/run" of "schedules",
    path: ScheduleName, head: IdempotencyKey,
    output: Accepted<Started>,
    rights: [Change Instance],
}

async fn run_schedule(
    service: &Service,
    caller: &Caller,
    asked: Asked<RunSchedule>,
) -> Answered<RunSchedule> {
    let schedule = service.own_schedule(caller, &asked.path).await?.value;
    if schedule.state == ScheduleState::Deleting {
        return Err(schedule_not_found(asked.path.as_str()));
    }
    let digits = service.digits("run", &caller.user, asked.head.0.as_deref())?;
    let save_id: SaveId = format!("save-{digits}").parse()?;
    let request = &schedule.request;
    if let Some(started) = service.begun_before(&save_id, request).await? {
        return Ok(started.accepted());
    }
    let plan = steps::plan_scheduled(&service.env, caller, save_id.clone(), &schedule).await;
    match plan.and_then(|plan| plan.check_agreed()) {
        // The run makes the same checks in its turn.
        Err(problem) if problem.code != Code::Throttled => return Err(problem),
        _ => {}
    }
    let mut input = schedule.input();
    input["save_id"] = json!(save_id);
    input["caller"] = json!(caller);
    input["by_hand"] = json!(true);
    let started = service.begin(save_id, request, input);
    started.await.map(Started::accepted)
}

operation! {
    /// Deletes a schedule
    ///
    /// The saves and versions of the schedule are kept.
    DeleteSchedule by delete_schedule: Delete "/v1/schedules/{name}" of "schedules",
    path: ScheduleName, head: IfMatch,
    output: NoContent,
    rights: [],
}

async fn delete_schedule(
    service: &Service,
    caller: &Caller,
    asked: Asked<DeleteSchedule>,
) -> Answered<DeleteSchedule> {
    let stored = service.expected_schedule(caller, &asked.path, &asked.head);
    let stored = stored.await?;
    if stored.value.state == ScheduleState::Deleting {
        // An earlier deletion was interrupted.
        service.remove(&stored).await?;
    } else {
        let event = service.about(caller, AuditAction::ScheduleDelete, &asked.path);
        service.take_back(&stored, Some(&event)).await?;
    }
    Ok(NoContent)
}
