//! `prism template`.

mod export;
mod info;

use clap::Subcommand;

use crate::app::Session;
use crate::errors::Outcome;

/// See and export a template
#[derive(Debug, Subcommand)]
pub(crate) enum Template {
    Info(info::Info),
    Export(export::Export),
}

impl Template {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Info(args) => args.run(session).await,
            Self::Export(args) => args.run(session).await,
        }
    }
}
