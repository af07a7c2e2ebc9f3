//! `prism project member remove`.

use clap::Args;
use prism_functions::domain::{Problem, UserId};
use prism_functions::operations::{Asked, RemoveMember, Who};
use serde_json::json;

use crate::commands::project::name;
use crate::errors::Outcome;
use crate::session::Session;

/// Remove a user from a project; all members may remove themselves
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The project
    #[arg(value_name = "PROJECT")]
    project: String,
    /// The user
    // The ID "user" belongs to the global option --as.
    #[arg(id = "member", value_name = "USER")]
    user: String,
}

impl Remove {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let user: UserId = self.user.parse().map_err(Problem::from)?;
        let who = Who { user: user.clone() };
        let asked = Asked::<RemoveMember>::by(project.clone(), who);
        session.client.call(asked).await?;
        let value = json!({ "project": project, "removed": user });
        session
            .out
            .done(&value, || format!("{user} is no longer in {project}.\n"))
    }
}
