//! `/v1/templates`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::conditions::{Tagged, etag};
use crate::api::identity::Authenticated;
use crate::api::input::{Body, Named, Params, RequestKey, Trial};
use crate::api::openapi::{Asking, Listing, Reading};
use crate::api::{Api, Page, Planned, Refused};
use crate::domain::copy::{CopyPlan, CopyRequest};
use crate::domain::ec2::Architecture;
use crate::domain::inventory::Inventory;
use crate::domain::template::{TemplateRef, Version};
use crate::domain::template_file::TemplateFile;
use crate::domain::{Code, Problem, ProjectName, Region, TemplateName};
use crate::operations::parts::Paging;
use crate::operations::{Started, TemplateFilter, TemplateSummary, TemplateView};

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
        .routes(routes!(copy))
}

/// Which page of which templates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TemplatesPage {
    /// Only your own.
    #[serde(default)]
    mine: bool,
    /// Only those that everybody may use.
    #[serde(default)]
    public: bool,
    /// Only those of a project.
    #[param(value_type = Option<ProjectName>)]
    project: Option<String>,
    /// Only those with words in their name or description that begin like these.
    #[param(min_length = 2, max_length = 100)]
    search: Option<String>,
    /// Only those whose latest version has an AMI for this architecture.
    arch: Option<Architecture>,
    /// The most items of the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: the cursor of the page before.
    cursor: Option<String>,
}

/// The templates that you can launch, by name
///
/// Those that were searched for come by the word that was found, then by name. A page may have fewer
/// than asked for, or none, and still be followed by another: go on while there is a cursor.
#[utoipa::path(
    get, path = "/v1/templates", operation_id = "list_templates", tag = "templates",
    params(TemplatesPage),
    responses((status = 200, description = "So it stands", body = Page<TemplateSummary>), Listing)
)]
async fn list(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Params(asked): Params<TemplatesPage>,
) -> Result<Json<Page<TemplateSummary>>, Refused> {
    let limit = Paging::new(asked.limit, None).limit()?;
    let filter = TemplateFilter {
        mine: asked.mine,
        public: asked.public,
        project: asked.project.as_deref().map(str::parse).transpose()?,
        search: asked.search,
        architecture: asked.arch,
    };
    let listed = api
        .service
        .templates(&caller, &filter, limit, asked.cursor)
        .await?;
    Ok(Json(listed.into()))
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
) -> Result<Shown, Refused> {
    let latest = TemplateRef {
        name: name.parse()?,
        version: None,
    };
    Ok(of_template(api.service.template(&caller, &latest).await?))
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
        .versions(&caller, &name, limit, paging.cursor)
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
) -> Result<Shown, Refused> {
    let reference = reference(&name, &version)?;
    Ok(of_version(api.service.template(&caller, &reference).await?))
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

/// Where to copy a version to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Copies {
    /// The Regions that it lacks, at most 10.
    #[schema(min_items = 1, max_items = 10)]
    regions: BTreeSet<Region>,
    /// Whether whoever asks consents to show the sensitive files of the version once more to all who see it.
    #[serde(default)]
    publish_sensitive: bool,
}

/// Copy a version to Regions that it lacks
///
/// Nothing is saved again, and what the version has stays as it is. Everything that can be checked is
/// checked first. The copy then goes on by itself, as one of your saves: `GET /v1/saves/{id}` tells how
/// it stands, and it can be cancelled there. One that fails leaves nothing.
#[utoipa::path(
    post, path = "/v1/templates/{name}/versions/{version}/copies", operation_id = "copy_version",
    tag = "templates",
    params(
        ("name" = TemplateName, Path, description = "The template"),
        ("version" = u32, Path, minimum = 1, description = "The number of the version"),
        Trial,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 letters, digits, \"-\" or \"_\"",
            min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$"),
    ),
    request_body = Copies,
    responses(
        (status = 200, description = "The plan, where `dry_run` asks for no more", body = Planned<CopyPlan>),
        (status = 202, description = "The copy begins", body = Started),
        Asking,
    )
)]
async fn copy(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, version)): Named<(String, String)>,
    Params(Trial { dry_run }): Params<Trial>,
    RequestKey(key): RequestKey,
    Body(asked): Body<Copies>,
) -> Result<Response, Refused> {
    let reference = reference(&name, &version)?;
    let Some(version) = reference.version else {
        let message = "A copy is of a version by its number, not of the latest.";
        return Err(Problem::new(Code::InvalidName, message).into());
    };
    let request = CopyRequest {
        template: reference.name,
        version,
        regions: asked.regions,
        publish_sensitive: asked.publish_sensitive,
    };
    if dry_run {
        let plan = api.service.plan_copy(&caller, &request).await?;
        return Ok(Json(Planned { dry_run, plan }).into_response());
    }
    let started = api.service.start_copy(&caller, &request, key.as_deref());
    Ok(super::saves::accepted(started.await?))
}

/// A template, with the ETag of what was asked for.
pub(super) type Shown = (Tagged, Json<TemplateView>);

/// A template with its own ETag; a built-in one never changes.
pub(super) fn of_template(view: TemplateView) -> Shown {
    let tag = match &view {
        TemplateView::Saved { revision, .. } => Some(revision.to_string()),
        TemplateView::BuiltIn { .. } => None,
    };
    (etag(tag), Json(view))
}

/// A template with the ETag of its version.
pub(super) fn of_version(view: TemplateView) -> Shown {
    let tag = match &view {
        TemplateView::Saved {
            version_revision, ..
        } => Some(version_revision.to_string()),
        TemplateView::BuiltIn { .. } => None,
    };
    (etag(tag), Json(view))
}

/// The reference that two parts of a path make.
pub(super) fn reference(name: &str, version: &str) -> Result<TemplateRef, Problem> {
    format!("{name}@{version}").parse()
}
