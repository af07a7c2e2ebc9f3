//! `/v1/instances`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::identity::Authenticated;
use crate::api::input::{Body, InRegion, Named, Params, RequestKey, Trial};
use crate::api::openapi::{Acting, Asking, Listing, Reading};
use crate::api::{Api, Launched, Page, Planned, Refused};
use crate::domain::{Code, Region};
use crate::operations::parts::Paging;
use crate::operations::{InstanceView, LaunchPlan, LaunchRequest};
use crate::ports::Instance;
use crate::rules::access::Caller;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, launch))
        .routes(routes!(show, terminate))
        .routes(routes!(start))
        .routes(routes!(stop))
}

/// Which page of which Region's instances.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InstancesPage {
    /// The Region.
    #[param(value_type = Region)]
    region: String,
    /// The most items of the page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: the cursor of the page before.
    cursor: Option<String>,
}

/// Your instances in a Region, by name
#[utoipa::path(
    get, path = "/v1/instances", operation_id = "list_instances", tag = "instances",
    params(InstancesPage),
    responses((status = 200, description = "So it stands", body = Page<InstanceView>), Listing)
)]
async fn list(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Params(asked): Params<InstancesPage>,
) -> Result<Json<Page<InstanceView>>, Refused> {
    let region: Region = asked.region.parse()?;
    let paging = Paging::new(asked.limit, asked.cursor);
    paging.limit()?;
    api.service.check_region(&region).await?;
    let all = api.service.instances(&caller, &region).await?;
    let key = |instance: &InstanceView| [instance.name.clone(), instance.id.clone()];
    Ok(Json(paging.of(&format!("instances {region}"), all, key)?))
}

/// Launch an instance
///
/// The same `Idempotency-Key` of the same caller is the same launch.
#[utoipa::path(
    post, path = "/v1/instances", operation_id = "launch_instance", tag = "instances",
    params(
        Trial,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 letters, digits, \"-\" or \"_\"",
            min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$"),
    ),
    request_body = LaunchRequest,
    responses(
        (status = 200, description = "The plan, where `dry_run` asks for no more", body = Planned<LaunchPlan>),
        (status = 202, description = "The instance begins to start", body = Launched),
        Asking,
    )
)]
async fn launch(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Params(Trial { dry_run }): Params<Trial>,
    RequestKey(key): RequestKey,
    Body(mut request): Body<LaunchRequest>,
) -> Result<Response, Refused> {
    if dry_run {
        let plan = api.service.plan_launch(&caller, &request).await?;
        return Ok(Json(Planned { dry_run, plan }).into_response());
    }
    request.request_id = key;
    let (plan, instance) = api.service.launch(&caller, &request).await?;
    let place = format!("/v1/instances/{}?region={}", instance.id, instance.region);
    let launched = Json(Launched { instance, plan });
    Ok((StatusCode::ACCEPTED, [(LOCATION, place)], launched).into_response())
}

/// How an instance stands
#[utoipa::path(
    get, path = "/v1/instances/{name}", operation_id = "show_instance", tag = "instances",
    params(("name" = String, Path, description = "Its name or its id", min_length = 1, max_length = 128), InRegion),
    responses((status = 200, description = "So it stands", body = InstanceView), Reading)
)]
async fn show(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(place): Params<InRegion>,
) -> Result<Json<InstanceView>, Refused> {
    let region = place.region(&api).await?;
    let view = api.service.instance_view(&caller, &region, &name).await?;
    Ok(Json(view))
}

/// Begin to start a stopped instance
#[utoipa::path(
    post, path = "/v1/instances/{name}/start", operation_id = "start_instance", tag = "instances",
    params(("name" = String, Path, description = "Its name or its id", min_length = 1, max_length = 128), InRegion),
    responses((status = 202, description = "It begins to start", body = InstanceView), Acting)
)]
async fn start(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(place): Params<InRegion>,
) -> Result<Response, Refused> {
    let region = place.region(&api).await?;
    let before = api.service.start_instance(&caller, &region, &name).await?;
    begun(&api, &caller, &region, &before).await
}

/// Begin to stop a running instance; its disk stays
#[utoipa::path(
    post, path = "/v1/instances/{name}/stop", operation_id = "stop_instance", tag = "instances",
    params(("name" = String, Path, description = "Its name or its id", min_length = 1, max_length = 128), InRegion),
    responses((status = 202, description = "It begins to stop", body = InstanceView), Acting)
)]
async fn stop(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(place): Params<InRegion>,
) -> Result<Response, Refused> {
    let region = place.region(&api).await?;
    let before = api.service.stop_instance(&caller, &region, &name).await?;
    begun(&api, &caller, &region, &before).await
}

/// Begin to end an instance for good
#[utoipa::path(
    delete, path = "/v1/instances/{name}", operation_id = "terminate_instance", tag = "instances",
    params(("name" = String, Path, description = "Its name or its id", min_length = 1, max_length = 128), InRegion),
    responses((status = 202, description = "It begins to end", body = InstanceView), Acting)
)]
async fn terminate(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Named(name): Named<String>,
    Params(place): Params<InRegion>,
) -> Result<Response, Refused> {
    let region = place.region(&api).await?;
    let before = api.service.terminate_instance(&caller, &region, &name);
    begun(&api, &caller, &region, &before.await?).await
}

/// How the instance stands once the change has begun. By its id: a name may be another's by now.
async fn begun(
    api: &Api,
    caller: &Caller,
    region: &Region,
    before: &Instance,
) -> Result<Response, Refused> {
    let id = before.id.as_str();
    let view = match api.service.instance_view(caller, region, id).await {
        Ok(view) => view,
        // EC2 forgets instances that are gone.
        Err(problem) if problem.code == Code::InstanceNotFound => {
            InstanceView::of(before, region, None)
        }
        Err(problem) => return Err(problem.into()),
    };
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}
