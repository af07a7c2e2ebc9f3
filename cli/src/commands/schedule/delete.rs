//! `prism schedule delete`.

use clap::Args;
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

/// Delete a schedule; its saves and their templates stay
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The schedule
    #[arg(value_name = "NAME")]
    name: String,
}

impl Delete {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        session.backend.delete_schedule(&name).await?;
        session.out.show(&json!({ "deleted": name }), || {
            format!("{name} is deleted.\n")
        })?;
        Ok(exit::DONE)
    }
}
