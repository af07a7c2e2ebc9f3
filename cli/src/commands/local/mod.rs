//! `prism local`: commands for the embedded cloud only.

mod adopt;
mod alter;
mod reset;
mod run;
mod serve;
mod settings;
mod show;
mod speed;

use clap::Subcommand;

pub(crate) use run::Run;

use crate::errors::Outcome;
use crate::opening;
use crate::session::Session;

/// Manage the embedded cloud on this machine
#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    #[command(alias = "info", alias = "status")]
    Show(show::Show),
    Speed(speed::Speed),
    Settings(settings::Settings),
    Alter(alter::Alter),
    Serve(serve::Serve),
    Adopt(adopt::Adopt),
    Reset(reset::Reset),
    #[command(hide = true)]
    Run(run::Run),
}

impl Local {
    /// Runs the commands that need an open cloud and a user. `app` handles `reset` and `adopt`, which must not open the
    /// cloud, and `run`, which has no user.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Show(args) => args.run(session).await,
            Self::Speed(args) => args.run(session),
            Self::Settings(args) => args.run(session),
            Self::Alter(args) => args.run(session).await,
            Self::Serve(args) => args.run(session).await,
            Self::Adopt(args) => {
                let home = session.embedded()?.cloud.home();
                args.run(&session.out, home, &opening::program(&session.environment))
            }
            Self::Reset(args) => args.run(&session.out, session.embedded()?.cloud.home()),
            Self::Run(args) => args.run(&session.embedded()?.cloud).await,
        }
    }
}
