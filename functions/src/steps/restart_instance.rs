//! RestartInstance: asks EC2 to start the instance again.

use serde::Serialize;

use super::{Env, SaveRef, Step, from_ec2};
use crate::domain::{Code, Problem};
use crate::ports::Call;

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
        if record.running_at.is_some() {
            return Ok(Output { asked: false });
        }
        let id = record.instance()?.id.clone();
        let now = env.clock.now();
        env.note(&input, |record| {
            record.start_requested_at.get_or_insert(now);
        })
        .await?;
        match env.ec2.start_instance(&record.request.region, &id).await {
            Ok(()) => Ok(Output { asked: true }),
            Err(error) if error.is_not_found() => Err(Problem::new(
                Code::InstanceGone,
                format!("The instance {id} was terminated during the save."),
            )
            .because(error)),
            Err(error) => Err(from_ec2(error)),
        }
    }
}
