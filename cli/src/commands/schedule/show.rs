//! `prism schedule show`.

use clap::Args;
use prism_functions::domain::{Code, Problem};

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

/// Show a schedule: what it saves, and when it runs next
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The schedule
    #[arg(value_name = "NAME")]
    name: String,
}

impl Show {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let schedule = session.backend.schedule(&name).await?;
        let now = session.backend.now();
        let value = super::value(&schedule, now).map_err(unwritable)?;
        session.out.show(&value, || super::text(&schedule, now))?;
        Ok(exit::DONE)
    }
}

pub(super) fn unwritable(error: serde_json::Error) -> Problem {
    Problem::new(Code::Internal, "The schedule could not be written as JSON.").because(error)
}
