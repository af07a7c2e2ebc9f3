//! What is done to instances, and the DryRuns that ask whether it may be done.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::ResourceType;

use super::{errors, tag_specifications};
use crate::domain::InstanceId;
use crate::ports::{Ec2Error, Probe, Tags};
use crate::steps::SAVE_TAG;

const STOP: &str = "StopInstances";
const START: &str = "StartInstances";
const CREATE_IMAGE: &str = "CreateImage";

/// What EC2 answers a DryRun that would have succeeded.
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

pub(super) async fn probe(client: &Client, probe: &Probe) -> Result<(), Ec2Error> {
    let answer = match probe {
        Probe::Stop(id) => {
            let request = client.stop_instances().instance_ids(id.as_str());
            let answer = request.dry_run(true).send().await;
            answer.map(drop).map_err(errors::of(STOP))
        }
        Probe::Start(id) => {
            let request = client.start_instances().instance_ids(id.as_str());
            let answer = request.dry_run(true).send().await;
            answer.map(drop).map_err(errors::of(START))
        }
        Probe::CreateImage(id) => {
            // With tags, as the save will ask: they need a permission of their own.
            let tags = Tags::from([(SAVE_TAG.to_owned(), "dry-run".to_owned())]);
            let made = [ResourceType::Image, ResourceType::Snapshot];
            let request = client
                .create_image()
                .instance_id(id.as_str())
                .name(format!("prism-dry-run-{id}"))
                .no_reboot(true)
                .set_tag_specifications(tag_specifications(made, &tags));
            let answer = request.dry_run(true).send().await;
            answer.map(drop).map_err(errors::of(CREATE_IMAGE))
        }
    };
    match answer {
        Err(error) if error.code == WOULD_SUCCEED => Ok(()),
        other => other,
    }
}
