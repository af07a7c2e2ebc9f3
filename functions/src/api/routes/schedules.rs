//! `/v1/schedules`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::conditions::{Condition, IfMatch, Tagged, etag};
use crate::api::identity::Authenticated;
use crate::api::input::{Body, Named, Params, RequestKey};
use crate::api::openapi::{Acting, ActingIf, Asking, AskingIf, Listing, Reading};
use crate::api::{Api, Page, Refused};
use crate::domain::ScheduleName;
use crate::domain::schedule::{Schedule, ScheduleRequest};
use crate::operations::parts::Paging;
use crate::operations::{ScheduleEdit, ScheduleView, Started};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, delete))
        .routes(routes!(run))
}

/// Your schedules, by name
#[utoipa::path(
    get, path = "/v1/schedules", operation_id = "list_schedules", tag = "schedules", params(Paging),
    responses((status = 200, description = "So it stands", body = Page<ScheduleView>), Listing)
)]
async fn list(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<ScheduleView>>, Refused> {
    let limit = paging.limit()?;
    let cursor = paging.cursor;
    let listed = api.service.schedules(&caller, limit, cursor).await?;
    Ok(Json(listed.into()))
}

/// Save an instance again and again
///
/// The same schedule asked for again is the one that is there.
#[utoipa::path(
    post, path = "/v1/schedules", operation_id = "create_schedule", tag = "schedules",
    request_body = ScheduleRequest,
    responses((status = 201, description = "It is there", body = Schedule), Asking)
)]
async fn create(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Body(asked): Body<ScheduleRequest>,
) -> Result<Response, Refused> {
    let schedule = api.service.create_schedule(&caller, asked).await?;
    let place = format!("/v1/schedules/{}", schedule.name);
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(schedule)).into_response())
}

/// A schedule, with its last runs
#[utoipa::path(
    get, path = "/v1/schedules/{name}", operation_id = "show_schedule", tag = "schedules",
    params(("name" = ScheduleName, Path, description = "The schedule")),
    responses((status = 200, description = "So it stands", body = ScheduleView), Reading)
)]
async fn show(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
) -> Result<(Tagged, Json<ScheduleView>), Refused> {
    let name: ScheduleName = name.parse()?;
    let view = api.service.schedule(&caller, &name).await?;
    Ok((etag(view.tag.clone()), Json(view)))
}

/// Pause a schedule or let it go on; change when it is due, or how many versions it keeps
///
/// What it saves stays. What is left out stays too.
#[utoipa::path(
    patch, path = "/v1/schedules/{name}", operation_id = "change_schedule", tag = "schedules",
    params(("name" = ScheduleName, Path, description = "The schedule"), Condition),
    request_body = ScheduleEdit,
    responses((status = 200, description = "So it stands now", body = Schedule), AskingIf)
)]
async fn change(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    IfMatch(expected): IfMatch,
    Body(edit): Body<ScheduleEdit>,
) -> Result<Json<Schedule>, Refused> {
    let name: ScheduleName = name.parse()?;
    let service = &api.service;
    let changed = service.edit_schedule(&caller, &name, &edit, expected.as_ref());
    Ok(Json(changed.await?))
}

/// Run a schedule now, whatever its time
///
/// Everything that can be checked is checked first: a refusal has begun nothing. The save then goes
/// on by itself. The same `Idempotency-Key` of the same caller is the same save.
#[utoipa::path(
    post, path = "/v1/schedules/{name}/run", operation_id = "run_schedule", tag = "schedules",
    params(
        ("name" = ScheduleName, Path, description = "The schedule"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 letters, digits, \"-\" or \"_\"",
            min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$"),
    ),
    responses((status = 202, description = "The save begins", body = Started), Acting)
)]
async fn run(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    RequestKey(key): RequestKey,
) -> Result<Response, Refused> {
    let name: ScheduleName = name.parse()?;
    let started = api.service.run_schedule(&caller, &name, key.as_deref());
    Ok(super::saves::accepted(started.await?))
}

/// Delete a schedule; its saves and what they made stay
#[utoipa::path(
    delete, path = "/v1/schedules/{name}", operation_id = "delete_schedule", tag = "schedules",
    params(("name" = ScheduleName, Path, description = "The schedule"), Condition),
    responses((status = 204, description = "It is gone"), ActingIf)
)]
async fn delete(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Refused> {
    let name: ScheduleName = name.parse()?;
    let service = &api.service;
    let deleted = service.delete_schedule(&caller, &name, expected.as_ref());
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}
