//! AwaitImage: checks once whether the AMI is available.

use super::await_snapshots::of_save;
use super::env::{Done, Limited};
use super::findings::{self, check_stayed_down};
use super::images::{first, not_made};
use super::{SaveRef, Step};
use crate::domain::save::{SaveRecord, seconds_between};
use crate::domain::{Code, ImageId, Problem, Region, StepName};
use crate::ports::{
    Call, Ec2Error, Image, ImageState, Snapshot, SnapshotFilter, SnapshotState, from_ec2,
};
use crate::rules::Env;

/// How long a new AMI may not be listed (EC2 fact 6), in seconds, with a margin.
const UNLISTED_S: f64 = 120.0;

pub(super) struct AwaitImage;

impl Step for AwaitImage {
    const NAME: StepName = StepName::AwaitImage;
    const CALLS: &'static [Call] = &[
        Call::Instances,
        Call::Images,
        Call::Snapshots,
        Call::Get,
        Call::Put,
    ];
    type Input = Limited;
    type Output = Done;

    async fn run(env: &Env, input: Limited) -> Result<Done, Problem> {
        let record = env.advance(&input.save, Self::NAME).await?;
        if record.version.is_some() {
            return Ok(Done { done: true });
        }
        let id = record.image()?;
        let now = env.clock.now();
        let waited = record
            .image_requested_at
            .map_or(0.0, |asked| seconds_between(asked, now));
        let done = look(env, &input.save, &record, waited).await?;
        if done && !record.plan()?.stops() && !record.reboots() {
            // Nobody has looked at an instance that was stopped already since its snapshots began, and the state that
            // was seen then may have been old.
            let instance =
                findings::look(&*env.ec2, &record.request.region, &record.instance()?.id).await?;
            check_stayed_down(&record, instance.as_ref(), record.captured_at)?;
        }
        if !done && waited >= input.limit_s {
            return Err(Problem::new(
                Code::ImageTimedOut,
                format!(
                    "The AMI {id} did not become available within {:.0} s.",
                    input.limit_s
                ),
            ));
        }
        Ok(Done { done })
    }
}

/// Checks the save's AMI, which it has waited for `waited` seconds, and records the progress of its snapshots. No AMI
/// is available before all of its snapshots are completed, so while a known snapshot is pending, EC2 is asked only
/// about the snapshots.
pub(super) async fn look(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
    waited: f64,
) -> Result<bool, Problem> {
    if let Some(pending) = still_pending(env, record).await? {
        note_snapshots(env, save, pending).await?;
        return Ok(false);
    }
    let image = found(env, &record.request.region, record.image()?, waited).await?;
    let snapshots = of_save(env, record, image.as_ref()).await?;
    note_snapshots(env, save, snapshots).await?;
    Ok(image.as_ref().is_some_and(is_available))
}

/// Returns the known snapshots of the AMI if all of them exist and not all are completed.
async fn still_pending(env: &Env, record: &SaveRecord) -> Result<Option<Vec<Snapshot>>, Problem> {
    if record.snapshots.is_empty() {
        return Ok(None);
    }
    let filter = SnapshotFilter::Ids(record.snapshots.clone());
    let snapshots = match env.ec2.snapshots(&record.request.region, &filter).await {
        Ok(snapshots) => snapshots,
        // The state of the AMI says more.
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(from_ec2(error)),
    };
    let in_state = |state| snapshots.iter().filter(|it| it.state == state).count();
    let (pending, completed) = (
        in_state(SnapshotState::Pending),
        in_state(SnapshotState::Completed),
    );
    let waits = pending > 0 && pending + completed == record.snapshots.len();
    Ok(waits.then_some(snapshots))
}

/// Returns whether an AMI is available. A failed or missing AMI is an error with EC2's reason. `waited` is the number
/// of seconds since the AMI became known.
pub(super) async fn available(
    env: &Env,
    region: &Region,
    id: &ImageId,
    waited: f64,
) -> Result<bool, Problem> {
    let image = found(env, region, id, waited).await?;
    Ok(image.as_ref().is_some_and(is_available))
}

fn is_available(image: &Image) -> bool {
    image.state == ImageState::Available
}

/// Returns the AMI if it is pending or available and EC2 lists it already.
async fn found(
    env: &Env,
    region: &Region,
    id: &ImageId,
    waited: f64,
) -> Result<Option<Image>, Problem> {
    match first(env, region, id, Ec2Error::is_gone).await? {
        Some(image) => match image.state {
            ImageState::Available | ImageState::Pending => Ok(Some(image)),
            ImageState::Failed => Err(not_made(id, &image)),
            ImageState::Disabled => Err(Problem::new(
                Code::ImageFailed,
                format!("The AMI {id} was disabled."),
            )),
            ImageState::Deregistered => Err(vanished(id)),
        },
        None if waited < UNLISTED_S => Ok(None),
        None => Err(vanished(id)),
    }
}

fn vanished(id: &ImageId) -> Problem {
    Problem::new(Code::ImageFailed, format!("The AMI {id} was deregistered."))
}

/// Records the snapshots, their progress and, once all are completed, their size.
async fn note_snapshots(
    env: &Env,
    save: &SaveRef,
    snapshots: Vec<Snapshot>,
) -> Result<(), Problem> {
    if snapshots.is_empty() {
        return Ok(());
    }
    let total: usize = snapshots
        .iter()
        .map(|snapshot| usize::from(snapshot.progress_percent))
        .sum();
    let progress = u8::try_from(total / snapshots.len()).unwrap_or(100);
    let bytes: Option<u64> = snapshots
        .iter()
        .map(|snapshot| snapshot.full_size_bytes)
        .sum();
    let mut ids: Vec<_> = snapshots.into_iter().map(|snapshot| snapshot.id).collect();
    ids.sort();
    env.note(save, |record| {
        record.snapshots.clone_from(&ids);
        record.progress_percent = Some(progress);
        record.snapshot_bytes = bytes;
    })
    .await?;
    Ok(())
}

#[cfg(test)]
repeated!(AwaitImage: Succeeds, ImageFails);
