//! The volumes of an instance.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::{Found, InRegion, InstanceName};
use super::{Asked, Service};
use crate::domain::VolumeId;
use crate::domain::pricing::volume_usd_per_month;
use crate::operations::operation::{Answered, operation};
use crate::ports::from_ec2;
use crate::rules::access::Caller;
use crate::rules::lookup::check_regions;

/// The volumes of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InstanceVolumes {
    /// The attached volumes, by device name.
    pub volumes: Vec<InstanceVolume>,
}

/// A volume that is attached to an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InstanceVolume {
    /// The ID of the volume.
    pub id: VolumeId,
    /// The device name, such as `/dev/sdf`.
    pub device: String,
    /// The size in GiB.
    pub size_gib: u32,
    /// The volume type, such as `gp3`.
    pub kind: String,
    /// Whether the volume is deleted when the instance is terminated. Otherwise it remains, and costs what it cost before.
    pub delete_on_termination: bool,
    /// The cost in USD per month at the prices of us-east-1, if the price table contains the type. Provisioned IOPS and
    /// throughput cost extra.
    pub usd_per_month: Option<f64>,
}

operation! {
    /// Lists the volumes of an instance, and what is deleted with it
    ListVolumes by list_volumes: Get "/v1/instances/{name}/volumes" of "instances",
    path: InstanceName, query: InRegion,
    output: Found<InstanceVolumes>,
    rights: [Change Instance],
}

async fn list_volumes(
    service: &Service,
    caller: &Caller,
    asked: Asked<ListVolumes>,
) -> Answered<ListVolumes> {
    let (InstanceName(name), InRegion { region }) = (asked.path, asked.query);
    check_regions(&service.env, [&region]).await?;
    let instance = service.instance(caller, &region, &name).await?;
    let attached = &instance.volumes;
    let ids: Vec<VolumeId> = attached.iter().map(|it| it.volume.clone()).collect();
    let found = service.env.ec2.volumes(&region, &ids).await;
    let found = found.map_err(from_ec2)?;
    let volumes = attached.iter().filter_map(|attached| {
        let volume = found.iter().find(|it| it.id == attached.volume)?;
        Some(InstanceVolume {
            id: volume.id.clone(),
            device: attached.device.clone(),
            size_gib: volume.size_gib,
            kind: volume.kind.clone(),
            delete_on_termination: attached.delete_on_termination,
            usd_per_month: volume_usd_per_month(&volume.kind, volume.size_gib),
        })
    });
    let mut volumes: Vec<InstanceVolume> = volumes.collect();
    volumes.sort_by(|a, b| a.device.cmp(&b.device));
    Ok(Found::new(InstanceVolumes { volumes }))
}
