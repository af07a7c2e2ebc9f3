//! AwaitSnapshots: looks once whether every volume has its snapshot.
//!
//! A snapshot captures its volume at the moment it is initiated: once each attached volume has one
//! that is pending or completed, the instance may run again (EC2 facts 1 and 2). This is what keeps
//! it down for seconds instead of for the whole image (promise P3).

use serde::{Deserialize, Serialize};

use super::findings::look;
use super::{Env, SAVE_TAG, SaveRef, Step, from_ec2, tags};
use crate::domain::save::{SaveRecord, seconds_between};
use crate::domain::{Code, Problem};
use crate::ports::{Call, ImageFilter, ImageState, Snapshot, SnapshotFilter, SnapshotState};

/// See the module.
pub(super) struct AwaitSnapshots;

/// Which save, and how long the initiation may take in all, in seconds.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    limit_s: f64,
}

/// Whether all are initiated.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    done: bool,
}

impl Step for AwaitSnapshots {
    const NAME: &'static str = "AwaitSnapshots";
    const CALLS: &'static [Call] = &[
        Call::Snapshots,
        Call::Instances,
        Call::Images,
        Call::Get,
        Call::Put,
    ];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        let record = env.advance(&input.save, Self::NAME).await?;
        if record.snapshots_at.is_some() {
            return Ok(Output { done: true });
        }
        let snapshots = of_save(env, &record).await?;
        let now = env.clock.now();
        let missing = missing(&record, &snapshots)?;
        if missing == 0 {
            check_undisturbed(env, &record, &snapshots).await?;
            env.note(&input.save, |record| {
                record.snapshots_at.get_or_insert(now);
            })
            .await?;
            return Ok(Output { done: true });
        }
        check_image(env, &record).await?;
        let asked = record.image_requested_at.unwrap_or(now);
        if seconds_between(asked, now) >= input.limit_s {
            let message = format!(
                "{missing} volumes have no snapshot after {:.0} s.",
                input.limit_s
            );
            return Err(Problem::new(Code::SnapshotsTimedOut, message));
        }
        Ok(Output { done: false })
    }
}

/// The snapshots that carry the save's tag, in its own Region, and were made by the request that made its AMI.
pub(super) async fn of_save(env: &Env, record: &SaveRecord) -> Result<Vec<Snapshot>, Problem> {
    let filter = SnapshotFilter::Tag(SAVE_TAG.to_owned(), record.save_id.to_string());
    let mut snapshots = env
        .ec2
        .snapshots(&record.request.region, &filter)
        .await
        .map_err(from_ec2)?;
    if record.image_attempt.is_some() {
        snapshots.retain(|snapshot| tags::attempt(&snapshot.tags) == record.image_attempt);
    }
    Ok(snapshots)
}

/// How many volumes have no snapshot yet; a failed snapshot is a failure at once.
fn missing(record: &SaveRecord, snapshots: &[Snapshot]) -> Result<usize, Problem> {
    if let Some(failed) = snapshots
        .iter()
        .find(|snapshot| snapshot.state == SnapshotState::Error)
    {
        let message = format!("The snapshot {} of {} failed.", failed.id, failed.volume);
        return Err(Problem::new(Code::SnapshotFailed, message));
    }
    let has = |volume: &crate::domain::VolumeId| {
        snapshots.iter().any(|snapshot| snapshot.volume == *volume)
    };
    Ok(record
        .instance()?
        .volumes
        .keys()
        .filter(|volume| !has(volume))
        .count())
}

/// A volume that was captured after somebody had started the instance holds half-written files.
async fn check_undisturbed(
    env: &Env,
    record: &SaveRecord,
    snapshots: &[Snapshot],
) -> Result<(), Problem> {
    let id = &record.instance()?.id;
    let Some(instance) = look(&*env.ec2, &record.request.region, id).await? else {
        return Ok(());
    };
    let started = instance.launched_at;
    let started_meanwhile = match record.stop_requested_at {
        Some(stopped) => started > stopped,
        // It was stopped already: a start at the very instant in which the save began is somebody's too.
        None => started >= record.started_at,
    };
    let captured_after = |snapshot: &Snapshot| snapshot.started_at >= started;
    if started_meanwhile && snapshots.iter().any(captured_after) {
        let message = format!("Somebody started {id} before its volumes were captured.");
        return Err(Problem::new(Code::InstanceChanged, message));
    }
    Ok(())
}

/// An AMI that has failed will never have its snapshots: there is nothing to wait for.
async fn check_image(env: &Env, record: &SaveRecord) -> Result<(), Problem> {
    let Some(image) = &record.image else {
        return Ok(());
    };
    match env
        .ec2
        .images(
            &record.request.region,
            &ImageFilter::Ids(vec![image.clone()]),
        )
        .await
    {
        Ok(images) => match images.first() {
            Some(found) if found.state == ImageState::Failed => {
                let reason = found
                    .state_reason
                    .as_ref()
                    .map_or("no reason given", |r| r.message.as_str());
                Err(Problem::new(
                    Code::ImageFailed,
                    format!("EC2 could not make the AMI {image}: {reason}."),
                ))
            }
            _ => Ok(()),
        },
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(from_ec2(error)),
    }
}
