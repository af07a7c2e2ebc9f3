//! Retention of a schedule's versions: when a save of the schedule has succeeded, the schedule's own versions above the
//! number that it keeps are deleted, oldest first. They are only marked as deleted, as by `prism template delete`; the
//! sweep removes their AMIs and snapshots (ADR 13).

use super::Env;
use super::access::{Action, Caller};
use super::uses::{self, Uses};
use super::versions::{deleted, saved_from};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::clock::is_recent;
use crate::domain::save::SaveRecord;
use crate::domain::schedule::Schedule;
use crate::domain::template::{Template, TemplateState, Version};
use crate::domain::{InstanceId, Problem, Timestamp};
use crate::registry::{Stored, TRIES};
use crate::rules::audit;

/// The maximum number of versions that are deleted after one save; the rest follow after the next.
const AT_ONCE: usize = 10;
/// The maximum number of versions that are considered after one save.
const LOOKS: usize = 50;
/// How long EC2 may take to list a launched instance, in seconds.
const LAUNCH_S: f64 = 900.0;

/// Deletes the versions that a schedule no longer keeps, after one of its saves has succeeded. A failure does not
/// affect the save: the deletion is tried again after the next one.
pub(crate) async fn retain(env: &Env, record: &SaveRecord) {
    if let Err(problem) = remove_surplus(env, record).await {
        let (save, code) = (&record.save_id, problem.code);
        tracing::warn!(save.id = %save, %code, problem = problem.chain(), "old versions of a schedule could not be deleted");
    }
}

async fn remove_surplus(env: &Env, record: &SaveRecord) -> Result<(), Problem> {
    let Some(schedule) = schedule_of(env, record).await? else {
        return Ok(());
    };
    let Some(keep) = schedule.keep else {
        return Ok(());
    };
    let name = &record.request.template;
    let instance = &record.instance()?.id;
    let mut own = env.registry.all_versions(name).await?;
    own.retain(|version| is_own(version, &schedule));
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let own = of_instance(env, own, instance).await?;
    let surplus: Vec<Version> = own.into_iter().skip(keep).collect();
    let Some(template) = env.registry.template(name).await? else {
        return Ok(());
    };
    let uses = uses::of(env, name, &surplus, false).await?;
    if let Some(problem) = &uses.launch_templates.unseen {
        tracing::warn!(template = %name, code = %problem.code, problem = problem.chain(), "old versions of a schedule were not deleted");
    }
    let now = env.clock.now();
    // Versions that stay in use must not block the others.
    let idle = surplus
        .iter()
        .rev()
        .filter(|version| why_kept(&template.value, version, &uses, now).is_none());
    let mut removed = 0;
    for version in idle.take(LOOKS) {
        if removed == AT_ONCE {
            break;
        }
        if remove(env, record, &schedule, version.number).await? {
            removed += 1;
        }
    }
    Ok(())
}

/// Returns the schedule that requested a save, if it still exists.
async fn schedule_of(env: &Env, record: &SaveRecord) -> Result<Option<Schedule>, Problem> {
    let Some(name) = &record.schedule else {
        return Ok(None);
    };
    let stored = env.registry.schedule(&record.saved_by, name).await?;
    let schedule = stored.map(|stored| stored.value);
    // The save may have been requested by an earlier schedule of the same name.
    Ok(schedule.filter(|schedule| record.started_at >= schedule.created_at))
}

/// Returns whether a version counts for the schedule: it keeps and deletes only what it has created itself, and nothing
/// that was saved by hand.
fn is_own(version: &Version, schedule: &Schedule) -> bool {
    version.state != TemplateState::Deleted
        && version.saved_by == schedule.owner
        && version.schedule.as_ref() == Some(&schedule.name)
}

/// Returns the versions that were saved from the instance. Versions of another instance are neither counted nor
/// deleted, even if it has the same name.
async fn of_instance(
    env: &Env,
    versions: Vec<Version>,
    instance: &InstanceId,
) -> Result<Vec<Version>, Problem> {
    let mut own = Vec::new();
    for version in versions {
        let added = version.added.iter();
        let mut others = added.filter(|it| it.saved_from_id.as_ref() != Some(instance));
        if others.next().is_none() && saved_from(env, &version).await?.as_ref() == Some(instance) {
            own.push(version);
        }
    }
    Ok(own)
}

/// Marks a version as deleted if it is not needed. Returns whether it did.
async fn remove(
    env: &Env,
    record: &SaveRecord,
    schedule: &Schedule,
    number: u32,
) -> Result<bool, Problem> {
    let (registry, name) = (&env.registry, &record.request.template);
    let owner = Caller::new(schedule.owner.clone());
    for _ in 0..TRIES {
        let Some(before) = registry.template(name).await? else {
            return Ok(false);
        };
        // The schedule has the rights that its owner has now.
        let may = owner.may_template(registry, Action::Delete, &before.value);
        if before.value.state == TemplateState::Deleted || !may.await? {
            return Ok(false);
        }
        let Some(version) = registry.stored_version(name, number).await? else {
            return Ok(false);
        };
        if version.value.state == TemplateState::Deleted {
            return Ok(false);
        }
        if let Some(why) = needed(env, &before, &version.value).await? {
            tracing::debug!(version = %version.value.reference(), why, "a version stays");
            return Ok(false);
        }
        let now = env.clock.now();
        let after = Template {
            updated_at: now,
            ..before.value.clone()
        };
        let subject = Subject::Template(name.clone());
        let (by, from) = (&schedule.owner, &record.origin);
        let event = audit::of(by, from, now, AuditAction::TemplateDelete, subject)
            .with("version", number)
            .with("schedule", &schedule.name)
            .with("keep", schedule.keep);
        let writes = deleted(&version, now)?;
        // The write fails if the template was changed, for example rolled back to this version or shared, in the
        // meantime.
        let replaced = registry.replace_template(&before, &after, &event, writes);
        if replaced.await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns why a version must not be deleted by a schedule.
async fn needed(
    env: &Env,
    template: &Stored<Template>,
    version: &Version,
) -> Result<Option<&'static str>, Problem> {
    let template = &template.value;
    let uses = uses::of(env, &template.name, std::slice::from_ref(version), false).await?;
    let known = why_kept(template, version, &uses, env.clock.now());
    if known.is_some() {
        return Ok(known);
    }
    let mut images = version.images();
    let shared = images.any(|(region, image)| uses.is_shared(region, image));
    Ok(shared.then_some("another template uses its AMI"))
}

/// Returns the same, without considering shared AMIs: several of the versions to delete may have the same AMI.
fn why_kept(
    template: &Template,
    version: &Version,
    uses: &Uses,
    now: Timestamp,
) -> Option<&'static str> {
    if version.number == template.latest || version.number == template.newest() {
        return Some("it is the latest");
    }
    if uses.shares(version).next().is_some() {
        return Some("it is shared");
    }
    if uses.has_instances(version) {
        return Some("instances run from it");
    }
    if uses.launch_templates.may_name(version) {
        return Some("a launch template refers to its AMI, or EC2 does not report it");
    }
    launched_lately(version, now).then_some("it was launched recently")
}

fn launched_lately(version: &Version, now: Timestamp) -> bool {
    let last = version.usage.last_launched_at;
    last.is_some_and(|at| is_recent(at, LAUNCH_S, now))
}
