//! `prism terminate`.

use clap::Args;
use prism_functions::domain::Problem;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::operations::TerminateInstance;

use crate::app::{Session, in_region};
use crate::commands::stop::{Change, done};
use crate::errors::Outcome;
use crate::settle::Awaited;
use crate::text::plain;
use crate::{exit, prompt};

/// End an instance for good, with its disk
#[derive(Debug, Args)]
pub(crate) struct Terminate {
    #[command(flatten)]
    change: Change,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Terminate {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = &self.change.name;
        let region = session.region(&self.change.region)?;
        let instance = session.instance(&region, name).await?;
        let question = format!(
            "{} ({}) and everything on its disk will be gone. Terminate it?",
            plain(name),
            instance.id
        );
        if !self.yes && !prompt::confirm(&session.out, &question)? {
            session.out.note("Nothing was changed.");
            return Ok(exit::FAILED);
        }
        // By ID, so that a second instance that gets this name now is not terminated.
        let asked = in_region::<TerminateInstance>(&region, &instance.id);
        session.client.call(asked).await?;
        let awaited = Awaited {
            region: &region,
            id: &instance.id.parse().map_err(Problem::from)?,
            name,
            state: InstanceState::Terminated,
        };
        done(session, &self.change, &awaited).await
    }
}
