//! `prism start`.

use clap::Args;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::operations::StartInstance;

use crate::commands::stop::Change;
use crate::errors::Outcome;
use crate::session::Session;

/// Start a stopped instance
#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    change: Change,
}

impl Start {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let change = self.change;
        change
            .to::<StartInstance>(session, InstanceState::Running)
            .await
    }
}
