//! What a template comes from, and which of its versions it stands for.

use std::num::NonZeroU32;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::templates::reference;
use crate::api::conditions::{Condition, IfMatch};
use crate::api::identity::Authenticated;
use crate::api::input::{Named, Params};
use crate::api::openapi::{ActingIf, Reading};
use crate::api::{Api, Refused};
use crate::domain::TemplateName;
use crate::domain::diff::TemplateDiff;
use crate::domain::template::TemplateRef;
use crate::service::{Lineage, RolledBack};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(lineage))
        .routes(routes!(diff))
        .routes(routes!(rollback))
}

/// What to compare with.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Compared {
    /// The version to compare with; a name alone is its latest version.
    #[param(value_type = TemplateRef)]
    with: String,
}

/// Which version to go back to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Target {
    /// The version; the one before the latest where none is named.
    #[param(value_type = Option<u32>, minimum = 1)]
    to: Option<NonZeroU32>,
    /// Whether whoever asks consents to show sensitive files that the version has and the latest has not.
    #[serde(default)]
    publish_sensitive: bool,
}

/// What a template comes from, and what came of it
///
/// A tree of versions, with the built-in template at its root, across templates. What you may not
/// see is not in it.
#[utoipa::path(
    get, path = "/v1/templates/{name}/lineage", operation_id = "show_lineage", tag = "templates",
    params(("name" = TemplateName, Path, description = "The template")),
    responses((status = 200, description = "So it stands", body = Lineage), Reading)
)]
async fn lineage(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
) -> Result<Json<Lineage>, Refused> {
    Ok(Json(api.service.lineage(&caller, &name.parse()?).await?))
}

/// What differs between two versions, their packages included
#[utoipa::path(
    get, path = "/v1/templates/{name}/versions/{version}/diff", operation_id = "diff_versions",
    tag = "templates",
    params(
        ("name" = TemplateName, Path, description = "The template"),
        ("version" = u32, Path, minimum = 1, description = "The number of the version, or `latest`"),
        Compared,
    ),
    responses((status = 200, description = "So they differ", body = TemplateDiff), Reading)
)]
async fn diff(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, version)): Named<(String, String)>,
    Params(asked): Params<Compared>,
) -> Result<Json<TemplateDiff>, Refused> {
    let (from, to) = (reference(&name, &version)?, asked.with.parse()?);
    Ok(Json(api.service.diff(&caller, &from, &to).await?))
}

/// Make a template's name stand for an earlier version, or a later one again
///
/// No version changes. The next save still takes the next number.
#[utoipa::path(
    post, path = "/v1/templates/{name}/rollback", operation_id = "roll_back_template",
    tag = "templates",
    params(("name" = TemplateName, Path, description = "The template"), Target, Condition),
    responses((status = 200, description = "It is done", body = RolledBack), ActingIf)
)]
async fn rollback(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(target): Params<Target>,
    IfMatch(expected): IfMatch,
) -> Result<Json<RolledBack>, Refused> {
    let (name, to) = (name.parse()?, target.to.map(NonZeroU32::get));
    let (service, consents) = (&api.service, target.publish_sensitive);
    let done = service.rollback(&caller, &name, to, consents, expected.as_ref());
    Ok(Json(done.await?))
}
