//! `prism saves cancel`.

use clap::Args;
use prism_functions::domain::save::SaveState;
use prism_functions::operations::{Asked, CancelSave};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::watch::{Duty, Ended, await_end};

/// Cancel a save and roll it back: the instance is restored, and new AMIs and snapshots are removed
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The save
    #[arg(value_name = "ID")]
    #[arg(add = candidates::saves())]
    id: String,
    /// Wait until everything is rolled back
    #[arg(long)]
    wait: bool,
}

impl Cancel {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let id = session.save_id(&self.id).await?;
        let asked = Asked::<CancelSave>::of(id.clone());
        let record = session.client.ask(asked).await?;
        if record.state == SaveState::Cancelled {
            // It was waiting for its turn: there is nothing to roll back.
            return crate::report::cancelled(session, &record);
        }
        if !self.wait {
            let next = format!("prism saves watch {id}");
            let value = json!({ "save_id": id, "state": record.state, "next_command": next });
            return session.out.done(&value, || {
                format!("{id} is being cancelled and rolled back.\n") + &session.out.next(&next)
            });
        }
        match await_end(session, &id, Duty::Watches).await? {
            // A cancelled save is a success for this command.
            Ended::Final(record) if record.state == SaveState::Cancelled => {
                crate::report::cancelled(session, &record)
            }
            ended => crate::watch::conclude(session, &id, Duty::Watches, ended).await,
        }
    }
}
