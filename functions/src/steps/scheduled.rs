//! Which instance a schedule saves: the one that it was created for. A name can outlive an instance. If the name refers
//! to another instance by now, nothing is saved, and the owner is told.

use crate::domain::save::SaveState;
use crate::domain::schedule::Schedule;
use crate::domain::template::Version;
use crate::domain::{Code, InstanceId, Problem};
use crate::ports::Instance;
use crate::registry::Stored;
use crate::rules::Env;
use crate::rules::access::Caller;
use crate::rules::lookup::{own_instance, own_instances};
use crate::rules::versions::saved_from;

pub(crate) async fn instance_of(env: &Env, schedule: &Schedule) -> Result<InstanceId, Problem> {
    let (owner, request) = (Caller::new(schedule.owner.clone()), &schedule.request);
    let mut named = own_instances(env, &owner, &request.region, &request.instance).await?;
    named.retain(|instance| !instance.state.is_gone());
    let known = match &schedule.instance_id {
        Some(id) => Some(id.clone()),
        None => last_saved(env, schedule).await?,
    };
    match known {
        // An instance that has been renamed is still the one that is meant.
        Some(id) if named.is_empty() || named.iter().any(|instance| instance.id == id) => Ok(id),
        Some(id) => Err(changed(schedule, &id, &named)),
        None => {
            let found = own_instance(env, &owner, &request.region, &request.instance).await?;
            Ok(found.id)
        }
    }
}

/// Records the instance of a schedule that does not have one yet. If the schedule is changed at the same time, its next
/// run records it.
pub(super) async fn adopt(
    env: &Env,
    stored: &Stored<Schedule>,
    instance: &InstanceId,
) -> Result<(), Problem> {
    if stored.value.instance_id.is_some() {
        return Ok(());
    }
    let note = |schedule: &mut Schedule| schedule.instance_id = Some(instance.clone());
    match env.registry.change_schedule(stored, None, note).await {
        Err(problem) if problem.code != Code::RegistryConflict => Err(problem),
        _ => Ok(()),
    }
}

/// Returns the instance that a schedule saved last, for a schedule created by an older version, which recorded only a
/// name. Returns `None` if it has saved nothing yet.
async fn last_saved(env: &Env, schedule: &Schedule) -> Result<Option<InstanceId>, Problem> {
    let runs = env.registry.runs(schedule).await?.recent;
    for run in runs {
        if run.state == SaveState::Succeeded
            && let Some(save) = env.registry.save(&run.save_id).await?
            && let Ok(instance) = save.value.instance()
        {
            return Ok(Some(instance.id.clone()));
        }
    }
    // Only a limited number of runs is kept; the versions show older saves.
    let versions = env
        .registry
        .all_versions(&schedule.request.template)
        .await?;
    let its = |version: &&Version| {
        version.saved_by == schedule.owner
            && version.schedule.as_ref() == Some(&schedule.name)
            && version.saved_date >= schedule.created_at
    };
    match versions.iter().find(its) {
        Some(version) => saved_from(env, version).await,
        None => Ok(None),
    }
}

fn changed(schedule: &Schedule, id: &InstanceId, named: &[Instance]) -> Problem {
    let (name, called) = (&schedule.name, &schedule.request.instance);
    let now: Vec<&str> = named.iter().map(|instance| instance.id.as_str()).collect();
    let now = now.join(", ");
    let message = format!(
        "The schedule {name} saves the instance {id}, but {called} is now {now}: nothing was saved."
    );
    let hint = format!(
        "To save that instance from now on: prism schedule edit {name} --instance {}. The versions of {id} are kept. Otherwise, delete the schedule: prism schedule delete {name}",
        named.first().map_or("ID", |instance| instance.id.as_str())
    );
    Problem::new(Code::ScheduleInstanceChanged, message).hint(hint)
}
