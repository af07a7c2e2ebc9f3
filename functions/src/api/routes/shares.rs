//! `/v1/templates/{name}/shares`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::conditions::{Condition, IfMatch};
use crate::api::identity::Authenticated;
use crate::api::input::{Body, Named, Params, Trial};
use crate::api::openapi::{ActingIf, AskingIf, Reading};
use crate::api::{Api, Page, Planned, Refused};
use crate::domain::TemplateName;
use crate::domain::grant::{Grant, Grantee};
use crate::operations::parts::Paging;
use crate::operations::{SharePlan, ShareRequest, Shared};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, share, unshare))
}

/// With whom it is shared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SharedWith {
    /// Who has it no more.
    #[param(value_type = Grantee)]
    to: String,
}

/// With whom a template is shared
///
/// For its owner, and for those who manage its project.
#[utoipa::path(
    get, path = "/v1/templates/{name}/shares", operation_id = "list_shares", tag = "shares",
    params(("name" = TemplateName, Path, description = "The template"), Paging),
    responses((status = 200, description = "So it stands", body = Page<Grant>), Reading)
)]
async fn list(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<Grant>>, Refused> {
    let name: TemplateName = name.parse()?;
    paging.limit()?;
    let all = api.service.shares(&caller, &name).await?;
    let key = |grant: &Grant| [grant.to.to_string(), String::new()];
    Ok(Json(paging.of(&format!("shares {name}"), all, key)?))
}

/// Share a template
///
/// With a user or a project of this deployment, another AWS account, an organisation, or everybody as
/// far as the deployment means that. Accounts and organisations may then launch the AMIs of all of its
/// versions, in every Region, and of those that come. With `dry_run`, it tells what to know before.
#[utoipa::path(
    post, path = "/v1/templates/{name}/shares", operation_id = "share_template", tag = "shares",
    params(("name" = TemplateName, Path, description = "The template"), Trial, Condition),
    request_body = ShareRequest,
    responses(
        (status = 200, description = "The plan, where `dry_run` asks for no more", body = Planned<SharePlan>),
        (status = 201, description = "It is shared", body = Shared),
        AskingIf,
    )
)]
async fn share(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(Trial { dry_run }): Params<Trial>,
    IfMatch(expected): IfMatch,
    Body(request): Body<ShareRequest>,
) -> Result<Response, Refused> {
    let (service, name, expected): (_, TemplateName, _) =
        (&api.service, name.parse()?, expected.as_ref());
    if dry_run {
        let plan = service.plan_share(&caller, &name, &request, expected);
        let plan = plan.await?;
        return Ok(Json(Planned { dry_run, plan }).into_response());
    }
    let shared = service.share(&caller, &name, &request, expected).await?;
    Ok((StatusCode::CREATED, Json(shared)).into_response())
}

/// Take a share back
#[utoipa::path(
    delete, path = "/v1/templates/{name}/shares", operation_id = "unshare_template", tag = "shares",
    params(("name" = TemplateName, Path, description = "The template"), SharedWith, Condition),
    responses((status = 204, description = "It is taken back"), ActingIf)
)]
async fn unshare(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(SharedWith { to }): Params<SharedWith>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Refused> {
    let name: TemplateName = name.parse()?;
    let request = ShareRequest {
        to,
        publish_sensitive: false,
    };
    let service = &api.service;
    let taken_back = service.unshare(&caller, &name, &request, expected.as_ref());
    taken_back.await?;
    Ok(StatusCode::NO_CONTENT)
}
