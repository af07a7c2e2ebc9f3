//! Works on AWS directly with the operator's own credentials: this process reads the registry, calls EC2 and starts
//! executions, all with the caller's permissions.

mod identity;

use std::sync::Arc;

use prism_functions::aws::{Clients, Config, Limits, service};
use prism_functions::domain::audit::Channel;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::Service;
use prism_functions::rules::access::Caller;

use super::{Client, credentials};
use crate::profile::Profile;

pub(crate) use identity::caller;

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
    Config::read(|name| profile.variable(name)).map_err(|error| {
        Problem::new(
            Code::ConfigInvalid,
            "The profile's settings are not valid for a deployment.",
        )
        .because(error)
    })
}

/// Creates the SDK's clients, for the Region and the AWS profile that a profile names.
pub(crate) async fn clients(profile: &Profile) -> Result<Clients, Problem> {
    Clients::load_with(credentials::loader(profile), Limits::OF_A_STEP)
        .await
        .map_err(|error| {
            Problem::new(Code::ConfigInvalid, "No AWS Region is set.")
                .because(error)
                .hint("Set one in the profile, or with --region.")
        })
}
