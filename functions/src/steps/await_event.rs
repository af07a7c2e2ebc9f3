//! AwaitEvent: records the task token with which an event about the instance or the AMI ends the definition's wait.
//!
//! Its Task ends when the token is answered, or when its time is up. In either case the definition checks the state
//! again, so a lost event only delays the save by the length of one wait.

use serde::{Deserialize, Serialize};

use super::await_image::{self, AwaitImage};
use super::await_running::AwaitRunning;
use super::await_stopped::AwaitStopped;
use super::{SaveRef, Step};
use crate::domain::save::{SaveRecord, seconds_between};
use crate::domain::{Code, Problem, StepName};
use crate::ports::Call;
use crate::registry::{Awaited, Wait};
use crate::rules::Env;

pub(super) struct AwaitEvent;

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Until {
    /// The instance is stopped.
    Stopped,
    /// The instance runs again.
    Running,
    /// The AMI is available.
    Available,
}

/// The save, what it waits for, the task token, how long this wait may take, and how long all waits together may take,
/// in seconds.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    until: Until,
    token: String,
    wait_s: u32,
    limit_s: f64,
}

/// Empty: what counts is the response to the token.
#[derive(Debug, Serialize)]
pub(super) struct Output {}

impl Step for AwaitEvent {
    const NAME: StepName = StepName::AwaitEvent;
    const CALLS: &'static [Call] = &[Call::Images, Call::Snapshots, Call::Get, Call::Put];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        match begin(env, &input).await {
            Ok(false) => Ok(Output {}),
            Ok(true) => Err(missed()),
            // The step that checks the state finds the same problem and reports it.
            Err(problem) if ends_the_wait(problem.code) => Err(missed().because(problem)),
            Err(problem) => Err(problem),
        }
    }
}

impl Until {
    /// Returns the step that checks for the same state. The save's record shows that step during the wait.
    fn step(self) -> StepName {
        match self {
            Until::Stopped => AwaitStopped::NAME,
            Until::Running => AwaitRunning::NAME,
            Until::Available => AwaitImage::NAME,
        }
    }

    fn awaited(self, record: &SaveRecord) -> Result<Awaited<'_>, Problem> {
        Ok(match self {
            Until::Stopped | Until::Running => Awaited::Instance(&record.instance()?.id),
            Until::Available => Awaited::Image(record.image()?),
        })
    }

    /// Returns whether the record already says that the state is reached.
    fn is_noted(self, record: &SaveRecord) -> bool {
        match self {
            Until::Stopped => record.stopped_at.is_some(),
            Until::Running => record.running_at.is_some() || record.finding.is_some(),
            Until::Available => record.version.is_some(),
        }
    }
}

/// Begins the wait, and returns whether it is already over. An AMI is checked after the token is recorded: the check
/// sees whatever happened before it, and any later event finds the token.
async fn begin(env: &Env, input: &Input) -> Result<bool, Problem> {
    let step = input.until.step();
    let record = env.advance(&input.save, step).await?;
    if input.until.is_noted(&record) {
        return Ok(true);
    }
    let now = env.clock.now();
    let wait = Wait {
        save_id: input.save.save_id.clone(),
        epoch: input.save.epoch,
        token: input.token.clone(),
        until: now + chrono::TimeDelta::seconds(input.wait_s.into()),
    };
    let (region, awaited) = (&record.request.region, input.until.awaited(&record)?);
    env.registry.put_wait(region, awaited, &wait).await?;
    // Notices a cancel that came before the token was recorded.
    env.advance(&input.save, step).await?;
    if !matches!(input.until, Until::Available) {
        // The definition has just requested the change or checked it, and checks again in a few seconds.
        return Ok(false);
    }
    let asked = record.image_requested_at;
    let waited = asked.map_or(0.0, |asked| seconds_between(asked, now));
    if waited >= input.limit_s {
        // The step that checks the state handles the time-out.
        return Ok(true);
    }
    await_image::look(env, &input.save, &record, waited).await
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
        "The awaited event happened before the wait began.",
    )
}

#[cfg(test)]
repeated!(AwaitEvent: Succeeds, ImageFails);
