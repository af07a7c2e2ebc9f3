//! `prism local run`: carries out an execution that another process has handed over.

use clap::Args;
use prism_local::Embedded;

use crate::errors::Outcome;
use crate::exit;

/// Run an execution to its end
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The execution
    execution: String,
}

impl Run {
    pub(crate) async fn run(&self, cloud: &Embedded) -> Outcome {
        cloud.run(&self.execution).await?;
        // Nothing else may run that would deliver the notices of this save.
        cloud.service().deliver_due().await?;
        Ok(exit::DONE)
    }
}
