//! `prism terminate`.

use clap::Args;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::operations::TerminateInstance;

use crate::commands::stop::Change;
use crate::errors::Outcome;
use crate::session::{Session, in_region};
use crate::text::plain;
use crate::{exit, prompt};

/// Terminate an instance and delete its disks permanently
#[derive(Debug, Args)]
pub(crate) struct Terminate {
    #[command(flatten)]
    change: Change,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Terminate {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = plain(&self.change.name);
        let region = session.region(&self.change.region)?;
        let instance = session.instance(&region, &self.change.name).await?;
        let id = &instance.id;
        let question =
            format!("{name} ({id}) and everything on its disks will be deleted. Terminate it?");
        if !prompt::confirm(&session.out, self.yes, &question)? {
            return Ok(exit::FAILED);
        }
        // By ID, so that a second instance that gets this name now is not terminated.
        let asked = in_region::<TerminateInstance>(&region, id);
        session.client.call(asked).await?;
        let state = InstanceState::Terminated;
        self.change.settle(session, &region, id, state).await
    }
}
