//! `prism template`.

mod copy;
mod export;
mod info;

use clap::Subcommand;

use crate::app::Session;
use crate::errors::Outcome;

/// See, export and copy a template
#[derive(Debug, Subcommand)]
pub(crate) enum Template {
    Info(info::Info),
    Export(export::Export),
    Copy(copy::Copy),
}

impl Template {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Info(args) => args.run(session).await,
            Self::Export(args) => args.run(session).await,
            Self::Copy(args) => Box::pin(args.run(session)).await,
        }
    }
}
