//! `prism project delete`.

use clap::Args;
use prism_functions::domain::counted;
use prism_functions::operations::{Asked, DeleteProject, ShowProject};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::{exit, prompt};

/// Delete a project that no template belongs to; its name cannot be used again
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    name: String,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let (client, out) = (&session.client, &session.out);
        let view = client.ask(Asked::<ShowProject>::of(name.clone())).await?;
        let members = counted(view.project.members, "member");
        let question = format!("{name} has {members}, who will lose access. Delete it?");
        if !prompt::confirm(out, self.yes, &question)? {
            return Ok(exit::FAILED);
        }
        let asked = Asked::<DeleteProject>::of(name.clone());
        client.call(asked).await?;
        out.done(&json!({ "deleted": name }), || {
            format!("{name} is deleted.\n")
        })
    }
}
