//! `prism project create`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, CreateProject, ProjectRequest};

use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  prism project create brain-imaging --description \"fMRI pipelines of the Doe lab\"
  prism project member add brain-imaging bob --role member
  prism save my-research fmri-env --project brain-imaging";

/// Create a project, which you will own
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Create {
    /// The name of the project; the name of a deleted project cannot be used again
    #[arg(value_name = "PROJECT")]
    name: String,
    /// What the project is for
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let request = ProjectRequest {
            name: super::name(&self.name)?,
            description: self.description,
        };
        let asked = Asked::<CreateProject>::with(Nothing {}, request);
        let view = session.client.ask(asked).await?;
        session
            .out
            .done(&view, || super::text(&view, session.times()))
    }
}
