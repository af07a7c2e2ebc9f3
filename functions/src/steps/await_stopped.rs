//! AwaitStopped: checks once whether the instance is stopped.

use serde::{Deserialize, Serialize};

use super::findings::look_or_fail;
use super::{SaveRef, Step};
use crate::domain::ec2::InstanceState;
use crate::domain::save::seconds_between;
use crate::domain::{Code, Problem, StepName};
use crate::ports::Call;
use crate::rules::Env;

pub(super) struct AwaitStopped;

/// The save, and how long the stop may take in total, in seconds.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    limit_s: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    done: bool,
}

impl Step for AwaitStopped {
    const NAME: StepName = StepName::AwaitStopped;
    const CALLS: &'static [Call] = &[Call::Instances, Call::Get, Call::Put];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        let record = env.advance(&input.save, Self::NAME).await?;
        if record.stopped_at.is_some() {
            return Ok(Output { done: true });
        }
        let id = &record.instance()?.id;
        let instance = look_or_fail(&*env.ec2, &record.request.region, id).await?;
        let now = env.clock.now();
        let asked = record.stop_requested_at.unwrap_or(now);
        match instance.state {
            InstanceState::Stopped => {
                env.note(&input.save, |record| {
                    record.stopped_at.get_or_insert(now);
                })
                .await?;
                return Ok(Output { done: true });
            }
            InstanceState::Pending => return Err(started_by_others(id.as_str())),
            InstanceState::Running if instance.launched_at > asked => {
                return Err(started_by_others(id.as_str()));
            }
            _ => {}
        }
        if seconds_between(asked, now) >= input.limit_s {
            let message = format!(
                "The instance {id} was still {} after {:.0} s.",
                instance.state.as_str(),
                input.limit_s
            );
            return Err(Problem::new(Code::StopTimedOut, message));
        }
        Ok(Output { done: false })
    }
}

fn started_by_others(id: &str) -> Problem {
    Problem::new(
        Code::InstanceChanged,
        format!("Somebody started {id} while it was being saved."),
    )
}

#[cfg(test)]
repeated!(AwaitStopped: Succeeds);
