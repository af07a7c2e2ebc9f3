//! DescribeSnapshots, DeleteSnapshot, and the accounts that may use a snapshot.

use prism_functions::domain::{AccountId, SnapshotId};
use prism_functions::ports::{Ec2 as _, Snapshot, SnapshotFilter};

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::filters::Filters;
use super::super::looks::{self, SnapshotLook};
use super::super::xml::Xml;
use super::done;
use super::images::owners;
use super::volumes::encryption;

const FILTERS: [&str; 6] = [
    "owner-id",
    "snapshot-id",
    "status",
    "tag-key",
    "volume-id",
    "volume-size",
];

/// Returns only the caller's own snapshots: no others are visible here.
pub(super) async fn describe(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let ids: Vec<SnapshotId> = call.params.ids("SnapshotId")?;
    let owners = owners(&mut call)?;
    let filters = Filters::take(&mut call.params, &FILTERS)?;
    let paging = call.listing(!ids.is_empty(), &filters)?;

    let known = looks::snapshots(&call)?;
    let wanted = looks::wanted(ids, &known);
    let filter = SnapshotFilter::Ids(wanted);
    let found = call.ec2.snapshots(&call.region, &filter).await?;
    let account = call.account().to_string();
    let told = looks::paired(found, &known, |it| &it.id);
    let passes = |(snapshot, _): &(Snapshot, SnapshotLook)| {
        let seen = owners.is_empty() || owners.contains(&account);
        seen && filters.pass(&snapshot.tags, |name| field(snapshot, &account, name))
    };
    let (page, next) = paging.cut(told, |(snapshot, _)| snapshot.id.to_string(), passes);

    Ok(Xml::page(
        "snapshotSet",
        &page,
        next,
        |xml, (snapshot, look)| {
            write(xml, &call, snapshot, look);
        },
    ))
}

fn field(snapshot: &Snapshot, owner: &str, name: &str) -> Vec<String> {
    let value = match name {
        "owner-id" => owner.to_owned(),
        "snapshot-id" => snapshot.id.to_string(),
        "status" => snapshot.state.into_str().to_owned(),
        "volume-id" => snapshot.volume.to_string(),
        "volume-size" => snapshot.volume_size_gib.to_string(),
        _ => return Vec::new(),
    };
    vec![value]
}

fn write(xml: &mut Xml, call: &Call, snapshot: &Snapshot, look: &SnapshotLook) {
    xml.text("snapshotId", &snapshot.id);
    xml.text("volumeId", &snapshot.volume);
    xml.text("status", snapshot.state.into_str());
    xml.time("startTime", snapshot.started_at);
    xml.text("progress", format!("{}%", snapshot.progress_percent));
    xml.text("ownerId", call.account());
    xml.text("volumeSize", snapshot.volume_size_gib);
    xml.text("description", &look.description);
    xml.tags(&snapshot.tags);
    encryption(xml, call, &look.encryption);
    xml.text("storageTier", "standard");
    xml.maybe("fullSnapshotSizeInBytes", snapshot.full_size_bytes);
}

pub(super) async fn delete(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let id: SnapshotId = call.params.required_id("SnapshotId")?;
    call.finish()?;
    call.ec2.delete_snapshot(&call.region, &id).await?;
    Ok(done())
}

/// Only `createVolumePermission` for accounts is supported.
pub(super) async fn modify(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let id: SnapshotId = call.params.required_id("SnapshotId")?;
    call.params.only("Attribute", "createVolumePermission")?;
    let operation = call.params.required("OperationType")?;
    let accounts: Vec<AccountId> = call.params.ids("UserId")?;
    let shared = match operation.as_str() {
        "add" => true,
        "remove" => false,
        other => {
            let rule = "it is add or remove";
            return Err(call.params.invalid("OperationType", other, rule));
        }
    };
    call.finish()?;
    let (ec2, region) = (&call.ec2, &call.region);
    for account in &accounts {
        if shared {
            ec2.share_snapshot(region, &id, account).await?;
        } else {
            ec2.unshare_snapshot(region, &id, account).await?;
        }
    }
    Ok(done())
}

pub(super) async fn attribute(mut call: Call) -> Result<Xml, Fault> {
    call.no_dry_run()?;
    let id: SnapshotId = call.params.required_id("SnapshotId")?;
    call.params.only("Attribute", "createVolumePermission")?;
    call.finish()?;
    let held = call.ec2.snapshot_shares(&call.region, &id).await?;
    let mut xml = Xml::new();
    xml.text("snapshotId", &id);
    xml.list("createVolumePermission", &held, |xml, account| {
        xml.text("userId", account);
    });
    Ok(xml)
}
