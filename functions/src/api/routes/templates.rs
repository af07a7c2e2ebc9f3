//! `/v1/templates`.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::identity::Authenticated;
use crate::api::input::{Named, Params};
use crate::api::openapi::{Listing, Reading};
use crate::api::pages::Paging;
use crate::api::{Api, Page, Refused};
use crate::domain::template::{TemplateFile, TemplateRef, Version};
use crate::domain::{Problem, TemplateName};
use crate::ports::Inventory;
use crate::service::{TemplateSummary, TemplateView};

/// The media type of a template's file.
const YAML: &str = "application/yaml";

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(versions))
        .routes(routes!(version))
        .routes(routes!(packages))
        .routes(routes!(export))
}

/// The templates that you can launch, by name
#[utoipa::path(
    get, path = "/v1/templates", operation_id = "list_templates", tag = "templates", params(Paging),
    responses((status = 200, description = "So it stands", body = Page<TemplateSummary>), Listing)
)]
async fn list(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<TemplateSummary>>, Refused> {
    let all = api.service.templates(&caller).await?;
    let key = |template: &TemplateSummary| [template.name.clone(), String::new()];
    Ok(Json(paging.of("templates", all, key)?))
}

/// A template with its newest version
#[utoipa::path(
    get, path = "/v1/templates/{name}", operation_id = "show_template", tag = "templates",
    params(("name" = TemplateName, Path, description = "The template")),
    responses((status = 200, description = "So it stands", body = TemplateView), Reading)
)]
async fn show(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
) -> Result<Json<TemplateView>, Refused> {
    let newest = TemplateRef {
        name: name.parse()?,
        version: None,
    };
    Ok(Json(api.service.template(&caller, &newest).await?))
}

/// The versions of a saved template, the newest first
#[utoipa::path(
    get, path = "/v1/templates/{name}/versions", operation_id = "list_versions", tag = "templates",
    params(("name" = TemplateName, Path, description = "The template"), Paging),
    responses((status = 200, description = "So it stands", body = Page<Version>), Reading)
)]
async fn versions(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<Version>>, Refused> {
    let name: TemplateName = name.parse()?;
    let limit = paging.limit()?;
    let listed = api
        .service
        .versions(&caller, &name, limit, paging.cursor())
        .await?;
    Ok(Json(listed.into()))
}

/// A template with one of its versions
#[utoipa::path(
    get, path = "/v1/templates/{name}/versions/{version}", operation_id = "show_version",
    tag = "templates",
    params(
        ("name" = TemplateName, Path, description = "The template"),
        ("version" = u32, Path, minimum = 1, description = "The number of the version, or `latest`"),
    ),
    responses((status = 200, description = "So it stands", body = TemplateView), Reading)
)]
async fn version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, version)): Named<(String, String)>,
) -> Result<Json<TemplateView>, Refused> {
    let reference = reference(&name, &version)?;
    Ok(Json(api.service.template(&caller, &reference).await?))
}

/// What was installed on the instance when the save of a version began; null where nobody told
#[utoipa::path(
    get, path = "/v1/templates/{name}/versions/{version}/packages", operation_id = "list_packages",
    tag = "templates",
    params(
        ("name" = TemplateName, Path, description = "The template"),
        ("version" = u32, Path, minimum = 1, description = "The number of the version, or `latest`"),
    ),
    responses((status = 200, description = "So it stands", body = Option<Inventory>), Reading)
)]
async fn packages(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, version)): Named<(String, String)>,
) -> Result<Json<Option<Inventory>>, Refused> {
    let reference = reference(&name, &version)?;
    Ok(Json(api.service.packages(&caller, &reference).await?))
}

/// The file of a version, in the form in which templates are exchanged
#[utoipa::path(
    get, path = "/v1/templates/{name}/versions/{version}/export", operation_id = "export_version",
    tag = "templates",
    params(
        ("name" = TemplateName, Path, description = "The template"),
        ("version" = u32, Path, minimum = 1, description = "The number of the version, or `latest`"),
    ),
    responses((status = 200, description = "So it stands", body = TemplateFile, content_type = YAML), Reading)
)]
async fn export(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, version)): Named<(String, String)>,
) -> Result<impl IntoResponse, Refused> {
    let reference = reference(&name, &version)?;
    let yaml = api.service.export_template(&caller, &reference).await?;
    Ok(([(CONTENT_TYPE, YAML)], yaml))
}

fn reference(name: &str, version: &str) -> Result<TemplateRef, Problem> {
    format!("{name}@{version}").parse()
}
