//! `prism project create`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, CreateProject, ProjectRequest};

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

const EXAMPLES: &str = "\
Examples:
  prism project create brain-imaging --description \"fMRI pipelines of the Doe lab\"
  prism project member add brain-imaging bob --role member
  prism save my-research fmri-env --project brain-imaging";

/// Make a project, which you own
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Create {
    /// Its name, which is never another project's
    #[arg(value_name = "PROJECT")]
    name: String,
    /// What it is for
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let request = ProjectRequest {
            name: super::name(&self.name)?,
            description: self.description,
        };
        let view = session
            .client
            .ask(Asked::<CreateProject>::with(Nothing {}, request))
            .await?;
        session.out.show(&view, || super::text(&view))?;
        Ok(exit::DONE)
    }
}
