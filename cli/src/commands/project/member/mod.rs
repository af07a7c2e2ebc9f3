//! `prism project member`.

mod add;
mod list;
mod remove;

use clap::Subcommand;

use crate::app::Session;
use crate::errors::Outcome;

/// Who is in a project, and as what
#[derive(Debug, Subcommand)]
pub(crate) enum Members {
    Add(add::Add),
    Remove(remove::Remove),
    List(list::List),
}

impl Members {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Add(args) => args.run(session).await,
            Self::Remove(args) => args.run(session).await,
            Self::List(args) => args.run(session).await,
        }
    }
}
