//! `prism audit`.

mod list;

use clap::Subcommand;

use crate::app::Session;
use crate::errors::Outcome;

/// See who changed what, when and from where
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    List(list::List),
}

impl Audit {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        match self {
            Self::List(args) => args.run(session).await,
        }
    }
}
