//! The operations on schedules.

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
    /// Lists your schedules, by name
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
    /// Creates a schedule that saves an instance regularly
    ///
    /// Repeating the same request returns the existing schedule.
    CreateSchedule by create_schedule: Post "/v1/schedules" of "schedules",
    body: Json<ScheduleRequest>,
    output: Created<Schedule>,
    // Repeating it returns the existing schedule.
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
    /// Returns a schedule, with its last runs
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
    /// Changes a schedule
    ///
    /// You can pause or resume a schedule, and change when it is due, how many versions it keeps and which instance it
    /// saves. The template cannot be changed. Omitted fields do not change.
    ChangeSchedule by change_schedule: Patch "/v1/schedules/{name}" of "schedules",
    path: ScheduleName, head: IfMatch, body: Json<ScheduleEdit>,
    output: Found<Schedule>,
    // Repeating it changes nothing.
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
    /// Runs a schedule now, regardless of its times
    ///
    /// Everything that can be checked is checked before the save begins, so a refusal has not changed anything. The
    /// save then continues asynchronously. Requests of the same caller with the same `Idempotency-Key` are the same
    /// save.
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
    /// Deletes a schedule
    ///
    /// The saves and versions of the schedule are kept.
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
