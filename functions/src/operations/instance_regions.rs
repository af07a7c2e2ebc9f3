//! Instances in several Regions at once.

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Service;
use crate::domain::{Problem, Region};
use crate::ports::{Instance, InstanceFilter, from_ec2};
use crate::rules::Maker;

/// How many Regions are asked side by side.
const AT_ONCE: usize = 8;

/// A Region that did not answer, so that its instances are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnavailableRegion {
    /// The Region.
    pub region: Region,
    /// The code of the problem.
    pub code: String,
    /// What happened.
    pub message: String,
}

impl UnavailableRegion {
    fn of(region: &Region, problem: &Problem) -> Self {
        Self {
            region: region.clone(),
            code: problem.code.as_str().to_owned(),
            message: problem.message.clone(),
        }
    }
}

/// The instances that were found, and the Regions that did not answer.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) found: Vec<(Region, Instance)>,
    pub(super) unavailable: Vec<UnavailableRegion>,
}

impl Service {
    /// Returns the Regions that are enabled for the account and that the deployment allows, by name.
    pub(super) async fn usable_regions(&self) -> Result<Vec<Region>, Problem> {
        let mut regions = self.env.ec2.regions().await.map_err(from_ec2)?;
        let allowed = &self.env.settings.allowed_regions;
        regions.retain(|region| allowed.check([region]).is_ok());
        regions.sort();
        Ok(regions)
    }

    /// Returns the instances in a Region, without those of another deployment.
    pub(super) async fn instances_in(
        &self,
        region: &Region,
        filter: &InstanceFilter,
    ) -> Result<Vec<(Region, Instance)>, Problem> {
        let deployment = self.env.deployment().await?;
        let found = self.env.ec2.instances(region, filter).await;
        let ours = |it: &Instance| !Maker::is_another(&it.tags, deployment);
        let found = found.map_err(from_ec2)?.into_iter().filter(ours);
        Ok(found.map(|instance| (region.clone(), instance)).collect())
    }

    /// Returns the instances in all usable Regions. A Region that does not answer is named, and the others are still
    /// returned.
    pub(super) async fn instances_everywhere(
        &self,
        filter: &InstanceFilter,
    ) -> Result<Looked, Problem> {
        let regions = self.usable_regions().await?;
        self.instances_in_each(&regions, filter).await
    }

    /// The same, in these Regions.
    pub(super) async fn instances_in_each(
        &self,
        regions: &[Region],
        filter: &InstanceFilter,
    ) -> Result<Looked, Problem> {
        let mut looked = Looked::default();
        // Read first, so that a registry that does not respond is not reported as a problem of each Region.
        self.env.deployment().await?;
        for some in regions.chunks(AT_ONCE) {
            let asked = some.iter().map(|region| self.instances_in(region, filter));
            for (region, found) in some.iter().zip(join_all(asked).await) {
                match found {
                    Ok(found) => looked.found.extend(found),
                    Err(problem) => {
                        tracing::warn!(%region, problem = problem.chain(), "a Region did not answer");
                        let unavailable = UnavailableRegion::of(region, &problem);
                        looked.unavailable.push(unavailable);
                    }
                }
            }
        }
        Ok(looked)
    }
}
