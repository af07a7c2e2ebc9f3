//! `prism saves watch`.

use clap::Args;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::watch::{Duty, follow};

/// Wait for the end of a save; Ctrl-C ends only the wait, not the save
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The save
    #[arg(value_name = "ID")]
    #[arg(add = candidates::saves())]
    id: String,
}

impl Watch {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        follow(session, &session.save_id(&self.id).await?, Duty::Watches).await
    }
}
