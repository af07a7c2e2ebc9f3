//! Lookup of what callers name: their instances, and Regions.

use std::collections::BTreeSet;

use super::access::{Action, Caller};
use super::{Env, Maker, holdings};
use crate::domain::ids::shown;
use crate::domain::{Code, InstanceId, Problem, Region};
use crate::ports::{Instance, InstanceFilter, from_ec2};

/// Finds the caller's instance with that ID or name. An instance of another user is refused as one that does not exist
/// (promise P7), and so is an instance of another deployment, even if the caller owns it (promise P9). One that was just
/// launched is found although EC2 does not list it yet.
pub(crate) async fn own_instance(
    env: &Env,
    caller: &Caller,
    region: &Region,
    name: &str,
) -> Result<Instance, Problem> {
    let mut found = own_instances(env, caller, region, name).await?;
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(|instance| instance.id.as_str()).collect();
        let message = format!("{} instances are named {name}.", found.len());
        let hint = format!("Use the instance ID: {}.", ids.join(", "));
        return Err(Problem::new(Code::InstanceNameAmbiguous, message).hint(hint));
    }
    if found.is_empty() {
        found.extend(holdings::just_launched(env, &caller.user, region, name).await?);
    }
    found.pop().ok_or_else(|| {
        let message = format!("You have no instance {} in {region}.", shown(name));
        Problem::new(Code::InstanceNotFound, message)
    })
}

pub(crate) async fn own_instances(
    env: &Env,
    caller: &Caller,
    region: &Region,
    name: &str,
) -> Result<Vec<Instance>, Problem> {
    let filter = match name.parse::<InstanceId>() {
        Ok(id) => InstanceFilter::Ids(vec![id]),
        Err(_) => InstanceFilter::Tag("Name".to_owned(), name.to_owned()),
    };
    let mut found = match env.ec2.instances(region, &filter).await {
        Ok(found) => found,
        Err(error) if error.is_not_found() => Vec::new(),
        Err(error) => return Err(from_ec2(error)),
    };
    let deployment = env.deployment().await?;
    found.retain(|instance| {
        caller.may(Action::Change, instance) && !Maker::is_another(&instance.tags, deployment)
    });
    Ok(found)
}

/// Refuses a Region that the account cannot use.
pub(crate) async fn check_regions(
    env: &Env,
    regions: impl IntoIterator<Item = &Region>,
) -> Result<(), Problem> {
    let enabled: BTreeSet<Region> = env
        .ec2
        .regions()
        .await
        .map_err(from_ec2)?
        .into_iter()
        .collect();
    for region in regions {
        if !enabled.contains(region) {
            let names: Vec<&str> = enabled.iter().map(Region::as_str).collect();
            let message =
                format!("The Region {region} does not exist or is not enabled for the account.");
            let hint = format!("Enabled Regions: {}.", names.join(", "));
            return Err(Problem::new(Code::InvalidRegion, message).hint(hint));
        }
    }
    Ok(())
}
