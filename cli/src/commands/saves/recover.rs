//! `prism saves recover`.

use clap::Args;
use prism_functions::operations::{Asked, RecoverSave};
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

/// Recover a save at once that was interrupted or is stranded
///
/// That happens by itself, after ever longer pauses where it keeps failing. A save that is worked on stays as it is.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// The save
    #[arg(value_name = "ID")]
    id: String,
}

impl Recover {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let id = super::save_id(&self.id)?;
        let record = session
            .client
            .ask(Asked::<RecoverSave>::of(id.clone()))
            .await?;
        let next = format!("prism saves watch {id}");
        let value = json!({ "save_id": id, "state": record.state, "execution": record.execution, "next_command": next });
        session.out.show(&value, || {
            format!(
                "{id} is worked on by the execution {}.\nNext: {next}\n",
                record.execution
            )
        })?;
        Ok(exit::DONE)
    }
}
