//! Works on AWS directly with the operator's own credentials: this process reads the registry, calls EC2 and starts
//! executions, all with the caller's permissions.

mod identity;
mod signer;

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region as SdkRegion};
use prism_functions::aws::{Clients, Config, Limits, service};
use prism_functions::domain::audit::Channel;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::Service;
use prism_functions::rules::access::Caller;

use super::Client;
use crate::profile::Profile;

pub(crate) use identity::caller;
pub(crate) use signer::Signer;

/// Opens the deployment that a profile names.
pub(crate) async fn open(profile: &Profile) -> Result<Client, Problem> {
    let (service, caller) = opened(profile).await?;
    Ok(Client::here(service, caller, None))
}

/// Opens the deployment's service, and identifies the caller.
pub(crate) async fn opened(profile: &Profile) -> Result<(Service, Caller), Problem> {
    let config = config(profile)?;
    let clients = Arc::new(clients(profile).await?);
    let user = caller(&clients, profile).await?;
    let machine = profile.state_machine.as_deref().unwrap_or_default();
    let service = service(&clients, &config, machine);
    Ok((service, Caller::new(user).by(Channel::Cli)))
}

/// The deployment's settings, as `prism configure` copied them from the stack. They have the names of the functions'
/// environment variables, so that both are read and checked by the same code.
pub(crate) fn config(profile: &Profile) -> Result<Config, Problem> {
    let list = |items: &[String]| (!items.is_empty()).then(|| items.join(","));
    let variable = |name: &str| match name {
        "PRISM_TABLE" => profile.table.clone(),
        "PRISM_DEPLOYMENT" => profile.deployment.clone(),
        "PRISM_STATE_MACHINE_ARN" => profile.state_machine.clone(),
        "PRISM_EVENT_BUS" => profile.event_bus.clone(),
        "PRISM_ALARM_TOPIC_ARN" => profile.alarm_topic.clone(),
        "PRISM_PUBLIC_SCOPE" => profile.public_scope.clone(),
        "PRISM_ORGANIZATION_ARN" => profile.organization.clone(),
        "PRISM_LAUNCH_NETWORKS" => list(&profile.launch_networks),
        "PRISM_LAUNCH_SUBNETS" => list(&profile.launch_subnets),
        "PRISM_SCHEDULE_GROUP" => profile.schedule_group.clone(),
        "PRISM_SCHEDULE_ROLE_ARN" => profile.schedule_role.clone(),
        "PRISM_SCHEDULE_DLQ_ARN" => profile.dead_letters.clone(),
        "PRISM_ALLOWED_REGIONS" => list(&profile.allowed_regions),
        "PRISM_ALLOWED_INSTANCE_TYPES" => list(&profile.allowed_instance_types),
        "PRISM_EC2_SHARE_PERCENT" => profile.ec2_share_percent.clone(),
        "PRISM_IAM_IDENTITY" => profile.iam_identity.clone(),
        _ => None,
    };
    Config::read(variable).map_err(|error| {
        Problem::new(
            Code::ConfigInvalid,
            "The profile's settings are not valid for a deployment.",
        )
        .because(error)
    })
}

/// Creates the SDK's clients, for the Region and the AWS profile that a profile names.
pub(crate) async fn clients(profile: &Profile) -> Result<Clients, Problem> {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    if let Some(region) = &profile.region {
        loader = loader.region(SdkRegion::new(region.as_str().to_owned()));
    }
    if let Some(name) = &profile.aws_profile {
        loader = loader.profile_name(name);
    }
    Clients::load_with(loader, Limits::OF_A_STEP)
        .await
        .map_err(|error| {
            Problem::new(Code::ConfigInvalid, "No AWS Region is named.")
                .because(error)
                .hint("Name one in the profile, or with --region.")
        })
}
