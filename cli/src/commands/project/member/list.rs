//! `prism project member list`.

use clap::Args;
use prism_functions::domain::project::{MEMBERS, Member};
use prism_functions::domain::{GroupName, Problem};
use prism_functions::operations::{Asked, ListMembers};
use serde_json::json;

use crate::candidates;
use crate::commands::project::name;
use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::{Times, joined};

/// List the members of a project
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
    /// Only the members of this group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let page = |page| Asked::<ListMembers>::of(project.clone()).query(page);
        let group = self.group.as_deref().map(str::parse::<GroupName>);
        let group = group.transpose().map_err(Problem::from)?;
        let (mut members, _) = session.client.list(MEMBERS, page).await?;
        members.retain(|member| group.as_ref().is_none_or(|it| member.groups.contains(it)));
        let times = session.times();
        let heads = ["USER", "ROLE", "GROUPS", "ADDED BY", "SINCE"];
        let (value, rows) = (
            json!({ "members": members }),
            members.iter().map(|member| row(member, times)),
        );
        table::list(&session.out, &value, &heads, rows, "No members.")
    }
}

fn row(member: &Member, times: Times) -> Vec<String> {
    vec![
        member.user.to_string(),
        member.role.to_string(),
        joined(&member.groups),
        member.added_by.to_string(),
        times.when(member.added_at),
    ]
}
