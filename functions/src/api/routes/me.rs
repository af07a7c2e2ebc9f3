//! `/v1/me`.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::identity::Authenticated;
use crate::api::openapi::Listing;
use crate::api::{Api, Me};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(me))
}

/// Who you are
#[utoipa::path(get, path = "/v1/me", tag = "me", responses((status = 200, description = "So it stands", body = Me), Listing))]
async fn me(Authenticated(caller): Authenticated) -> Json<Me> {
    Json(Me { user: caller.user })
}
