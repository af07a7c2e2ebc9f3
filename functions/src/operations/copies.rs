//! Copies of versions to further Regions: plan and start.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::parts::{Accepted, DryRun, IdempotencyKey, Json, Trial, VersionRef};
use super::{Asked, Service, Started, from_executions};
use crate::domain::copy::{CopyPlan, CopyRequest};
use crate::domain::save::SaveRecord;
use crate::domain::{Code, Problem, Region, SaveId};
use crate::operations::operation::{Answered, operation};
use crate::ports::ExecutionsError;
use crate::rules::access::Caller;
use crate::steps;

/// Where to copy a version to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Copies {
    /// The Regions to copy to, at most 10. The version must not have an AMI there yet.
    #[schema(min_items = 1, max_items = 10)]
    pub regions: BTreeSet<Region>,
    /// Whether you consent to showing the version's sensitive files again to everyone who sees it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_sensitive: bool,
}

operation! {
    /// Copies a version to further Regions
    ///
    /// Nothing is saved again, and the existing AMIs of the version do not change. Everything that can be checked is
    /// checked before the copy begins. The copy then continues asynchronously as one of your saves: `GET
    /// /v1/saves/{id}` returns its state, and you can cancel it like a save. A copy that fails leaves no resources
    /// behind.
    CopyVersion by copy_version: Post "/v1/templates/{name}/versions/{version}/copies" of "templates",
    path: VersionRef, query: DryRun, head: IdempotencyKey, body: Json<Copies>,
    output: Trial<CopyPlan, Accepted<Started>>,
    rights: [Copy Template, SeeShares Template, Contribute Project],
    repeatable: |asked| asked.query.dry_run || asked.head.0.is_some(),
}

async fn copy_version(
    service: &Service,
    caller: &Caller,
    asked: Asked<CopyVersion>,
) -> Answered<CopyVersion> {
    let Json(copies) = asked.body;
    let request = CopyRequest {
        template: asked.path.template,
        version: asked.path.number,
        regions: copies.regions,
        publish_sensitive: copies.publish_sensitive,
    };
    if asked.query.dry_run {
        let subject = steps::check_copy(&service.env, caller, &request).await?;
        return Ok(Trial::plan(subject.plan(&request)));
    }
    let started = started(service, caller, &request, asked.head.0.as_deref()).await?;
    let place = format!("/v1/saves/{}", started.save_id);
    Ok(Trial::Other(Accepted::new(started).at(place)))
}

/// Starts a copy. It is recorded among the caller's saves.
async fn started(
    service: &Service,
    caller: &Caller,
    request: &CopyRequest,
    request_id: Option<&str>,
) -> Result<Started, Problem> {
    request.check()?;
    let (env, executions) = (&service.env, &service.executions);
    let digits = service.digits("copy", &caller.user, request_id)?;
    let save_id: SaveId = format!("save-{digits}").parse()?;
    if let Some(stored) = env.registry.save(&save_id).await? {
        return repeated(&stored.value, request);
    }
    steps::check_copy(env, caller, request).await?;
    let input = input(&save_id, 1, caller, request);
    match executions.start(save_id.as_str(), input.clone()).await {
        Ok(()) => Ok(Started {
            save_id,
            repeated: false,
        }),
        Err(error @ ExecutionsError::AlreadyExists { .. }) => {
            match env.registry.save(&save_id).await? {
                Some(stored) => repeated(&stored.value, request),
                None => service.start_again(save_id, input, error).await,
            }
        }
        Err(error) => Err(from_executions(error)),
    }
}

/// Returns the input of an execution of a copy.
fn input(save_id: &SaveId, epoch: u32, caller: &Caller, request: &CopyRequest) -> Value {
    json!({ "save_id": save_id, "epoch": epoch, "caller": caller, "copy": request })
}

/// Returns the original request of a copy from its record; `None` if the record is not one of a copy.
fn asked(record: &SaveRecord) -> Option<CopyRequest> {
    record.copy_of.as_ref().map(|source| CopyRequest {
        template: record.request.template.clone(),
        version: source.version,
        regions: record.request.copy_to.clone(),
        publish_sensitive: record.request.publish_sensitive,
    })
}

/// Returns the input of the next execution of a copy; `None` if the copy does not continue, because it was cancelled or
/// has begun to clean up.
pub(super) fn going_on(record: &SaveRecord) -> Option<Value> {
    let request = asked(record)?;
    let goes_on = record.cancelled_by.is_none() && record.restore_began_at.is_none();
    let mut caller = Caller::new(record.saved_by.clone());
    caller.origin = record.origin.clone();
    goes_on.then(|| input(&record.save_id, record.epoch, &caller, &request))
}

fn repeated(record: &SaveRecord, request: &CopyRequest) -> Result<Started, Problem> {
    if asked(record).as_ref() == Some(request) {
        return Ok(Started {
            save_id: record.save_id.clone(),
            repeated: true,
        });
    }
    let id = &record.save_id;
    let message = format!("The request ID was already used for {id}, with a different request.");
    Err(Problem::new(Code::RequestIdReused, message))
}
