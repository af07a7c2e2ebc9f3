//! The routes, one file for each kind of thing.

mod audit;
mod instances;
mod members;
mod projects;
mod saves;
mod schedules;
mod shares;
mod template_changes;
mod templates;

use utoipa_axum::router::OpenApiRouter;

use super::Api;

/// All routes, each with its place in the OpenAPI document.
pub(super) fn all() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(super::openapi::head())
        .merge(saves::routes())
        .merge(templates::routes())
        .merge(template_changes::routes())
        .merge(instances::routes())
        .merge(schedules::routes())
        .merge(shares::routes())
        .merge(projects::routes())
        .merge(members::routes())
        .merge(audit::routes())
}
