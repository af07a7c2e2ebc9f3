//! `prism local settings`.

use clap::{Args, ValueEnum};
use prism_functions::steps::PublicScope;

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

/// Show or change the deployment's settings
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// How far `save --public` reaches
    #[arg(long, value_enum, value_name = "SCOPE")]
    public_scope: Option<Scope>,
}

/// How far `--public` reaches, as typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// Every user of this deployment
    Deployment,
    /// The world: the AMI itself becomes public
    World,
}

impl Settings {
    /// Runs the command.
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let cloud = &session.embedded()?.cloud;
        let mut settings = cloud.settings()?;
        if let Some(scope) = self.public_scope {
            settings.public_scope = match scope {
                Scope::Deployment => PublicScope::Deployment,
                Scope::World => PublicScope::World,
            };
            cloud.set_settings(settings)?;
        }
        session.out.show(&settings, || {
            format!("A public template is {}.\n", reach(settings.public_scope))
        })?;
        Ok(exit::DONE)
    }
}

/// A scope, for people.
pub(super) fn reach(scope: PublicScope) -> &'static str {
    match scope {
        PublicScope::Deployment => "for every user of this deployment",
        PublicScope::World => "for the world",
    }
}
