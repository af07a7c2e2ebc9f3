//! AwaitStopped: checks once whether the instance is stopped.

use super::Step;
use super::env::{Done, Limited};
use super::findings::look_or_fail;
use crate::domain::ec2::InstanceState;
use crate::domain::save::seconds_between;
use crate::domain::{Code, Problem, StepName};
use crate::ports::Call;
use crate::rules::Env;

pub(super) struct AwaitStopped;

impl Step for AwaitStopped {
    const NAME: StepName = StepName::AwaitStopped;
    const CALLS: &'static [Call] = &[Call::Instances, Call::Get, Call::Put];
    type Input = Limited;
    type Output = Done;

    async fn run(env: &Env, input: Limited) -> Result<Done, Problem> {
        let record = env.advance(&input.save, Self::NAME).await?;
        if record.stopped_at.is_some() {
            return Ok(Done { done: true });
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
                return Ok(Done { done: true });
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
        Ok(Done { done: false })
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
