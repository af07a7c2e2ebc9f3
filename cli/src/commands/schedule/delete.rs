//! `prism schedule delete`.

use clap::Args;
use prism_functions::operations::{Asked, DeleteSchedule};
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
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        session
            .client
            .call(Asked::<DeleteSchedule>::of(name.clone()))
            .await?;
        session.out.show(&json!({ "deleted": name }), || {
            format!("{name} is deleted.\n")
        })?;
        Ok(exit::DONE)
    }
}
