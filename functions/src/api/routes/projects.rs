//! `/v1/projects`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::conditions::{Condition, IfMatch, Tagged, etag};
use crate::api::identity::Authenticated;
use crate::api::input::{Body, Named, Params};
use crate::api::openapi::{ActingIf, Asking, AskingIf, Listing, Reading};
use crate::api::{Api, Page, Refused};
use crate::domain::ProjectName;
use crate::domain::budget::BudgetRequest;
use crate::operations::parts::Paging;
use crate::operations::{
    ProjectCosts, ProjectEdit, ProjectRequest, ProjectTemplateView, ProjectView, TemplateCost,
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, edit, delete))
        .routes(routes!(templates))
        .routes(routes!(set_budget, lift_budget))
        .routes(routes!(costs))
}

/// A project with its ETag.
type Shown = (Tagged, Json<ProjectView>);

fn shown(view: ProjectView) -> Shown {
    (etag(view.tag.clone()), Json(view))
}

/// The projects that you are in, by name
#[utoipa::path(
    get, path = "/v1/projects", operation_id = "list_projects", tag = "projects", params(Paging),
    responses((status = 200, description = "So it stands", body = Page<ProjectView>), Listing)
)]
async fn list(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<ProjectView>>, Refused> {
    paging.limit()?;
    let all = api.service.projects(&caller).await?;
    let key = |view: &ProjectView| [view.project.name.to_string(), String::new()];
    Ok(Json(paging.of("projects", all, key)?))
}

/// Make a project, which you own
///
/// Its name is never another project's, not even when it is deleted.
#[utoipa::path(
    post, path = "/v1/projects", operation_id = "create_project", tag = "projects",
    request_body = ProjectRequest,
    responses((status = 201, description = "It is there", body = ProjectView), Asking)
)]
async fn create(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Body(request): Body<ProjectRequest>,
) -> Result<Response, Refused> {
    let view = api.service.create_project(&caller, request).await?;
    let place = format!("/v1/projects/{}", view.project.name);
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(view)).into_response())
}

/// A project that you are in
#[utoipa::path(
    get, path = "/v1/projects/{name}", operation_id = "show_project", tag = "projects",
    params(("name" = ProjectName, Path, description = "The project")),
    responses((status = 200, description = "So it stands", body = ProjectView), Reading)
)]
async fn show(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
) -> Result<Shown, Refused> {
    let name: ProjectName = name.parse()?;
    Ok(shown(api.service.project(&caller, &name).await?))
}

/// Change what a project says of itself, and whether it launches approved templates alone
#[utoipa::path(
    patch, path = "/v1/projects/{name}", operation_id = "edit_project", tag = "projects",
    params(("name" = ProjectName, Path, description = "The project"), Condition),
    request_body = ProjectEdit,
    responses((status = 200, description = "So it stands now", body = ProjectView), AskingIf)
)]
async fn edit(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    IfMatch(expected): IfMatch,
    Body(edit): Body<ProjectEdit>,
) -> Result<Shown, Refused> {
    let name: ProjectName = name.parse()?;
    let service = &api.service;
    let edited = service.edit_project(&caller, &name, &edit, expected.as_ref());
    Ok(shown(edited.await?))
}

/// Delete a project that no template belongs to
#[utoipa::path(
    delete, path = "/v1/projects/{name}", operation_id = "delete_project", tag = "projects",
    params(("name" = ProjectName, Path, description = "The project"), Condition),
    responses((status = 204, description = "It is gone"), ActingIf)
)]
async fn delete(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Refused> {
    let name: ProjectName = name.parse()?;
    let deleted = api
        .service
        .delete_project(&caller, &name, expected.as_ref());
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The templates of a project that you may see
///
/// First those that belong to it, then those that were shared with it. A page may have fewer items
/// than were asked for, or none, and yet another page behind it.
#[utoipa::path(
    get, path = "/v1/projects/{name}/templates", operation_id = "list_project_templates",
    tag = "projects",
    params(("name" = ProjectName, Path, description = "The project"), Paging),
    responses((status = 200, description = "So it stands", body = Page<ProjectTemplateView>), Reading)
)]
async fn templates(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<ProjectTemplateView>>, Refused> {
    let name: ProjectName = name.parse()?;
    let (limit, cursor) = (paging.limit()?, paging.cursor);
    let listed = api
        .service
        .project_templates(&caller, &name, limit, cursor)
        .await?;
    Ok(Json(listed.into()))
}

/// Set what a project may cost a month
#[utoipa::path(
    put, path = "/v1/projects/{name}/budget", operation_id = "set_budget", tag = "projects",
    params(("name" = ProjectName, Path, description = "The project"), Condition),
    request_body = BudgetRequest,
    responses((status = 200, description = "So it stands now", body = ProjectView), AskingIf)
)]
async fn set_budget(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    IfMatch(expected): IfMatch,
    Body(request): Body<BudgetRequest>,
) -> Result<Shown, Refused> {
    let name: ProjectName = name.parse()?;
    let service = &api.service;
    let set = service.set_budget(&caller, &name, Some(&request), expected.as_ref());
    Ok(shown(set.await?))
}

/// Lift a project's budget
#[utoipa::path(
    delete, path = "/v1/projects/{name}/budget", operation_id = "lift_budget", tag = "projects",
    params(("name" = ProjectName, Path, description = "The project"), Condition),
    responses((status = 204, description = "It has none"), ActingIf)
)]
async fn lift_budget(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Refused> {
    let name: ProjectName = name.parse()?;
    let service = &api.service;
    let lifted = service.set_budget(&caller, &name, None, expected.as_ref());
    lifted.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a project costs, by template, version and Region, from the snapshots as they are
///
/// Its templates come in pages, by name; the sums are those of all of them.
#[utoipa::path(
    get, path = "/v1/projects/{name}/costs", operation_id = "show_project_costs", tag = "projects",
    params(("name" = ProjectName, Path, description = "The project"), Paging),
    responses((status = 200, description = "So it stands", body = ProjectCosts), Reading)
)]
async fn costs(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(paging): Params<Paging>,
) -> Result<Json<ProjectCosts>, Refused> {
    let name: ProjectName = name.parse()?;
    paging.limit()?;
    let mut costs = api.service.project_costs(&caller, &name).await?;
    // What a template costs may change from one page to the next; its name does not.
    let key = |cost: &TemplateCost| [cost.template.to_string(), String::new()];
    costs.templates.sort_by_cached_key(key);
    let page = paging.of(&format!("costs {name}"), costs.templates, key)?;
    costs.templates = page.items;
    costs.cursor = page.cursor;
    Ok(Json(costs))
}
