//! AwaitSnapshots: checks once whether every volume has its snapshot.
//!
//! A snapshot captures its volume at the moment it is initiated. Once each attached volume has a snapshot that is
//! pending or completed, the instance may run again (EC2 facts 1 and 2). This keeps the downtime to seconds instead of
//! the time that the whole image takes (promise P3).
//!
//! The AMI lists its snapshots, and by their IDs they are found directly, however many snapshots the account has. The
//! AMI does not list them right after its creation; until then they are found by tag.

use super::env::{Done, Limited};
use super::findings::{check_stayed_down, look, rebooting};
use super::images::{first, not_made};
use super::{Step, tags};
use crate::domain::save::{SaveRecord, seconds_between};
use crate::domain::tags::SAVE_TAG;
use crate::domain::{Code, Problem, SnapshotId, StepName, Timestamp, VolumeId};
use crate::ports::{
    Call, Ec2Error, Image, ImageState, Snapshot, SnapshotFilter, SnapshotState, from_ec2,
};
use crate::rules::{Env, Maker};

pub(super) struct AwaitSnapshots;

impl Step for AwaitSnapshots {
    const NAME: StepName = StepName::AwaitSnapshots;
    const CALLS: &'static [Call] = &[
        Call::Snapshots,
        Call::Instances,
        Call::Images,
        Call::Get,
        Call::Put,
    ];
    type Input = Limited;
    type Output = Done;

    async fn run(env: &Env, input: Limited) -> Result<Done, Problem> {
        let record = env.advance(&input.save, Self::NAME).await?;
        if record.snapshots_at.is_some() {
            return Ok(Done { done: true });
        }
        let image = image_of(env, &record).await?;
        let snapshots = of_save(env, &record, image.as_ref()).await?;
        let now = env.clock.now();
        let missing = missing(&record, image.as_ref(), &snapshots)?;
        if missing == 0 {
            check_undisturbed(env, &record, image.as_ref(), &snapshots).await?;
            let captured_at = captured_at(&snapshots);
            let mut ids: Vec<_> = snapshots.into_iter().map(|it| it.id).collect();
            ids.sort();
            env.note(&input.save, |record| {
                record.snapshots_at.get_or_insert(now);
                record.captured_at = captured_at;
                record.snapshots.clone_from(&ids);
            })
            .await?;
            return Ok(Done { done: true });
        }
        let asked = record.image_requested_at.unwrap_or(now);
        if seconds_between(asked, now) >= input.limit_s {
            let message = format!(
                "{missing} volumes had no snapshot after {:.0} s.",
                input.limit_s
            );
            return Err(Problem::new(Code::SnapshotsTimedOut, message));
        }
        Ok(Done { done: false })
    }
}

/// Returns the snapshots of the AMI if it lists all of them.
fn named(image: &Image) -> Option<Vec<SnapshotId>> {
    let named: Option<Vec<_>> = image.volumes.iter().map(|it| it.snapshot.clone()).collect();
    named.filter(|ids| !ids.is_empty())
}

/// Returns the snapshots of the save's AMI in its own Region: those that the AMI lists or, until it does, those that
/// carry the save's tag and were created by the same request as the AMI.
pub(super) async fn of_save(
    env: &Env,
    record: &SaveRecord,
    image: Option<&Image>,
) -> Result<Vec<Snapshot>, Problem> {
    let region = &record.request.region;
    if let Some(ids) = image.and_then(named) {
        match env.ec2.snapshots(region, &SnapshotFilter::Ids(ids)).await {
            // They are not visible everywhere yet.
            Err(error) if error.is_not_found() => {}
            told => return told.map_err(from_ec2),
        }
    }
    let filter = SnapshotFilter::Tag(SAVE_TAG.to_owned(), record.save_id.to_string());
    let told = env.ec2.snapshots(region, &filter).await;
    let mut snapshots = told.map_err(from_ec2)?;
    let deployment = env.deployment().await?;
    snapshots.retain(|snapshot| !Maker::is_another(&snapshot.tags, deployment));
    if record.image_attempt.is_some() {
        snapshots.retain(|snapshot| tags::attempt(&snapshot.tags) == record.image_attempt);
    }
    Ok(snapshots)
}

/// Returns how many volumes have no snapshot yet. A failed snapshot is an error at once.
fn missing(
    record: &SaveRecord,
    image: Option<&Image>,
    snapshots: &[Snapshot],
) -> Result<usize, Problem> {
    if let Some(failed) = snapshots
        .iter()
        .find(|snapshot| snapshot.state == SnapshotState::Error)
    {
        let message = format!("The snapshot {} of {} failed.", failed.id, failed.volume);
        return Err(Problem::new(Code::SnapshotFailed, message));
    }
    let without = |ids: &[SnapshotId]| {
        let has = |id: &SnapshotId| snapshots.iter().any(|snapshot| snapshot.id == *id);
        ids.iter().filter(|id| !has(id)).count()
    };
    // A volume may have been attached or detached between the check of the instance and the creation of the AMI.
    if let Some(ids) = image.and_then(named) {
        return Ok(without(&ids));
    }
    let listed = image.map_or(0, |image| image.volumes.len());
    let has = |volume: &VolumeId| snapshots.iter().any(|snapshot| snapshot.volume == *volume);
    let attached: Vec<_> = match &record.captured_volumes {
        Some(attached) => attached.iter().collect(),
        None => record.instance()?.volumes.keys().collect(),
    };
    let of_instance = attached.into_iter().filter(|volume| !has(volume)).count();
    Ok(of_instance.max(listed.saturating_sub(snapshots.len())))
}

/// Refuses the snapshots if the instance was not down all the time: a volume captured while it runs holds half-written
/// files.
async fn check_undisturbed(
    env: &Env,
    record: &SaveRecord,
    image: Option<&Image>,
    snapshots: &[Snapshot],
) -> Result<(), Problem> {
    let id = &record.instance()?.id;
    let instance = look(&*env.ec2, &record.request.region, id).await?;
    let captured_at = captured_at(snapshots);
    if record.reboots() {
        rebooting::check_undisturbed(record, instance.as_ref(), captured_at)?;
        return rebooting::check_not_forced(record, image, snapshots);
    }
    check_stayed_down(record, instance.as_ref(), captured_at)
}

/// Returns when the last of the volumes was captured.
pub(super) fn captured_at(snapshots: &[Snapshot]) -> Option<Timestamp> {
    snapshots.iter().map(|snapshot| snapshot.started_at).max()
}

/// Returns the AMI if EC2 lists it already. A failed AMI is an error, because it will never have its snapshots.
async fn image_of(env: &Env, record: &SaveRecord) -> Result<Option<Image>, Problem> {
    let Some(id) = &record.image else {
        return Ok(None);
    };
    let region = &record.request.region;
    match first(env, region, id, Ec2Error::is_not_found).await? {
        Some(failed) if failed.state == ImageState::Failed => Err(not_made(id, &failed)),
        found => Ok(found),
    }
}

#[cfg(test)]
repeated!(AwaitSnapshots: Succeeds, Reboots, SnapshotFails);
