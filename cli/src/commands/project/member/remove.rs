//! `prism project member remove`.

use clap::Args;
use prism_functions::domain::{Problem, UserId};
use prism_functions::operations::{Asked, RemoveMember, Who};
use serde_json::json;

use crate::app::Session;
use crate::commands::project::name;
use crate::errors::Outcome;
use crate::exit;

/// Take somebody out of a project; everybody may leave by themselves
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The project
    #[arg(value_name = "PROJECT")]
    project: String,
    /// Who
    // Its id is its own: "user" is that of the global --as.
    #[arg(id = "member", value_name = "USER")]
    user: String,
}

impl Remove {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let user: UserId = self.user.parse().map_err(Problem::from)?;
        session
            .client
            .call(Asked::<RemoveMember>::by(
                project.clone(),
                Who { user: user.clone() },
            ))
            .await?;
        session
            .out
            .show(&json!({ "project": project, "removed": user }), || {
                format!("{user} is not in {project} any more.\n")
            })?;
        Ok(exit::DONE)
    }
}
