//! `prism schedule delete`.

use clap::Args;
use prism_functions::operations::{Asked, DeleteSchedule};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;

/// Delete a schedule; its saves and templates are kept
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The schedule
    #[arg(value_name = "NAME")]
    #[arg(add = candidates::schedules())]
    name: String,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let asked = Asked::<DeleteSchedule>::of(name.clone());
        session.client.call(asked).await?;
        session.out.done(&json!({ "deleted": name }), || {
            format!("{name} is deleted.\n")
        })
    }
}
