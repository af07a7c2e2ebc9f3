//! `/v1/schedules`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::identity::Authenticated;
use crate::api::input::{Body, Named, Params};
use crate::api::openapi::{Acting, Asking, Listing, Reading};
use crate::api::pages::Paging;
use crate::api::{Api, Page, Refused};
use crate::domain::ScheduleName;
use crate::domain::schedule::{Schedule, ScheduleRequest};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, delete))
}

/// Your schedules, by name
#[utoipa::path(
    get, path = "/v1/schedules", operation_id = "list_schedules", tag = "schedules", params(Paging),
    responses((status = 200, description = "So it stands", body = Page<Schedule>), Listing)
)]
async fn list(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<Schedule>>, Refused> {
    let limit = paging.limit()?;
    let cursor = paging.cursor();
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

/// A schedule
#[utoipa::path(
    get, path = "/v1/schedules/{name}", operation_id = "show_schedule", tag = "schedules",
    params(("name" = ScheduleName, Path, description = "The schedule")),
    responses((status = 200, description = "So it stands", body = Schedule), Reading)
)]
async fn show(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
) -> Result<Json<Schedule>, Refused> {
    let name: ScheduleName = name.parse()?;
    Ok(Json(api.service.schedule(&caller, &name).await?))
}

/// Delete a schedule; its saves and what they made stay
#[utoipa::path(
    delete, path = "/v1/schedules/{name}", operation_id = "delete_schedule", tag = "schedules",
    params(("name" = ScheduleName, Path, description = "The schedule")),
    responses((status = 204, description = "It is gone"), Acting)
)]
async fn delete(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
) -> Result<StatusCode, Refused> {
    let name: ScheduleName = name.parse()?;
    api.service.delete_schedule(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
