//! `prism local run`: does in the background what another process has handed over.

use clap::Args;
use prism_local::Embedded;

use crate::errors::Outcome;
use crate::exit;

/// Run an execution to its end, and deliver the notices that are due
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The execution; without one, only notices are delivered
    execution: Option<String>,
}

impl Run {
    pub(crate) async fn run(&self, cloud: &Embedded) -> Outcome {
        if let Some(execution) = &self.execution {
            cloud.run(execution).await?;
        }
        // Nothing else may run that would deliver the notices of this save.
        cloud.service().deliver_due().await?;
        Ok(exit::DONE)
    }
}
