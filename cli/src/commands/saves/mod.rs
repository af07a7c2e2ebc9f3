//! `prism saves`.

mod cancel;
mod list;
mod recover;
mod status;
mod watch;

use clap::Subcommand;
use prism_functions::domain::{Problem, SaveId};

use crate::app::Session;
use crate::errors::Outcome;

/// See, watch, cancel and recover saves
#[derive(Debug, Subcommand)]
pub(crate) enum Saves {
    List(list::List),
    Status(status::Status),
    Watch(watch::Watch),
    Cancel(cancel::Cancel),
    Recover(recover::Recover),
}

impl Saves {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        match self {
            Self::List(args) => args.run(session).await,
            Self::Status(args) => args.run(session).await,
            Self::Watch(args) => args.run(session).await,
            Self::Cancel(args) => args.run(session).await,
            Self::Recover(args) => args.run(session).await,
        }
    }
}

fn save_id(text: &str) -> Result<SaveId, Problem> {
    Ok(text.parse::<SaveId>()?)
}
