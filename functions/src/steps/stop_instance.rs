//! StopInstance: requests the stop of the instance.

use serde::Serialize;

use super::findings::look_or_fail;
use super::{SaveRef, Step};
use crate::domain::ec2::InstanceState;
use crate::domain::{Code, Problem, StepName};
use crate::ports::{Call, Ec2ErrorKind, from_ec2};
use crate::rules::Env;

pub(super) struct StopInstance;

/// Whether this run requested the stop; false if that was already done.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    asked: bool,
}

impl Step for StopInstance {
    const NAME: StepName = StepName::StopInstance;
    const CALLS: &'static [Call] = &[Call::Instances, Call::StopInstance, Call::Get, Call::Put];
    type Input = SaveRef;
    type Output = Output;

    async fn run(env: &Env, input: SaveRef) -> Result<Output, Problem> {
        let record = env.advance(&input, Self::NAME).await?;
        if record.snapshots_at.is_some() {
            // This is a second execution of the save. The snapshots exist, so the instance has already been stopped and
            // may be running again.
            return Ok(Output { asked: false });
        }
        let (region, id) = (record.request.region.clone(), record.instance()?.id.clone());
        let instance = look_or_fail(&*env.ec2, &region, &id).await?;
        if record.stop_requested_at.is_none() && instance.state != InstanceState::Running {
            let message = format!(
                "The instance {id} was running when the save was planned and is {} now.",
                instance.state.as_str()
            );
            return Err(Problem::new(Code::InstanceChanged, message));
        }
        // The intent is written first: from here on, the instance counts as stopped by this save. An intent that only
        // this run has written does not count as an earlier stop.
        let mut noted = None;
        env.intend(&input, |record, now| {
            if record.stop_requested_at.is_none() || record.stop_requested_at == noted {
                record.stop_requested_at = Some(now);
                noted = Some(now);
            } else {
                record.stop_repeated_at = Some(now);
            }
        })
        .await?;
        match env.ec2.stop_instance(&region, &id).await {
            Ok(()) => Ok(Output { asked: true }),
            Err(error) if error.kind() == Ec2ErrorKind::NotPermitted => Err(Problem::new(
                Code::StopProtected,
                format!("Stop protection is enabled for {id}."),
            )
            .because(error)),
            Err(error) if error.is_not_found() => Err(Problem::new(
                Code::InstanceGone,
                format!("The instance {id} was terminated during the save."),
            )
            .because(error)),
            Err(error) => Err(from_ec2(error)),
        }
    }
}

#[cfg(test)]
repeated!(StopInstance: Succeeds);
