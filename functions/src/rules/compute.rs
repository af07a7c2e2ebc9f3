//! What instances cost: their meters, and the sums for projects and users.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::{Env, Maker};
use crate::domain::ec2::UNLISTED_S;
use crate::domain::meter::{Charged, Meter, Seen};
use crate::domain::month::Month;
use crate::domain::sizes::usd_per_hour;
use crate::domain::tags::{OWNER_TAG, PROJECT_TAG, TEMPLATE_TAG};
use crate::domain::template::TemplateRef;
use crate::domain::{
    InstanceId, MicroUsd, Problem, ProjectName, Region, Timestamp, UserId, VolumeId,
};
use crate::ports::Instance;
use crate::registry::Payer;

/// The number of hours in a month, by which AWS converts monthly prices.
pub(crate) const HOURS_PER_MONTH: f64 = 730.0;

/// What EC2 says about an instance that matters for its meter. Everyone who can tag instances may have written the
/// tags.
pub(crate) fn seen(instance: &Instance) -> Seen {
    let tag = |name: &str| instance.tags.get(name);
    let template = tag(TEMPLATE_TAG).and_then(|it| it.parse::<TemplateRef>().ok());
    Seen {
        name: instance.name().map(str::to_owned),
        state: instance.state,
        launched_at: instance.launched_at,
        transitioned_at: instance.transitioned_at,
        instance_type: instance.instance_type.clone(),
        usd_per_hour: usd_per_hour(&instance.instance_type).map(MicroUsd::of_usd),
        charged: Charged {
            owner: tag(OWNER_TAG).and_then(|it| it.parse().ok()),
            project: tag(PROJECT_TAG).and_then(|it| it.parse().ok()),
            template: template.map(|it| it.name),
        },
    }
}

/// The IDs of the volumes that are attached to an instance.
pub(crate) fn volumes_of(instance: &Instance) -> BTreeSet<VolumeId> {
    let volumes = instance.volumes.iter();
    volumes.map(|it| it.volume.clone()).collect()
}

/// The meter of an instance after EC2 has said this about it, at `at`.
pub(crate) fn observed(
    meter: Option<Meter>,
    region: &Region,
    instance: &Instance,
    at: Timestamp,
) -> Option<Meter> {
    let seen = seen(instance);
    if meter.is_none() && seen.state.is_gone() {
        return None;
    }
    let new = || Meter::new(region.clone(), instance.id.clone(), &seen);
    let mut meter = meter.unwrap_or_else(new);
    meter.observe(&seen, at);
    Some(meter)
}

/// Updates the meter of an instance by what EC2 says about it now.
pub(crate) async fn observe(
    env: &Env,
    region: &Region,
    instance: &Instance,
) -> Result<(), Problem> {
    observe_at(env, region, instance, env.clock.now()).await
}

/// The same, for an instance that is known to be in its state since `at` at the latest.
pub(crate) async fn observe_at(
    env: &Env,
    region: &Region,
    instance: &Instance,
    at: Timestamp,
) -> Result<(), Problem> {
    if Maker::of(&instance.tags, env.deployment().await?) != Maker::This {
        // It may have been this deployment's, and no longer costs a project anything.
        return end(env, region, &instance.id, at).await;
    }
    let change = |meter| observed(meter, region, instance, at);
    let (registry, now) = (&env.registry, env.clock.now());
    registry
        .change_meter(region, &instance.id, now, change)
        .await
}

/// Ends the meter of an instance that EC2 no longer knows. One that was just launched counts: EC2 may not know it yet.
pub(crate) async fn end(
    env: &Env,
    region: &Region,
    id: &InstanceId,
    at: Timestamp,
) -> Result<(), Problem> {
    let change = |meter: Option<Meter>| {
        let mut meter = meter?;
        if at >= meter.launched_at + TimeDelta::seconds(UNLISTED_S) {
            meter.end(at);
        }
        Some(meter)
    };
    let now = env.clock.now();
    env.registry.change_meter(region, id, now, change).await
}

/// Updates the meter after Prism has changed the state of an instance. The change was made even if this fails, so a
/// failure is only logged: the sweep makes up for it.
pub(crate) async fn note(env: &Env, region: &Region, instance: &Instance) {
    if let Err(problem) = observe(env, region, instance).await {
        tracing::warn!(%region, instance.id = %instance.id, code = %problem.code, problem = problem.chain(), "the meter of an instance was not updated");
    }
}

/// What the instances of a project have cost this month, and cost per hour at present, in USD: their running time and
/// their volumes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Accrued {
    pub(crate) usd: f64,
    pub(crate) usd_per_hour: f64,
}

pub(crate) async fn accrued(env: &Env, project: &ProjectName) -> Result<Accrued, Problem> {
    let now = env.clock.now();
    let payer = Payer::Project(project.clone());
    let totals = env.registry.totals(&payer, now).await?;
    Ok(Accrued {
        usd: totals.used(Month::of(now), now).usd(),
        usd_per_hour: (totals.rate() * 3600).usd(),
    })
}

/// For how many hours the instances of a user have run for a project in a month.
pub async fn hours(
    env: &Env,
    project: &ProjectName,
    user: &UserId,
    month: Month,
) -> Result<f64, Problem> {
    let (registry, now) = (&env.registry, env.clock.now());
    let sum = registry.used_by_member(project, user, month, now).await?;
    Ok(sum.hours())
}
