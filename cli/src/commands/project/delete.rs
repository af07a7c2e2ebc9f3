//! `prism project delete`.

use clap::Args;
use prism_functions::operations::{Asked, DeleteProject, ShowProject};
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::{exit, prompt};

/// Delete a project that no template belongs to; its name is never used again
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The project
    #[arg(value_name = "PROJECT")]
    name: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let view = session
            .client
            .ask(Asked::<ShowProject>::of(name.clone()))
            .await?;
        let question = format!(
            "{name} has {} members, who will be in it no more. Delete it?",
            view.project.members
        );
        if !self.yes && !prompt::confirm(&session.out, &question)? {
            session.out.note("Nothing was changed.");
            return Ok(exit::FAILED);
        }
        session
            .client
            .call(Asked::<DeleteProject>::of(name.clone()))
            .await?;
        session.out.show(&json!({ "deleted": name }), || {
            format!("{name} is deleted.\n")
        })?;
        Ok(exit::DONE)
    }
}
