//! CopyImage: asks EC2 for the copy of the AMI in one more Region.

use serde::{Deserialize, Serialize};

use super::{Env, SaveRef, Step, from_ec2, tags};
use crate::domain::save::RegionCopy;
use crate::domain::{Code, ImageId, Problem, Region};
use crate::ports::{Call, ImageCopy};

/// See the module.
pub(super) struct CopyImage;

/// Which save, and to which Region.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    region: Region,
}

/// The copy, which is pending.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    image: ImageId,
}

impl Step for CopyImage {
    const NAME: &'static str = "CopyImage";
    const CALLS: &'static [Call] = &[Call::CopyImage, Call::Get, Call::Put];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        let record = env.advance(&input.save, Self::NAME).await?;
        match record.copies.get(&input.region) {
            Some(RegionCopy::Copying { image } | RegionCopy::Available { image }) => {
                return Ok(Output {
                    image: image.clone(),
                });
            }
            // It is being taken back, or the version is registered without this Region: another copy would be
            // nobody's.
            Some(RegionCopy::Failed { cause, .. }) => {
                return Err(Problem::new(Code::CopyFailed, cause));
            }
            None => {}
        }
        let (source_region, source_image) = record.copied()?;
        let copy = ImageCopy {
            source_region: source_region.clone(),
            source_image: source_image.clone(),
            name: record.image_name(),
            description: tags::description(&record),
            // The same token is the same copy (EC2 fact 8): at most 37 + 1 + 25 of 64 characters.
            client_token: format!("{}-{}", record.save_id, input.region),
            tags: tags::of_image(&record, env.deployment().await?),
        };
        // The intent is written first: a copy whose answer is lost must be looked for.
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
        Ok(Output { image })
    }
}
