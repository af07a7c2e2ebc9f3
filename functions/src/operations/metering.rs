//! Keeps the meters of instances right, whoever starts and stops them: by events, and by the sweep.

use std::collections::{BTreeMap, BTreeSet};

use super::Service;
use crate::domain::meter::Meter;
use crate::domain::pricing::volume_usd_per_month;
use crate::domain::tags::DEPLOYMENT_TAG;
use crate::domain::{InstanceId, MicroUsd, Problem, ProjectName, Region, Timestamp, VolumeId};
use crate::ports::{Instance, InstanceFilter, Volume, from_ec2};
use crate::rules::compute::{self, HOURS_PER_MONTH};
use crate::steps::look;

/// The number of meters that are read at once.
const PAGE: usize = 100;
/// The number of volumes that are requested at once.
const VOLUMES: usize = 200;

type Open = BTreeMap<(Region, InstanceId), Meter>;

impl Service {
    /// Updates the meters of all instances of this deployment by what EC2 says, and ends those of instances that are
    /// gone. A Region that does not answer is left for the next time. Returns the projects that have instances.
    pub(super) async fn sweep_meters(&self) -> Result<BTreeSet<ProjectName>, Problem> {
        let deployment = self.env.deployment().await?.to_string();
        let filter = InstanceFilter::Tag(DEPLOYMENT_TAG.to_owned(), deployment);
        let looked = self.instances_everywhere(&filter).await?;
        let mut open = self.open_meters().await?;
        let now = self.env.clock.now();
        let mut projects: BTreeSet<ProjectName> = open.values().filter_map(project_of).collect();
        let mut unmeasured: BTreeMap<Region, Vec<Instance>> = BTreeMap::new();
        for (region, instance) in looked.found {
            let meter = open.remove(&(region.clone(), instance.id.clone()));
            let after = compute::observed(meter.clone(), &region, &instance, now);
            if after != meter {
                compute::observe(&self.env, &region, &instance).await?;
            }
            projects.extend(after.as_ref().and_then(project_of));
            let volumes = Some(compute::volumes_of(&instance));
            if after.is_some_and(|meter| meter.volumes != volumes) {
                unmeasured.entry(region).or_default().push(instance);
            }
        }
        for (region, instances) in unmeasured {
            self.measure(&region, &instances).await?;
        }
        let silent: BTreeSet<Region> = looked.unavailable.into_iter().map(|it| it.region).collect();
        for (region, id) in open.into_keys() {
            if silent.contains(&region) {
                continue;
            }
            // A Region that the deployment allows no longer may not answer any more. The others are still measured.
            match look(&*self.env.ec2, &region, &id).await {
                Ok(found) => self.observe_found(&region, &id, found, now).await?,
                Err(problem) => {
                    tracing::warn!(%region, instance.id = %id, code = %problem.code, problem = problem.chain(), "an instance could not be measured");
                }
            }
        }
        Ok(projects)
    }

    pub(super) async fn open_meters(&self) -> Result<Open, Problem> {
        let (mut open, mut cursor) = (Open::new(), None);
        loop {
            let page = self.env.registry.open_meters(PAGE, cursor).await?;
            let keyed = |it: Meter| ((it.region.clone(), it.instance.clone()), it);
            open.extend(page.items.into_iter().map(keyed));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(open);
            }
        }
    }

    /// Updates the meter of an instance that an event is about, if it has one. Instances that are not Prism's cost one
    /// read. `down_since` is the time of the event if it says that the instance has stopped or was terminated.
    pub(super) async fn meter_event(
        &self,
        region: &Region,
        id: &InstanceId,
        down_since: Option<Timestamp>,
    ) -> Result<(), Problem> {
        if self.env.registry.meter(region, id).await?.is_none() {
            return Ok(());
        }
        let now = self.env.clock.now();
        let at = down_since.filter(|at| *at <= now).unwrap_or(now);
        let found = look(&*self.env.ec2, region, id).await?;
        self.observe_found(region, id, found, at).await
    }

    async fn observe_found(
        &self,
        region: &Region,
        id: &InstanceId,
        found: Option<Instance>,
        at: Timestamp,
    ) -> Result<(), Problem> {
        let Some(instance) = found else {
            return compute::end(&self.env, region, id, at).await;
        };
        // An event from before the last start says nothing about when the instance stopped since.
        let at = Some(at).filter(|at| *at >= instance.launched_at);
        let at = at.unwrap_or_else(|| self.env.clock.now());
        compute::observe_at(&self.env, region, &instance, at).await
    }

    /// Determines the price of the attached volumes. If EC2 refuses, they are not counted until a later sweep.
    async fn measure(&self, region: &Region, instances: &[Instance]) -> Result<(), Problem> {
        let ids: Vec<VolumeId> = instances.iter().flat_map(compute::volumes_of).collect();
        let mut found = BTreeMap::new();
        for some in ids.chunks(VOLUMES) {
            match self.env.ec2.volumes(region, some).await {
                Ok(volumes) => found.extend(volumes.into_iter().map(|it| (it.id.clone(), it))),
                Err(error) => {
                    let problem = from_ec2(error);
                    tracing::warn!(%region, code = %problem.code, problem = problem.chain(), "the volumes of instances could not be read");
                }
            }
        }
        let now = self.env.clock.now();
        for instance in instances {
            let volumes = compute::volumes_of(instance);
            if !volumes.iter().all(|id| found.contains_key(id)) {
                continue;
            }
            let price = price(volumes.iter().filter_map(|id| found.get(id)));
            let change = |meter: Option<Meter>| {
                let mut meter = meter?;
                if meter.volumes.as_ref() != Some(&volumes) {
                    meter.set_volumes(volumes.clone(), price, now);
                }
                Some(meter)
            };
            let registry = &self.env.registry;
            registry
                .change_meter(region, &instance.id, now, change)
                .await?;
        }
        Ok(())
    }
}

/// The project that an instance is charged to at present.
pub(super) fn project_of(meter: &Meter) -> Option<ProjectName> {
    meter.current()?.charged.project.clone()
}

/// The price of volumes per hour; `None` if the price table does not contain the type of one of them.
fn price<'a>(mut volumes: impl Iterator<Item = &'a Volume>) -> Option<MicroUsd> {
    let sum = volumes.try_fold(0.0, |sum, it| {
        Some(sum + volume_usd_per_month(&it.kind, it.size_gib)?)
    });
    sum.map(|usd| MicroUsd::of_usd(usd / HOURS_PER_MONTH))
}
