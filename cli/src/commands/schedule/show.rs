//! `prism schedule show`.

use clap::Args;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;

/// Show a schedule: what it saves, the results of its last runs, and its next runs
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The schedule
    #[arg(value_name = "NAME")]
    #[arg(add = candidates::schedules())]
    name: String,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let (value, text) = super::read(session, super::name(&self.name)?).await?;
        session.out.read(&value, || text)
    }
}
