//! AwaitCopy: checks once whether a Region's copy is available.

use serde::{Deserialize, Serialize};

use super::await_image::available;
use super::{SaveRef, Step};
use crate::domain::save::RegionCopy;
use crate::domain::{Code, ImageId, Problem, Region, StepName};
use crate::ports::Call;
use crate::rules::Env;

pub(super) struct AwaitCopy;

/// The save and the Region of the copy; how long the copy has been waited for, and the limit, both in seconds.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    region: Region,
    image: ImageId,
    waited_s: f64,
    limit_s: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    done: bool,
}

impl Step for AwaitCopy {
    const NAME: StepName = StepName::AwaitCopy;
    const CALLS: &'static [Call] = &[Call::Images, Call::Get, Call::Put];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        env.advance(&input.save, Self::NAME).await?;
        let done = match available(env, &input.region, &input.image, input.waited_s).await {
            Err(problem) if problem.code == Code::ImageFailed => {
                let message = format!("The copy to {} failed: {}", input.region, problem.message);
                return Err(Problem {
                    source: problem.source,
                    ..Problem::new(Code::CopyFailed, message)
                });
            }
            other => other?,
        };
        if done {
            env.note(&input.save, |record| {
                let image = input.image.clone();
                // A copy that has failed in the meantime is being cleaned up.
                if !matches!(
                    record.copies.get(&input.region),
                    Some(RegionCopy::Failed { .. })
                ) {
                    let available = RegionCopy::Available { image };
                    record.copies.insert(input.region.clone(), available);
                }
            })
            .await?;
        } else if input.waited_s >= input.limit_s {
            let message = format!(
                "The copy {} in {} did not become available within {:.0} s.",
                input.image, input.region, input.limit_s
            );
            return Err(Problem::new(Code::CopyTimedOut, message));
        }
        Ok(Output { done })
    }
}

#[cfg(test)]
repeated!(AwaitCopy: Succeeds, CopyFails, IsCopied);
