//! `prism project share-template`.

use clap::Args;

use crate::candidates;
use crate::commands::template::{How, Share};
use crate::errors::Outcome;
use crate::session::Session;

/// Share a template with the members of a project
#[derive(Debug, Args)]
pub(crate) struct ShareTemplate {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    name: String,
    /// The template, with all of its versions
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::templates())]
    template: String,
    #[command(flatten)]
    how: How,
}

impl ShareTemplate {
    /// Does the same as `prism template share TEMPLATE --project PROJECT`.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let share = Share::with_project(self.template, name.to_string(), self.how);
        share.run(session).await
    }
}
