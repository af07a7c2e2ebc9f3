//! `/v1/projects/{name}/members` and `/v1/projects/{name}/approvals`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::conditions::{Condition, IfMatch};
use crate::api::identity::Authenticated;
use crate::api::input::{Body, Named, Params};
use crate::api::openapi::{ActingIf, AskingIf, Reading};
use crate::api::{Api, Page, Refused};
use crate::domain::project::{Approval, Member};
use crate::domain::{ProjectName, TemplateName, UserId};
use crate::operations::MemberRequest;
use crate::operations::parts::Paging;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, add, remove))
        .routes(routes!(approvals))
        .routes(routes!(approve, disapprove))
}

/// Who.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Who {
    /// The user.
    #[param(value_type = UserId)]
    user: String,
}

/// The members of a project, by name
#[utoipa::path(
    get, path = "/v1/projects/{name}/members", operation_id = "list_members", tag = "projects",
    params(("name" = ProjectName, Path, description = "The project"), Paging),
    responses((status = 200, description = "So it stands", body = Page<Member>), Reading)
)]
async fn list(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<Member>>, Refused> {
    let name: ProjectName = name.parse()?;
    let (limit, cursor) = (paging.limit()?, paging.cursor);
    let listed = api.service.members(&caller, &name, limit, cursor).await?;
    Ok(Json(listed.into()))
}

/// Add somebody to a project, or give them another role
#[utoipa::path(
    post, path = "/v1/projects/{name}/members", operation_id = "add_member", tag = "projects",
    params(("name" = ProjectName, Path, description = "The project"), Condition),
    request_body = MemberRequest,
    responses((status = 200, description = "They are in it", body = Member), AskingIf)
)]
async fn add(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    IfMatch(expected): IfMatch,
    Body(request): Body<MemberRequest>,
) -> Result<Json<Member>, Refused> {
    let name: ProjectName = name.parse()?;
    let MemberRequest { user, role } = request;
    let service = &api.service;
    let member = service.add_member(&caller, &name, &user, role, expected.as_ref());
    Ok(Json(member.await?))
}

/// Take somebody out of a project; everybody may leave by themselves
#[utoipa::path(
    delete, path = "/v1/projects/{name}/members", operation_id = "remove_member", tag = "projects",
    params(("name" = ProjectName, Path, description = "The project"), Who, Condition),
    responses((status = 204, description = "They are in it no more"), ActingIf)
)]
async fn remove(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(Who { user }): Params<Who>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Refused> {
    let (name, user): (ProjectName, UserId) = (name.parse()?, user.parse()?);
    let service = &api.service;
    let removed = service.remove_member(&caller, &name, &user, expected.as_ref());
    removed.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The templates that a project has approved, by name
#[utoipa::path(
    get, path = "/v1/projects/{name}/approvals", operation_id = "list_approvals", tag = "projects",
    params(("name" = ProjectName, Path, description = "The project"), Paging),
    responses((status = 200, description = "So it stands", body = Page<Approval>), Reading)
)]
async fn approvals(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<Approval>>, Refused> {
    let name: ProjectName = name.parse()?;
    let (limit, cursor) = (paging.limit()?, paging.cursor);
    let listed = api.service.approvals(&caller, &name, limit, cursor).await?;
    Ok(Json(listed.into()))
}

/// Approve a template for a project
#[utoipa::path(
    put, path = "/v1/projects/{name}/approvals/{template}", operation_id = "approve_template",
    tag = "projects",
    params(
        ("name" = ProjectName, Path, description = "The project"),
        ("template" = TemplateName, Path, description = "The template, which may be a built-in one"),
        Condition,
    ),
    responses((status = 200, description = "It is approved", body = Approval), ActingIf)
)]
async fn approve(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, template)): Named<(String, String)>,
    IfMatch(expected): IfMatch,
) -> Result<Json<Approval>, Refused> {
    let (name, template): (ProjectName, TemplateName) = (name.parse()?, template.parse()?);
    let service = &api.service;
    let approved = service.approve(&caller, &name, &template, expected.as_ref());
    Ok(Json(approved.await?))
}

/// Withdraw the approval of a template
#[utoipa::path(
    delete, path = "/v1/projects/{name}/approvals/{template}", operation_id = "disapprove_template",
    tag = "projects",
    params(
        ("name" = ProjectName, Path, description = "The project"),
        ("template" = TemplateName, Path, description = "The template"),
        Condition,
    ),
    responses((status = 204, description = "It is not approved"), ActingIf)
)]
async fn disapprove(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named((name, template)): Named<(String, String)>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Refused> {
    let (name, template): (ProjectName, TemplateName) = (name.parse()?, template.parse()?);
    let service = &api.service;
    let withdrawn = service.disapprove(&caller, &name, &template, expected.as_ref());
    withdrawn.await?;
    Ok(StatusCode::NO_CONTENT)
}
