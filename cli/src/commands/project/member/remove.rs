//! `prism project member remove`.

use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::{Problem, UserId};
use prism_functions::operations::{Asked, RemoveMember, Who};
use serde_json::json;

use crate::candidates;
use crate::commands::project::name;
use crate::commands::template::several;
use crate::errors::Outcome;
use crate::session::Session;

/// Remove users from a project; all members may remove themselves
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
    /// The users
    // The ID "user" belongs to the global option --as.
    #[arg(id = "member", value_name = "USER", required = true)]
    users: Vec<String>,
}

impl Remove {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let users = self.users.iter().map(|user| user.parse::<UserId>());
        let users: Vec<UserId> = users.collect::<Result<_, _>>().map_err(Problem::from)?;
        let mut values = Vec::new();
        let mut text = String::new();
        for user in users {
            let who = Who { user: user.clone() };
            let asked = Asked::<RemoveMember>::by(project.clone(), who);
            session.client.call(asked).await?;
            let _ = writeln!(text, "{user} is no longer in {project}.");
            values.push(json!({ "project": project, "removed": user }));
        }
        several(&session.out, &values, "removed", || text)
    }
}
