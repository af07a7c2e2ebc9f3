//! `prism project end`.

use clap::Args;
use prism_functions::operations::{
    Asked, LiftProjectEnd, ProjectEndRequest, SetProjectEnd, ShowProject,
};

use crate::candidates;
use crate::ends::instant;
use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
The members are told a week, a day and an hour before. From the end on, nothing is launched or started for the project, and its \
instances are stopped. With --last-save, each of them is then saved as its owner, to the template that its owner has chosen \
(\"prism extend\") or to a new one that is named after the instance, and terminated. An instance whose save fails is \
stopped and not terminated.

Examples:
  prism project end brain-imaging --on 2026-07-01 --last-save
  prism project end brain-imaging --on \"2026-07-01 18:00\"
  prism project end brain-imaging --never
  prism project end brain-imaging                show the end";

/// Set when a project ends, or show it
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct End {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    name: String,
    /// When it ends, such as 2026-07-01 or "2026-07-01 18:00" in your time zone, or 2026-07-01T18:00:00Z
    #[arg(long, value_name = "DATE", conflicts_with = "never")]
    on: Option<String>,
    /// Save each instance and then terminate it, instead of stopping it
    #[arg(long, requires = "on")]
    last_save: bool,
    /// Remove the end
    #[arg(long)]
    never: bool,
}

impl End {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let client = &session.client;
        if self.never {
            let asked = Asked::<LiftProjectEnd>::of(name.clone());
            client.call(asked).await?;
        } else if let Some(on) = &self.on {
            let request = ProjectEndRequest {
                at: instant(on)?,
                last_save: self.last_save,
            };
            let asked = Asked::<SetProjectEnd>::with(name.clone(), request);
            client.call(asked).await?;
        }
        let view = client.ask(Asked::<ShowProject>::of(name)).await?;
        session
            .out
            .done(&view, || super::text(&view, session.times()))
    }
}
