//! `prism project edit`.

use clap::{Args, ValueEnum};
use prism_functions::operations::{Asked, EditProject, ProjectEdit};

use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  prism project edit brain-imaging --description \"fMRI and DTI pipelines\"
  prism project edit brain-imaging --approved-only on";

/// Change the description of a project, or which templates can be launched for it
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Edit {
    /// The project
    #[arg(value_name = "PROJECT")]
    name: String,
    #[command(flatten)]
    what: What,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct What {
    /// What the project is for
    #[arg(long)]
    description: Option<String>,
    /// Whether to allow launches only from templates that the project has approved
    #[arg(long, value_enum, value_name = "SWITCH")]
    approved_only: Option<Switch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// Only approved templates
    On,
    /// Any template
    Off,
}

impl Edit {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let edit = ProjectEdit {
            description: self.what.description,
            approved_only: self.what.approved_only.map(|it| it == Switch::On),
        };
        let asked = Asked::<EditProject>::with(name, edit);
        let view = session.client.ask(asked).await?;
        session.out.done(&view, || super::text(&view))
    }
}
