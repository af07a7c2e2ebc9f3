//! The packages of an instance, noted before it is stopped: what a template's readers want to know,
//! and nothing that a save may fail or wait for.

use std::time::Duration;

use futures::future::{Either, select};

use super::Env;
use crate::domain::SaveId;
use crate::domain::save::{SaveRequest, SavedInstance};
use crate::ports::Inventory;

/// How long a save waits for the list, in seconds. The instance still runs.
const LIMIT_S: u64 = 8;

/// Asks for the packages and keeps them beside the save's record. That there are none prevents
/// nothing.
pub(super) async fn note(env: &Env, id: &SaveId, request: &SaveRequest, instance: &SavedInstance) {
    let Some(inventory) = ask(env, id, request, instance).await else {
        return;
    };
    if let Err(problem) = env.registry.keep_packages(id, &inventory).await {
        tracing::warn!(save.id = %id, code = %problem.code, problem = problem.chain(), "the packages could not be kept");
    }
}

async fn ask(
    env: &Env,
    id: &SaveId,
    request: &SaveRequest,
    instance: &SavedInstance,
) -> Option<Inventory> {
    let asked = env.inspect.packages(&request.region, &instance.id);
    let limit = env.clock.sleep(Duration::from_secs(LIMIT_S));
    match select(asked, limit).await {
        Either::Left((Ok(inventory), _)) => inventory,
        Either::Left((Err(error), _)) => {
            let (code, reason) = (error.code.as_str(), error.message.as_str());
            tracing::warn!(save.id = %id, code, reason, "the packages could not be listed");
            None
        }
        Either::Right(_) => {
            tracing::warn!(save.id = %id, "the packages were not listed in time");
            None
        }
    }
}
