//! The AMIs of a save or a copy, and the snapshots behind them.

use std::collections::BTreeMap;

use crate::domain::save::SaveRecord;
use crate::domain::{Code, ImageId, Problem, Region, SnapshotId};
use crate::ports::{Image, ImageFilter, for_reason, from_ec2, reason_code};
use crate::rules::Env;

/// Creates the problem for an AMI that EC2 could not create.
pub(super) fn not_made(id: &ImageId, image: &Image) -> Problem {
    let reason = image.state_reason.as_ref();
    let message = format!(
        "EC2 could not create the AMI {id}: {}.",
        reason_code(reason)
    );
    for_reason(Problem::new(Code::ImageFailed, message), reason)
}

pub(super) async fn snapshots(
    env: &Env,
    record: &SaveRecord,
    images: &BTreeMap<Region, ImageId>,
) -> Result<BTreeMap<Region, Vec<SnapshotId>>, Problem> {
    let mut by_region = BTreeMap::new();
    for (region, image) in images {
        let found = env
            .ec2
            .images(region, &ImageFilter::Ids(vec![image.clone()]))
            .await
            .map_err(from_ec2)?;
        if found.is_empty() {
            let message = format!("The AMI {image} in {region} was deregistered.");
            return Err(Problem::new(Code::ImageFailed, message));
        }
        let listed = found.into_iter().flat_map(|image| image.volumes);
        let ids: Option<Vec<SnapshotId>> = listed.map(|volume| volume.snapshot).collect();
        // There may be more or fewer than planned, because a volume may have been attached or detached.
        let all = |ids: &Vec<_>| !ids.is_empty() && ids.len() >= record.snapshots.len();
        let Some(ids) = ids.filter(all) else {
            return Err(Problem::new(
                Code::NotReady,
                format!("The AMI {image} does not list all of its snapshots yet."),
            ));
        };
        by_region.insert(region.clone(), ids);
    }
    Ok(by_region)
}
