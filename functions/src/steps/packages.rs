//! Lists the packages of an instance before it is stopped. The list informs readers of the template; a save never fails
//! because of it, and hardly waits for it.

use std::time::Duration;

use futures::future::{Either, select};

use crate::domain::inventory::Inventory;
use crate::domain::save::{SaveRequest, SavedInstance};
use crate::domain::{InstanceId, Problem, Region, SaveId};
use crate::ports::from_ec2;
use crate::rules::Env;

/// How long a save waits for the list, in seconds. The instance still runs during this time.
const LIMIT_S: u64 = 8;

/// Requests the packages and stores them beside the save's record. A missing list does not fail the save.
pub(super) async fn note(
    env: &Env,
    id: &SaveId,
    request: &SaveRequest,
    instance: &SavedInstance,
) -> Result<(), Problem> {
    let told = match look(env, &request.region, &instance.id).await {
        Ok(told) => told,
        Err(problem) => {
            unlisted(&instance.id, &problem.chain());
            None
        }
    };
    keep(env, id, told.as_ref()).await
}

/// Stores what the instance has reported. When the version is registered, this decides what it shows.
pub(super) async fn keep(env: &Env, id: &SaveId, told: Option<&Inventory>) -> Result<(), Problem> {
    match told {
        Some(inventory) => env.registry.keep_packages(id, inventory).await,
        None => Ok(()),
    }
}

/// Requests the packages and the sensitive files of an instance. Returns `None` if the instance does not respond, or
/// not in time. A temporary error is returned as a problem, because another request may succeed.
pub(crate) async fn look(
    env: &Env,
    region: &Region,
    instance: &InstanceId,
) -> Result<Option<Inventory>, Problem> {
    let asked = env.inspect.packages(region, instance);
    let limit = env
        .clock
        .sleep(env.clock.during(Duration::from_secs(LIMIT_S)));
    match select(asked, limit).await {
        Either::Left((Ok(inventory), _)) => Ok(inventory),
        Either::Left((Err(error), _)) if error.is_temporary() => Err(from_ec2(error)),
        Either::Left((Err(error), _)) => {
            unlisted(instance, &format!("{}: {}", error.code, error.message));
            Ok(None)
        }
        Either::Right(_) => {
            unlisted(instance, "not in time");
            Ok(None)
        }
    }
}

fn unlisted(instance: &InstanceId, reason: &str) {
    tracing::warn!(instance.id = %instance, reason, "the packages could not be listed");
}
