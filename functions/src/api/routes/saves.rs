//! `/v1/saves`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::identity::Authenticated;
use crate::api::input::{Body, Named, Params, RequestKey, Trial};
use crate::api::openapi::{Acting, Asking, Listing, Reading};
use crate::api::{Api, Page, Planned, Refused};
use crate::domain::SaveId;
use crate::domain::save::{SavePlan, SaveRecord, SaveRequest};
use crate::operations::Started;
use crate::operations::parts::Paging;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, begin))
        .routes(routes!(show))
        .routes(routes!(cancel))
        .routes(routes!(recover))
}

/// Your saves, the newest first
#[utoipa::path(
    get, path = "/v1/saves", operation_id = "list_saves", tag = "saves", params(Paging),
    responses((status = 200, description = "So it stands", body = Page<SaveRecord>), Listing)
)]
async fn list(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<SaveRecord>>, Refused> {
    let limit = paging.limit()?;
    let listed = api.service.saves(&caller, limit, paging.cursor).await?;
    Ok(Json(listed.into()))
}

/// Save an instance as a template
///
/// Everything that can be checked is checked first: a refusal has begun nothing. The save then goes
/// on by itself; `GET /v1/saves/{id}` tells how it stands, and knows it a moment later. The same
/// `Idempotency-Key` of the same caller is the same save.
#[utoipa::path(
    post, path = "/v1/saves", operation_id = "begin_save", tag = "saves",
    params(
        Trial,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 letters, digits, \"-\" or \"_\"",
            min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$"),
    ),
    request_body = SaveRequest,
    responses(
        (status = 200, description = "The plan, where `dry_run` asks for no more", body = Planned<SavePlan>),
        (status = 202, description = "The save begins", body = Started),
        Asking,
    )
)]
async fn begin(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Params(Trial { dry_run }): Params<Trial>,
    RequestKey(key): RequestKey,
    Body(request): Body<SaveRequest>,
) -> Result<Response, Refused> {
    request.check()?;
    if dry_run {
        let plan = api.service.plan_save(&caller, request).await?;
        return Ok(Json(Planned { dry_run, plan }).into_response());
    }
    let service = &api.service;
    let before = async || match &key {
        Some(key) => service.asked_before(&caller, &request, key).await,
        None => Ok(None),
    };
    // It is asked first: that very save may hold the instance by now, or have outlived it.
    if let Some(started) = before().await? {
        return Ok(accepted(started));
    }
    let plan = service.plan_save(&caller, request.clone()).await;
    if let Err(problem) = plan.and_then(|plan| plan.check_agreed()) {
        // It may also have begun while this was checked.
        return match before().await? {
            Some(started) => Ok(accepted(started)),
            None => Err(problem.into()),
        };
    }
    let started = api.service.start_save(&caller, request, key.as_deref());
    Ok(accepted(started.await?))
}

/// The answer for a save or a copy that begins.
pub(super) fn accepted(started: Started) -> Response {
    let place = format!("/v1/saves/{}", started.save_id);
    (StatusCode::ACCEPTED, [(LOCATION, place)], Json(started)).into_response()
}

/// How a save stands
#[utoipa::path(
    get, path = "/v1/saves/{id}", operation_id = "show_save", tag = "saves",
    params(("id" = SaveId, Path, description = "The save")),
    responses((status = 200, description = "So it stands", body = SaveRecord), Reading)
)]
async fn show(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(id): Named<String>,
) -> Result<Json<SaveRecord>, Refused> {
    let id: SaveId = id.parse()?;
    Ok(Json(api.service.save(&caller, &id).await?))
}

/// Ask a save to end
///
/// The save itself brings the instance back and takes back what it has made.
#[utoipa::path(
    post, path = "/v1/saves/{id}/cancel", operation_id = "cancel_save", tag = "saves",
    params(("id" = SaveId, Path, description = "The save")),
    responses((status = 202, description = "It will end", body = SaveRecord), Acting)
)]
async fn cancel(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(id): Named<String>,
) -> Result<(StatusCode, Json<SaveRecord>), Refused> {
    let id: SaveId = id.parse()?;
    let record = api.service.cancel_save(&caller, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(record)))
}

/// Recover a save at once
///
/// A save whose execution has ended without it is recovered by itself, after ever longer pauses where that keeps
/// failing, and one that is stranded is tried again. This does so now. One that is worked on stays as it is.
#[utoipa::path(
    post, path = "/v1/saves/{id}/recover", operation_id = "recover_save", tag = "saves",
    params(("id" = SaveId, Path, description = "The save")),
    responses((status = 202, description = "It is worked on", body = SaveRecord), Acting)
)]
async fn recover(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(id): Named<String>,
) -> Result<(StatusCode, Json<SaveRecord>), Refused> {
    let id: SaveId = id.parse()?;
    let record = api.service.recover_save(&caller, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(record)))
}
