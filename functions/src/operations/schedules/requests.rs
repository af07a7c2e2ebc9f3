//! What callers ask of schedules.

use super::super::parts::{
    Accepted, Created, Found, IdempotencyKey, IfMatch, Json, NoContent, Page, Paging,
};
use super::super::{Asked, Service, Started};
use super::{ScheduleEdit, ScheduleView};
use crate::domain::ScheduleName;
use crate::domain::schedule::{Schedule, ScheduleRequest};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::Caller;

operation! {
    /// Your schedules, by name
    ListSchedules by list_schedules: Get "/v1/schedules" of "schedules",
    query: Paging,
    output: Found<Page<ScheduleView>>,
}

async fn list_schedules(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListSchedules>,
) -> Answered<ListSchedules> {
    let limit = asked.query.limit()?;
    let listed = service.schedules(caller, limit, asked.query.cursor).await?;
    Ok(Found::new(listed.into()))
}

operation! {
    /// Save an instance again and again
    ///
    /// The same schedule asked for again is the one that is there.
    CreateSchedule by create_schedule: Post "/v1/schedules" of "schedules",
    body: Json<ScheduleRequest>,
    output: Created<Schedule>,
    // The same again is the schedule that is there.
    repeatable: |_| true,
}

async fn create_schedule(
    service: &Service,
    caller: &Caller,
    asked: Asked<CreateSchedule>,
) -> Answered<CreateSchedule> {
    let schedule = service.create_schedule(caller, asked.body.0).await?;
    let place = format!("/v1/schedules/{}", schedule.name);
    Ok(Created::new(schedule).at(place))
}

operation! {
    /// A schedule, with its last runs
    ShowSchedule by show_schedule: Get "/v1/schedules/{name}" of "schedules",
    path: ScheduleName,
    output: Found<ScheduleView>,
}

async fn show_schedule(
    service: &Service,
    caller: &Caller,
    asked: Asked<ShowSchedule>,
) -> Answered<ShowSchedule> {
    let view = service.schedule(caller, &asked.path).await?;
    let tag = view.tag.clone();
    Ok(Found::new(view).tagged(tag))
}

operation! {
    /// Pause a schedule or let it go on; change when it is due, or how many versions it keeps
    ///
    /// What it saves stays. What is left out stays too.
    ChangeSchedule by change_schedule: Patch "/v1/schedules/{name}" of "schedules",
    path: ScheduleName, head: IfMatch, body: Json<ScheduleEdit>,
    output: Found<Schedule>,
    // The same again changes nothing.
    repeatable: |_| true,
}

async fn change_schedule(
    service: &Service,
    caller: &Caller,
    asked: Asked<ChangeSchedule>,
) -> Answered<ChangeSchedule> {
    let (Json(edit), IfMatch(expected)) = (asked.body, asked.head);
    let changed = service.edit_schedule(caller, &asked.path, &edit, expected.as_ref());
    changed.await.map(Found::new)
}

operation! {
    /// Run a schedule now, whatever its time
    ///
    /// Everything that can be checked is checked first: a refusal has begun nothing. The save then goes
    /// on by itself. The same `Idempotency-Key` of the same caller is the same save.
    RunSchedule by run_schedule: Post "/v1/schedules/{name}/run" of "schedules",
    path: ScheduleName, head: IdempotencyKey,
    output: Accepted<Started>,
}

async fn run_schedule(
    service: &Service,
    caller: &Caller,
    asked: Asked<RunSchedule>,
) -> Answered<RunSchedule> {
    let started = service.run_schedule(caller, &asked.path, asked.head.0.as_deref());
    started.await.map(Started::accepted)
}

operation! {
    /// Delete a schedule; its saves and what they made stay
    DeleteSchedule by delete_schedule: Delete "/v1/schedules/{name}" of "schedules",
    path: ScheduleName, head: IfMatch,
    output: NoContent,
}

async fn delete_schedule(
    service: &Service,
    caller: &Caller,
    asked: Asked<DeleteSchedule>,
) -> Answered<DeleteSchedule> {
    let deleted = service.delete_schedule(caller, &asked.path, asked.head.0.as_ref());
    deleted.await.map(|()| NoContent)
}
