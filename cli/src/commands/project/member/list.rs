//! `prism project member list`.

use clap::Args;
use prism_functions::domain::project::{MEMBERS, Member};
use prism_functions::operations::{Asked, ListMembers};
use serde_json::json;

use crate::commands::project::name;
use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::when;

/// List the members of a project
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The project
    #[arg(value_name = "PROJECT")]
    project: String,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let page = |page| Asked::<ListMembers>::of(project.clone()).query(page);
        let (members, _) = session.client.list(MEMBERS, page).await?;
        let heads = ["USER", "ROLE", "ADDED BY", "SINCE"];
        let (value, rows) = (json!({ "members": members }), members.iter().map(row));
        table::list(&session.out, &value, &heads, rows, "No members.")
    }
}

fn row(member: &Member) -> Vec<String> {
    vec![
        member.user.to_string(),
        member.role.to_string(),
        member.added_by.to_string(),
        when(member.added_at),
    ]
}
