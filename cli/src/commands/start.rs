//! `prism start`.

use clap::Args;
use prism_functions::domain::ec2::InstanceState;

use crate::app::Session;
use crate::commands::stop::{Change, done};
use crate::errors::Outcome;
use crate::settle::Awaited;

/// Start a stopped instance
#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    change: Change,
}

impl Start {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.change.region)?;
        let instance = session.backend.start(&region, &self.change.name).await?;
        let awaited = Awaited {
            region: &region,
            id: &instance.id,
            name: &self.change.name,
            state: InstanceState::Running,
        };
        done(session, &self.change, &awaited).await
    }
}
