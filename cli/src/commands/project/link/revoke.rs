//! `prism project link revoke`.

use clap::Args;
use prism_functions::domain::{LinkId, Problem};
use prism_functions::operations::{Asked, RevokeLink};
use serde_json::json;

use crate::candidates;
use crate::commands::project::name;
use crate::errors::Outcome;
use crate::session::Session;

/// Revoke a join link; those who have joined with it stay members
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
    /// The ID of the link, which "prism project link list" shows
    #[arg(value_name = "ID")]
    id: String,
}

impl Revoke {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let id: LinkId = self.id.parse().map_err(Problem::from)?;
        let asked = Asked::<RevokeLink>::of((project.clone(), id.clone()));
        session.client.call(asked).await?;
        let value = json!({ "project": project, "revoked": id });
        session.out.done(&value, || {
            format!("Nobody can join {project} with {id} any more.\n")
        })
    }
}
