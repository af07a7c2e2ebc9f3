//! `prism start`.

use clap::Args;
use prism_functions::domain::Problem;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::operations::StartInstance;

use crate::app::{Session, in_region};
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
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.change.region)?;
        let asked = in_region::<StartInstance>(&region, &self.change.name);
        let instance = session.client.ask(asked).await?;
        let awaited = Awaited {
            region: &region,
            id: &instance.id.parse().map_err(Problem::from)?,
            name: &self.change.name,
            state: InstanceState::Running,
        };
        done(session, &self.change, &awaited).await
    }
}
