//! `prism local run`: carries an execution that another process has handed over.

use clap::Args;

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

/// Carry an execution to its end
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The execution
    execution: String,
}

impl Run {
    /// Runs the command.
    pub(crate) async fn run(&self, session: &Session) -> Outcome {
        session.local.cloud.run(&self.execution).await?;
        Ok(exit::DONE)
    }
}
