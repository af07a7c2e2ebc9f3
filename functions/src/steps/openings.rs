//! Opens AMIs to others in EC2: by launch permissions and, for accounts that may copy them, by their snapshots.

use std::collections::BTreeSet;

use crate::domain::ec2::{LaunchPermission, Opening};
use crate::domain::{AccountId, ImageId, Region, SnapshotId};
use crate::ports::{Ec2, Ec2Error, ImageFilter};

/// Whom an AMI is open to in EC2.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Including the accounts that some of its snapshots are shared with.
    pub(crate) any: BTreeSet<Opening>,
    /// Only the accounts that all of its snapshots are shared with.
    pub(crate) whole: BTreeSet<Opening>,
}

/// Opens an AMI. Repeating it changes nothing.
pub(crate) async fn add(
    ec2: &dyn Ec2,
    region: &Region,
    image: &ImageId,
    whom: &[Opening],
) -> Result<(), Ec2Error> {
    let (launches, copiers) = apart(whom);
    if !launches.is_empty() {
        ec2.add_launch_permissions(region, image, &launches).await?;
    }
    if copiers.is_empty() {
        return Ok(());
    }
    for snapshot in snapshots(ec2, region, image).await? {
        for account in &copiers {
            ec2.share_snapshot(region, &snapshot, account).await?;
        }
    }
    Ok(())
}

/// Closes an AMI. It is not an error if it was not open.
pub(crate) async fn remove(
    ec2: &dyn Ec2,
    region: &Region,
    image: &ImageId,
    whom: &[Opening],
) -> Result<(), Ec2Error> {
    let (launches, copiers) = apart(whom);
    if !launches.is_empty() {
        ec2.remove_launch_permissions(region, image, &launches)
            .await?;
    }
    if copiers.is_empty() {
        return Ok(());
    }
    for snapshot in snapshots(ec2, region, image).await? {
        for account in &copiers {
            ec2.unshare_snapshot(region, &snapshot, account).await?;
        }
    }
    Ok(())
}

/// Reads whom an AMI and its snapshots are open to.
pub(crate) async fn held(
    ec2: &dyn Ec2,
    region: &Region,
    image: &ImageId,
) -> Result<Held, Ec2Error> {
    let launches = ec2.launch_permissions(region, image).await?;
    let launches: BTreeSet<Opening> = launches.into_iter().map(Opening::Launch).collect();
    let mut held = Held {
        any: launches.clone(),
        whole: launches,
    };
    let mut all: Option<BTreeSet<AccountId>> = None;
    for snapshot in snapshots(ec2, region, image).await? {
        let shared: BTreeSet<AccountId> = ec2
            .snapshot_shares(region, &snapshot)
            .await?
            .into_iter()
            .collect();
        held.any.extend(shared.iter().cloned().map(Opening::copies));
        all = Some(match all {
            None => shared,
            Some(before) => before.intersection(&shared).cloned().collect(),
        });
    }
    let all = all.unwrap_or_default();
    held.whole.extend(all.into_iter().map(Opening::copies));
    Ok(held)
}

fn apart(whom: &[Opening]) -> (Vec<LaunchPermission>, Vec<AccountId>) {
    let (mut launches, mut copiers) = (Vec::new(), Vec::new());
    for opening in whom {
        match opening {
            Opening::Launch(launch) => launches.push(launch.clone()),
            Opening::Copies { copies } => copiers.push(copies.clone()),
        }
    }
    (launches, copiers)
}

async fn snapshots(
    ec2: &dyn Ec2,
    region: &Region,
    image: &ImageId,
) -> Result<Vec<SnapshotId>, Ec2Error> {
    let filter = ImageFilter::Ids(vec![image.clone()]);
    let images = ec2.images(region, &filter).await?;
    let volumes = images.into_iter().flat_map(|image| image.volumes);
    Ok(volumes.filter_map(|volume| volume.snapshot).collect())
}
