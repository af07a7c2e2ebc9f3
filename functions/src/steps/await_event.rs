//! AwaitEvent: notes by which token an event about the AMI ends the definition's wait for it.
//!
//! Its Task goes on until somebody answers the token, or its time is up. Whatever comes of it, the
//! definition looks at the AMI again: an event that is lost makes a save late and nothing else.

use serde::{Deserialize, Serialize};

use super::await_image::{AwaitImage, available};
use super::{Env, SaveRef, Step};
use crate::domain::save::seconds_between;
use crate::domain::{Code, Problem};
use crate::ports::Call;
use crate::registry::ImageWait;

/// See the module.
pub(super) struct AwaitEvent;

/// Which save, the token of the wait, and how long the wait may take, in seconds.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    token: String,
    limit_s: u32,
}

/// Nothing: what counts is the answer to the token.
#[derive(Debug, Serialize)]
pub(super) struct Output {}

impl Step for AwaitEvent {
    const NAME: &'static str = "AwaitEvent";
    const CALLS: &'static [Call] = &[Call::Images, Call::Get, Call::Put];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        match begin(env, &input).await {
            Ok(false) => Ok(Output {}),
            Ok(true) => Err(missed()),
            // AwaitImage meets the same, and tells it.
            Err(problem) if ends_the_wait(problem.code) => Err(missed().because(problem)),
            Err(problem) => Err(problem),
        }
    }
}

/// Begins the wait; answers whether it is over already. The look comes after the token is known:
/// what happens before the look is seen by it, and what happens after it finds the token.
async fn begin(env: &Env, input: &Input) -> Result<bool, Problem> {
    // To whoever follows the save, it waits for the AMI all the time.
    let record = env.advance(&input.save, AwaitImage::NAME).await?;
    let (region, image) = (&record.request.region, record.image()?);
    let now = env.clock.now();
    let wait = ImageWait {
        save_id: input.save.save_id.clone(),
        epoch: input.save.epoch,
        token: input.token.clone(),
        until: now + chrono::TimeDelta::seconds(input.limit_s.into()),
    };
    env.registry.put_wait(region, image, &wait).await?;
    // A cancel that came before the token was known.
    env.advance(&input.save, AwaitImage::NAME).await?;
    let waited = record
        .image_requested_at
        .map_or(0.0, |asked| seconds_between(asked, now));
    available(env, region, image, waited).await
}

fn ends_the_wait(code: Code) -> bool {
    matches!(
        code,
        Code::ImageFailed | Code::SaveCancelled | Code::Superseded
    )
}

fn missed() -> Problem {
    Problem::new(
        Code::EventMissed,
        "The wait for the AMI was over before it began.",
    )
}
