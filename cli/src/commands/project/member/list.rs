//! `prism project member list`.

use clap::Args;
use prism_functions::domain::project::{MEMBERS, Member};
use prism_functions::operations::{Asked, ListMembers};
use serde_json::json;

use crate::app::Session;
use crate::commands::project::name;
use crate::errors::Outcome;
use crate::text::when;
use crate::{exit, table};

/// List who is in a project
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The project
    #[arg(value_name = "PROJECT")]
    project: String,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let (members, _) = session
            .client
            .list(MEMBERS, |page| {
                Asked::<ListMembers>::of(project.clone()).query(page)
            })
            .await?;
        let out = &session.out;
        out.show(&json!({ "members": members }), || {
            table::render(out, &HEADS, members.iter().map(row))
        })?;
        Ok(exit::DONE)
    }
}

const HEADS: [&str; 4] = ["USER", "ROLE", "ADDED BY", "SINCE"];

fn row(member: &Member) -> Vec<String> {
    vec![
        member.user.to_string(),
        member.role.to_string(),
        member.added_by.to_string(),
        when(member.added_at),
    ]
}
