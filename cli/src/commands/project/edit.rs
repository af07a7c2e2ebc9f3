//! `prism project edit`.

use clap::{Args, ValueEnum};
use prism_functions::operations::{Asked, EditProject, ProjectEdit};

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

const EXAMPLES: &str = "\
Examples:
  prism project edit brain-imaging --description \"fMRI and DTI pipelines\"
  prism project edit brain-imaging --approved-only on";

/// Change what a project is for, and what it launches
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Edit {
    /// The project
    #[arg(value_name = "PROJECT")]
    name: String,
    #[command(flatten)]
    what: What,
}

/// What is to change.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct What {
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// Whether launches for it are from templates alone that it has approved
    #[arg(long, value_enum, value_name = "SWITCH")]
    approved_only: Option<Switch>,
}

/// On or off.
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
        let view = session
            .client
            .ask(Asked::<EditProject>::with(name, edit))
            .await?;
        session.out.show(&view, || super::text(&view))?;
        Ok(exit::DONE)
    }
}
