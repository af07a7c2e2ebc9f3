//! `prism saves recover`.

use clap::Args;
use prism_functions::operations::{Asked, RecoverSave};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;

/// Recover an interrupted or stranded save now
///
/// Recovery also happens automatically, after longer and longer pauses if it keeps failing. A save that is running is
/// not changed.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// The save
    #[arg(value_name = "ID")]
    #[arg(add = candidates::saves())]
    id: String,
}

impl Recover {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let id = session.save_id(&self.id).await?;
        let asked = Asked::<RecoverSave>::of(id.clone());
        let record = session.client.ask(asked).await?;
        let next = format!("prism saves watch {id}");
        let value = json!({ "save_id": id, "state": record.state, "execution": record.execution, "next_command": next });
        session.out.done(&value, || {
            let execution = &record.execution;
            format!("{id} is being recovered by the execution {execution}.\n")
                + &session.out.next(&next)
        })
    }
}
