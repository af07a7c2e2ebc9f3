//! RestartInstance: asks EC2 to start the instance again.

use serde::Serialize;

use super::findings::start;
use super::{SaveRef, Step};
use crate::domain::Problem;
use crate::ports::Call;
use crate::rules::Env;

/// See the module.
pub(super) struct RestartInstance;

/// Whether it was asked, or had been done already.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    asked: bool,
}

impl Step for RestartInstance {
    const NAME: &'static str = "RestartInstance";
    const CALLS: &'static [Call] = &[Call::StartInstance, Call::Get, Call::Put];
    type Input = SaveRef;
    type Output = Output;

    async fn run(env: &Env, input: SaveRef) -> Result<Output, Problem> {
        let record = env.advance(&input, Self::NAME).await?;
        // Of a save that has ended, an execution that comes late owes the instance nothing: who stopped
        // it since meant to.
        if record.running_at.is_some() || record.state.is_final() {
            return Ok(Output { asked: false });
        }
        let id = record.instance()?.id.clone();
        start(env, &input, &record.request.region, &id).await?;
        Ok(Output { asked: true })
    }
}
