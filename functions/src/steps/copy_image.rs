//! CopyImage: takes a turn of the destination Region and, in that turn, requests the copy of the AMI from EC2.
//!
//! If the turn is later, the step returns how long to wait, and the definition runs it again.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{SaveRef, Step, pacing, tags};
use crate::domain::save::{RegionCopy, SaveRecord};
use crate::domain::{Code, ImageId, Problem, Region, StepName, Timestamp};
use crate::ports::{Call, ImageCopy, from_ec2};
use crate::rules::Env;

/// The longest wait at a time, in seconds. A cancelled save notices the cancel after at most this time.
const WAIT_S: i64 = 600;

pub(super) struct CopyImage;

#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    region: Region,
}

/// The copy, which is pending; or, if its turn is later, after how many seconds to run the step again.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    image: Option<ImageId>,
    wait_s: i64,
}

impl Step for CopyImage {
    const NAME: StepName = StepName::CopyImage;
    const CALLS: &'static [Call] = &[Call::CopyImage, Call::Get, Call::Put, Call::Update];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        let record = env.advance(&input.save, Self::NAME).await?;
        match record.copies.get(&input.region) {
            Some(RegionCopy::Copying { image } | RegionCopy::Available { image }) => {
                return Ok(pending(image.clone()));
            }
            // The copy is being cleaned up, or the version is registered without this Region. Another copy would belong
            // to nothing.
            Some(RegionCopy::Failed { cause, .. }) => {
                return Err(Problem::new(Code::CopyFailed, cause));
            }
            None => {}
        }
        let at = turn(env, &input, &record).await?;
        let ahead = at - env.clock.now();
        if ahead > TimeDelta::zero() {
            return Ok(Output {
                image: None,
                wait_s: pacing::whole_seconds(ahead).min(WAIT_S),
            });
        }
        let (source_region, source_image) = record.copied()?;
        let copy = ImageCopy {
            source_region: source_region.clone(),
            source_image: source_image.clone(),
            name: record.image_name(),
            description: tags::description(&record),
            // The same token makes the request idempotent (EC2 fact 8): at most 37 + 1 + 25 of 64 characters.
            client_token: format!("{}-{}", record.save_id, input.region),
            kms_key: env.settings.kms_keys.of(&input.region).map(str::to_owned),
            tags: tags::of_image(
                &record,
                env.deployment().await?,
                &env.settings.resource_tags,
            ),
        };
        // The intent is written first, so that a copy whose response is lost is searched for.
        env.intend(&input.save, |record, now| {
            record.copy_requested_at = Some(now);
        })
        .await?;
        let image = env
            .ec2
            .copy_image(&input.region, &copy)
            .await
            .map_err(from_ec2)?;
        env.note(&input.save, |record| {
            let copying = RegionCopy::Copying {
                image: image.clone(),
            };
            record.copies.entry(input.region.clone()).or_insert(copying);
        })
        .await?;
        Ok(pending(image))
    }
}

/// Returns when the copy's turn is. A later turn is recorded, so that the next run of the step uses the same one. If
/// the step dies before recording it, the turn is lost and the next run takes another.
async fn turn(env: &Env, input: &Input, record: &SaveRecord) -> Result<Timestamp, Problem> {
    if let Some(at) = record.copy_turns.get(&input.region) {
        return Ok(*at);
    }
    let at = pacing::of_copy(env, &input.region).await?;
    if at > env.clock.now() {
        env.note(&input.save, |record| {
            record.copy_turns.insert(input.region.clone(), at);
        })
        .await?;
    }
    Ok(at)
}

fn pending(image: ImageId) -> Output {
    Output {
        image: Some(image),
        wait_s: 0,
    }
}

#[cfg(test)]
repeated!(CopyImage: Succeeds, IsCopied);
