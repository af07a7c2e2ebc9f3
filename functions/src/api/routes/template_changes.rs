//! What changes a template or a version of it, short of its AMIs, and what deletes them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::templates::{Shown, of_template, of_version, reference};
use crate::api::conditions::{Condition, IfMatch, MustMatch, NeededCondition};
use crate::api::identity::Authenticated;
use crate::api::input::{Body, Named, Params, Trial};
use crate::api::openapi::{ActingIf, AskingIf, Editing};
use crate::api::{Api, Refused};
use crate::domain::template::TemplateRef;
use crate::domain::{Code, Problem, TemplateName};
use crate::operations::{Deletion, ImportRequest, Imported, TemplateEdit, TemplateView};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(edit, delete))
        .routes(routes!(edit_version, delete_version))
        .routes(routes!(deprecate))
        .routes(routes!(restore))
        .routes(routes!(deprecate_version))
        .routes(routes!(restore_version))
        .routes(routes!(import))
}

/// How to delete.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Deleting {
    /// Tell what would be removed and what speaks against it, and remove nothing.
    #[serde(default)]
    dry_run: bool,
    /// Delete it although instances run from it, it is shared with others, or a schedule saves to it.
    #[serde(default)]
    force: bool,
}

fn whole(name: &str) -> Result<TemplateRef, Problem> {
    Ok(TemplateRef {
        name: name.parse()?,
        version: None,
    })
}

/// Import a template from its file
///
/// It becomes a new template, or the next version of one of yours. The same file again is the version
/// that is there.
#[utoipa::path(
    post, path = "/v1/templates/{name}/import", operation_id = "import_template", tag = "templates",
    params(("name" = TemplateName, Path, description = "The template that it becomes"), Trial, Condition),
    request_body = ImportRequest,
    responses(
        (status = 200, description = "What it would make, where `dry_run` asks for no more, or has made before", body = Imported),
        (status = 201, description = "The version is there", body = Imported),
        AskingIf,
    )
)]
async fn import(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(Trial { dry_run }): Params<Trial>,
    IfMatch(expected): IfMatch,
    Body(request): Body<ImportRequest>,
) -> Result<Response, Refused> {
    let (service, name, expected) = (&api.service, name.parse()?, expected.as_ref());
    if dry_run {
        let planned = service.plan_import(&caller, &name, &request, expected);
        let planned = planned.await?;
        return Ok(Json(planned).into_response());
    }
    let imported = service
        .import_template(&caller, &name, &request, expected)
        .await?;
    if imported.repeated {
        return Ok(Json(imported).into_response());
    }
    let place = format!("/v1/templates/{name}/versions/{}", imported.version);
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(imported)).into_response())
}

/// Change what a template says of itself
#[utoipa::path(
    patch, path = "/v1/templates/{name}", operation_id = "edit_template", tag = "templates",
    params(
        ("name" = TemplateName, Path, description = "The template"),
        NeededCondition,
    ),
    request_body = TemplateEdit,
    responses((status = 200, description = "So it stands now", body = TemplateView), Editing)
)]
async fn edit(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    MustMatch(expected): MustMatch,
    Body(edit): Body<TemplateEdit>,
) -> Result<Shown, Refused> {
    let (service, whole) = (&api.service, whole(&name)?);
    let view = service.edit_template(&caller, &whole, &edit, expected.as_ref());
    Ok(of_template(view.await?))
}

/// Change what a version says of itself
#[utoipa::path(
    patch, path = "/v1/templates/{name}/versions/{version}", operation_id = "edit_version",
    tag = "templates",
    params(
        ("name" = TemplateName, Path, description = "The template"),
        ("version" = u32, Path, minimum = 1, description = "The number of the version"),
        NeededCondition,
    ),
    request_body = TemplateEdit,
    responses((status = 200, description = "So it stands now", body = TemplateView), Editing)
)]
async fn edit_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, version)): Named<(String, String)>,
    MustMatch(expected): MustMatch,
    Body(edit): Body<TemplateEdit>,
) -> Result<Shown, Refused> {
    let (service, reference) = (&api.service, numbered(&name, &version)?);
    let view = service.edit_template(&caller, &reference, &edit, expected.as_ref());
    Ok(of_version(view.await?))
}

/// Say of a template that people should use something else
#[utoipa::path(
    post, path = "/v1/templates/{name}/deprecate", operation_id = "deprecate_template",
    tag = "templates",
    params(("name" = TemplateName, Path, description = "The template"), Condition),
    responses((status = 200, description = "So it stands now", body = TemplateView), ActingIf)
)]
async fn deprecate(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    IfMatch(expected): IfMatch,
) -> Result<Shown, Refused> {
    let (service, whole) = (&api.service, whole(&name)?);
    let view = service.deprecate_template(&caller, &whole, true, expected.as_ref());
    Ok(of_template(view.await?))
}

/// Take back that people should use something else than a template
#[utoipa::path(
    post, path = "/v1/templates/{name}/restore", operation_id = "restore_template",
    tag = "templates",
    params(("name" = TemplateName, Path, description = "The template"), Condition),
    responses((status = 200, description = "So it stands now", body = TemplateView), ActingIf)
)]
async fn restore(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    IfMatch(expected): IfMatch,
) -> Result<Shown, Refused> {
    let (service, whole) = (&api.service, whole(&name)?);
    let view = service.deprecate_template(&caller, &whole, false, expected.as_ref());
    Ok(of_template(view.await?))
}

/// Say of a version that people should use another
#[utoipa::path(
    post, path = "/v1/templates/{name}/versions/{version}/deprecate",
    operation_id = "deprecate_version", tag = "templates",
    params(
        ("name" = TemplateName, Path, description = "The template"),
        ("version" = u32, Path, minimum = 1, description = "The number of the version"),
        Condition,
    ),
    responses((status = 200, description = "So it stands now", body = TemplateView), ActingIf)
)]
async fn deprecate_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, version)): Named<(String, String)>,
    IfMatch(expected): IfMatch,
) -> Result<Shown, Refused> {
    let reference = numbered(&name, &version)?;
    let view = api
        .service
        .deprecate_template(&caller, &reference, true, expected.as_ref());
    Ok(of_version(view.await?))
}

/// Take back that people should use another than a version
#[utoipa::path(
    post, path = "/v1/templates/{name}/versions/{version}/restore",
    operation_id = "restore_version", tag = "templates",
    params(
        ("name" = TemplateName, Path, description = "The template"),
        ("version" = u32, Path, minimum = 1, description = "The number of the version"),
        Condition,
    ),
    responses((status = 200, description = "So it stands now", body = TemplateView), ActingIf)
)]
async fn restore_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, version)): Named<(String, String)>,
    IfMatch(expected): IfMatch,
) -> Result<Shown, Refused> {
    let reference = numbered(&name, &version)?;
    let view = api
        .service
        .deprecate_template(&caller, &reference, false, expected.as_ref());
    Ok(of_version(view.await?))
}

/// Delete a template with all of its versions, their AMIs and their snapshots
///
/// It is deleted at once, and its AMIs are removed by and by. What others have too stays.
#[utoipa::path(
    delete, path = "/v1/templates/{name}", operation_id = "delete_template", tag = "templates",
    params(("name" = TemplateName, Path, description = "The template"), Deleting, Condition),
    responses((status = 200, description = "It is deleted, or would be", body = Deletion), ActingIf)
)]
async fn delete(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(how): Params<Deleting>,
    IfMatch(expected): IfMatch,
) -> Result<Json<Deletion>, Refused> {
    let reference = whole(&name)?;
    let service = &api.service;
    Ok(Json(if how.dry_run {
        let plan = service.plan_deletion(&caller, &reference, expected.as_ref());
        plan.await?.undone()
    } else {
        service
            .delete_template(&caller, &reference, how.force, expected.as_ref())
            .await?
    }))
}

/// Delete a version, its AMIs and its snapshots
///
/// Its number and its record stay. What others have too stays.
#[utoipa::path(
    delete, path = "/v1/templates/{name}/versions/{version}", operation_id = "delete_version",
    tag = "templates",
    params(
        ("name" = TemplateName, Path, description = "The template"),
        ("version" = u32, Path, minimum = 1, description = "The number of the version"),
        Deleting,
        Condition,
    ),
    responses((status = 200, description = "It is deleted, or would be", body = Deletion), ActingIf)
)]
async fn delete_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, version)): Named<(String, String)>,
    Params(how): Params<Deleting>,
    IfMatch(expected): IfMatch,
) -> Result<Json<Deletion>, Refused> {
    let reference = numbered(&name, &version)?;
    let service = &api.service;
    Ok(Json(if how.dry_run {
        let plan = service.plan_deletion(&caller, &reference, expected.as_ref());
        plan.await?.undone()
    } else {
        service
            .delete_template(&caller, &reference, how.force, expected.as_ref())
            .await?
    }))
}

/// A reference with a number: what is latest now may be another in a moment.
fn numbered(name: &str, version: &str) -> Result<TemplateRef, Problem> {
    let reference = reference(name, version)?;
    if reference.version.is_some() {
        return Ok(reference);
    }
    let message = "The version is to be named by its number here.";
    Err(Problem::new(Code::InvalidName, message))
}
