//! RestartInstance: requests the start of the instance.

use serde::Serialize;

use super::findings::start;
use super::{SaveRef, Step, turns};
use crate::domain::{Problem, StepName};
use crate::ports::Call;
use crate::rules::Env;

pub(super) struct RestartInstance;

/// Whether this run requested the start; false if that was not necessary any more.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    asked: bool,
}

impl Step for RestartInstance {
    const NAME: StepName = StepName::RestartInstance;
    const CALLS: &'static [Call] = &[Call::StartInstance, Call::Get, Call::Put, Call::Update];
    type Input = SaveRef;
    type Output = Output;

    async fn run(env: &Env, input: SaveRef) -> Result<Output, Problem> {
        let record = env.advance(&input, Self::NAME).await?;
        // If the save has ended, this execution comes late and owes the instance nothing: if it is stopped now,
        // somebody has stopped it on purpose.
        if record.running_at.is_some() || record.state.is_final() {
            return Ok(Output { asked: false });
        }
        let (region, id) = (&record.request.region, &record.instance()?.id);
        start(env, &input, region, id).await?;
        turns::count_restart(env, region).await;
        Ok(Output { asked: true })
    }
}

#[cfg(test)]
repeated!(RestartInstance: Succeeds, Reboots, Strands);
