//! Volumes that a launch of this deployment created and that are attached to no instance. They cost money, but they may
//! contain data that somebody kept deliberately, so they are only reported.

use serde::Serialize;

use crate::domain::pricing::volume_usd_per_month;
use crate::domain::tags::OWNER_TAG;
use crate::domain::{Problem, Region, VolumeId};
use crate::operations::Service;
use crate::ports::from_ec2;
use crate::rules::Maker;

/// A volume that nothing uses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnusedVolume {
    /// The Region of the volume.
    pub region: Region,
    /// The ID of the volume.
    pub id: VolumeId,
    /// The size in GiB.
    pub size_gib: u32,
    /// The user who launched the instance that it was created for.
    pub owner: String,
    /// The name of that instance.
    pub name: Option<String>,
    /// The cost in USD per month at the prices of us-east-1, if the price table contains the volume type.
    pub usd_per_month: Option<f64>,
}

impl Service {
    /// Returns the unused volumes in a Region. Volumes without a deployment tag, or with another deployment's, are ignored
    /// (promise P9).
    pub(super) async fn unused_volumes(
        &self,
        region: &Region,
    ) -> Result<Vec<UnusedVolume>, Problem> {
        let deployment = self.env.deployment().await?;
        let found = self.env.ec2.unused_volumes(region, OWNER_TAG).await;
        let found = found.map_err(from_ec2)?.into_iter();
        let ours = found.filter(|it| Maker::of(&it.tags, deployment) == Maker::This);
        let unused = ours.map(|it| UnusedVolume {
            region: region.clone(),
            usd_per_month: volume_usd_per_month(&it.kind, it.size_gib),
            size_gib: it.size_gib,
            owner: it.tags.get(OWNER_TAG).cloned().unwrap_or_default(),
            name: it.tags.get("Name").cloned(),
            id: it.id,
        });
        Ok(unused.collect())
    }
}
