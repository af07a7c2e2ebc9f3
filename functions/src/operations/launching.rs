//! The operation that launches an instance.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::{Accepted, DryRun, Either, IdempotencyKey, Json, Trial};
use super::{Asked, InstanceView, LaunchPlan, LaunchRequest, Service};
use crate::operations::operation::{Answered, operation};
use crate::rules::access::Caller;

/// An instance that was launched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Launched {
    /// The instance, which is pending.
    pub instance: InstanceView,
    /// The resolved plan of the launch.
    pub plan: LaunchPlan,
}

operation! {
    /// Launches an instance
    ///
    /// Requests of the same caller with the same `Idempotency-Key` are the same launch.
    LaunchInstance by launch_instance: Post "/v1/instances" of "instances",
    query: DryRun, head: IdempotencyKey, body: Json<LaunchRequest>,
    output: Trial<LaunchPlan, Accepted<Launched>>,
    repeatable: |asked| asked.query.dry_run || asked.head.0.is_some(),
}

async fn launch_instance(
    service: &Service,
    caller: &Caller,
    asked: Asked<LaunchInstance>,
) -> Answered<LaunchInstance> {
    let Json(mut request) = asked.body;
    request.request_id = asked.head.0;
    if asked.query.dry_run {
        let plan = service.plan_launch(caller, &request);
        return plan.await.map(Trial::plan);
    }
    let (plan, instance) = service.launch(caller, &request).await?;
    let place = format!("/v1/instances/{}?region={}", instance.id, instance.region);
    let launched = Accepted::new(Launched { instance, plan });
    Ok(Either::Other(launched.at(place)))
}
