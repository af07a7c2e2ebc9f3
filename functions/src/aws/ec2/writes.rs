//! Actions on instances, and the DryRuns that check whether they are allowed.

use std::error::Error;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{AttributeValue, Tag};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::errors;
use crate::domain::InstanceId;
use crate::ports::Ec2Error;

const STOP: &str = "StopInstances";
const START: &str = "StartInstances";

/// The error code of a DryRun that would have succeeded.
const WOULD_SUCCEED: &str = "DryRunOperation";

pub(super) async fn stop(client: &Client, id: &InstanceId) -> Result<(), Ec2Error> {
    let request = client.stop_instances().instance_ids(id.as_str());
    request.send().await.map_err(errors::of(STOP)).map(drop)
}

pub(super) async fn start(client: &Client, id: &InstanceId) -> Result<(), Ec2Error> {
    let request = client.start_instances().instance_ids(id.as_str());
    request.send().await.map_err(errors::of(START)).map(drop)
}

pub(super) async fn terminate(client: &Client, id: &InstanceId) -> Result<(), Ec2Error> {
    let request = client.terminate_instances().instance_ids(id.as_str());
    request
        .send()
        .await
        .map_err(errors::of("TerminateInstances"))
        .map(drop)
}

pub(super) async fn rename(client: &Client, id: &InstanceId, name: &str) -> Result<(), Ec2Error> {
    let tag = Tag::builder().key("Name").value(name).build();
    let request = client.create_tags().resources(id.as_str()).tags(tag);
    request
        .send()
        .await
        .map_err(errors::of("CreateTags"))
        .map(drop)
}

pub(super) async fn resize(
    client: &Client,
    id: &InstanceId,
    instance_type: &str,
) -> Result<(), Ec2Error> {
    let to = AttributeValue::builder().value(instance_type).build();
    let request = client.modify_instance_attribute();
    let request = request.instance_id(id.as_str()).instance_type(to);
    request
        .send()
        .await
        .map_err(errors::of("ModifyInstanceAttribute"))
        .map(drop)
}

pub(super) async fn may_stop(client: &Client, id: &InstanceId) -> Result<(), Ec2Error> {
    let request = client.stop_instances().instance_ids(id.as_str());
    would_succeed(STOP, request.dry_run(true).send().await)
}

pub(super) async fn may_start(client: &Client, id: &InstanceId) -> Result<(), Ec2Error> {
    let request = client.start_instances().instance_ids(id.as_str());
    would_succeed(START, request.dry_run(true).send().await)
}

/// The result of a DryRun: EC2 returns a specific error if the action would have succeeded.
pub(super) fn would_succeed<T, E>(
    action: &'static str,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<(), Ec2Error>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match answer.map(drop).map_err(errors::of(action)) {
        Err(error) if error.code == WOULD_SUCCEED => Ok(()),
        other => other,
    }
}
