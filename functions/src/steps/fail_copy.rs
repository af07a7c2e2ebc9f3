//! FailCopy: cleans up after a copy that failed, and records why. The version remains available in its other Regions
//! (promise P5).

use serde::{Deserialize, Serialize};

use super::discard_image::{check_late, discard_in};
use super::{SaveRef, Step};
use crate::domain::save::RegionCopy;
use crate::domain::{Code, Problem, Region, StepName};
use crate::ports::Call;
use crate::rules::Env;

pub(super) struct FailCopy;

/// The save and Region, and the error as Step Functions caught it.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    region: Region,
    failure: Caught,
}

/// An error as a catcher passes it on.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Caught {
    #[serde(rename = "Error")]
    pub(super) error: String,
    #[serde(rename = "Cause", default)]
    pub(super) cause: String,
}

impl Caught {
    /// Returns the problem behind the error. Lambda's cause is JSON with the text in `errorMessage`.
    pub(super) fn problem(&self) -> Problem {
        #[derive(Deserialize)]
        struct LambdaCause {
            #[serde(rename = "errorMessage")]
            message: String,
        }
        let text = serde_json::from_str::<LambdaCause>(&self.cause)
            .map_or_else(|_| self.cause.clone(), |cause| cause.message);
        Problem::from_wire(&self.error, &text)
    }
}

/// The result for the Region, as it will be registered.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    region: Region,
    state: &'static str,
}

impl Step for FailCopy {
    const NAME: StepName = StepName::FailCopy;
    const CALLS: &'static [Call] = &[
        Call::Images,
        Call::DeregisterImage,
        Call::Snapshots,
        Call::DeleteSnapshot,
        Call::Get,
        Call::Put,
        Call::Update,
    ];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        let record = env.reach(&input.save, Self::NAME).await?;
        let failed = Output {
            region: input.region.clone(),
            state: "failed",
        };
        if record.version.is_some() || record.state.is_final() {
            // This execution comes late: the Region's result is already registered, or the save has ended, so the
            // record is final.
            return Ok(failed);
        }
        let problem = input.failure.problem();
        if problem.code == Code::SaveCancelled || record.cancelled_by.is_some() {
            // A cancel does not concern this Region alone: the whole save is undone.
            return Err(Problem::new(Code::SaveCancelled, problem.message));
        }
        check_late(env, &record)?;
        // Recorded before the clean-up, so that an execution that takes over in the meantime does not use the copy.
        env.note(&input.save, |record| {
            let failed = RegionCopy::Failed {
                code: problem.code.to_string(),
                cause: problem.message.clone(),
            };
            match record.copies.get(&input.region) {
                // An earlier run has recorded the actual cause.
                Some(RegionCopy::Failed { .. }) => {}
                _ => drop(record.copies.insert(input.region.clone(), failed)),
            }
        })
        .await?;
        discard_in(env, &input.save, &record, &input.region).await?;
        Ok(failed)
    }
}

#[cfg(test)]
repeated!(FailCopy: CopyFails, LaterCopyFails);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lambda_cause_gives_back_the_problem() {
        let cause = serde_json::json!({ "errorType": "CopyFailed", "errorMessage": "No key.\nhint: Use another." });
        let caught = Caught {
            error: "CopyFailed".to_owned(),
            cause: cause.to_string(),
        };
        let problem = caught.problem();
        assert_eq!(
            (problem.code, problem.message.as_str(), problem.advice()),
            (Code::CopyFailed, "No key.", "Use another.")
        );
        let caught = Caught {
            error: "States.Timeout".to_owned(),
            cause: String::new(),
        };
        assert_eq!(caught.problem().code, Code::AwsUnavailable);
    }
}
