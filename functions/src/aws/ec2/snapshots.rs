//! Snapshots: DescribeSnapshots, DeleteSnapshot.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{self, OperationType, SnapshotAttributeName};

use super::keys::Keys;
use super::pages::{self, PAGE_ITEMS};
use super::{any_filter, errors, filter, tag_filter, tags};
use crate::domain::{AccountId, SnapshotId};
use crate::ports::{Ec2Error, Encryption, Snapshot, SnapshotFilter, SnapshotState};

const DESCRIBE: &str = "DescribeSnapshots";
/// How many snapshot IDs one request has. The response to so many has only one page.
const IDS: usize = 200;

pub(super) async fn describe(
    client: &Client,
    wanted: &SnapshotFilter,
) -> Result<Vec<Snapshot>, Ec2Error> {
    let own = client.describe_snapshots().owner_ids("self");
    let request = match wanted {
        SnapshotFilter::Ids(ids) if ids.is_empty() => return Ok(Vec::new()),
        SnapshotFilter::Ids(ids) => {
            own.set_snapshot_ids(Some(ids.iter().map(ToString::to_string).collect()))
        }
        SnapshotFilter::Tag(key, value) => own.filters(tag_filter(key, value)),
        SnapshotFilter::Pending(volumes) if volumes.is_empty() => return Ok(Vec::new()),
        SnapshotFilter::Pending(volumes) => own
            .filters(any_filter("volume-id", volumes))
            .filters(filter("status", "pending")),
        SnapshotFilter::Tagged(key) => own.filters(filter("tag-key", key)).max_results(PAGE_ITEMS),
    };
    let told = pages::all(DESCRIBE, |token| {
        let request = request.clone().set_next_token(token);
        async {
            let page = request.send().await?;
            Ok((page.snapshots.unwrap_or_default(), page.next_token))
        }
    })
    .await?;
    told.iter().map(snapshot).collect()
}

/// Which keys encrypt the snapshots, and who manages them.
pub(super) async fn keys(
    client: &Client,
    kms: &aws_sdk_kms::Client,
    keys: &Keys,
    ids: &[SnapshotId],
) -> Result<BTreeMap<SnapshotId, Encryption>, Ec2Error> {
    let mut found = BTreeMap::new();
    for some in ids.chunks(IDS) {
        let wanted = some.iter().map(ToString::to_string).collect();
        let request = client.describe_snapshots().owner_ids("self");
        let told = request
            .set_snapshot_ids(Some(wanted))
            .send()
            .await
            .map_err(errors::of(DESCRIBE))?;
        for snapshot in told.snapshots() {
            let encryption = match snapshot.kms_key_id() {
                _ if snapshot.encrypted() != Some(true) => Encryption::None,
                Some(key) => keys.encryption(kms, key).await?,
                None => return Err(errors::unreadable(DESCRIBE, "key of an encrypted snapshot")),
            };
            let id = errors::id(DESCRIBE, "snapshot ID", snapshot.snapshot_id())?;
            found.insert(id, encryption);
        }
    }
    Ok(found)
}

pub(super) async fn delete(client: &Client, id: &SnapshotId) -> Result<(), Ec2Error> {
    let request = client.delete_snapshot().snapshot_id(id.as_str());
    request
        .send()
        .await
        .map_err(errors::of("DeleteSnapshot"))
        .map(drop)
}

/// Changes whether an account may create volumes from a snapshot, and so copy an AMI.
pub(super) async fn modify(
    client: &Client,
    id: &SnapshotId,
    account: &AccountId,
    operation: OperationType,
) -> Result<(), Ec2Error> {
    let request = client
        .modify_snapshot_attribute()
        .snapshot_id(id.as_str())
        .attribute(SnapshotAttributeName::CreateVolumePermission)
        .operation_type(operation)
        .user_ids(account.as_str());
    let done = request.send().await;
    done.map_err(errors::of("ModifySnapshotAttribute"))
        .map(drop)
}

/// The accounts that may create volumes from a snapshot.
pub(super) async fn shares(client: &Client, id: &SnapshotId) -> Result<Vec<AccountId>, Ec2Error> {
    let told = client
        .describe_snapshot_attribute()
        .snapshot_id(id.as_str())
        .attribute(SnapshotAttributeName::CreateVolumePermission)
        .send()
        .await
        .map_err(errors::of("DescribeSnapshotAttribute"))?;
    let permissions = told.create_volume_permissions().iter();
    Ok(permissions
        .filter_map(|it| it.user_id()?.parse().ok())
        .collect())
}

fn snapshot(told: &types::Snapshot) -> Result<Snapshot, Ec2Error> {
    Ok(Snapshot {
        id: errors::id(DESCRIBE, "snapshot ID", told.snapshot_id())?,
        volume: errors::id(DESCRIBE, "volume ID", told.volume_id())?,
        state: match told.state() {
            Some(types::SnapshotState::Completed) => SnapshotState::Completed,
            Some(types::SnapshotState::Error) => SnapshotState::Error,
            // The other states that EC2 can return are transitional: recoverable, recovering.
            _ => SnapshotState::Pending,
        },
        progress_percent: told.progress().map_or(0, percent),
        volume_size_gib: errors::size(DESCRIBE, "volume size", told.volume_size())?,
        // EC2 returns 0 while it does not know the size.
        full_size_bytes: told
            .full_snapshot_size_in_bytes()
            .and_then(|bytes| bytes.try_into().ok())
            .filter(|bytes| *bytes > 0),
        started_at: errors::instant(DESCRIBE, "start time", told.start_time())?,
        tags: tags(told.tags()),
    })
}

/// EC2 returns the progress as text, such as `99%`, and as an empty text at first.
fn percent(text: &str) -> u8 {
    text.trim_end_matches('%')
        .parse()
        .map_or(0, |n: u8| n.min(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_a_number_of_percent() {
        for (text, number) in [("", 0), ("0%", 0), ("99%", 99), ("100%", 100), ("soon", 0)] {
            assert_eq!(percent(text), number, "{text}");
        }
    }
}
