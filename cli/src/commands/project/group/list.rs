//! `prism project group list`.

use clap::Args;
use prism_functions::operations::Group;
use serde_json::json;

use crate::candidates;
use crate::commands::project::name;
use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::joined;

/// List the groups of a project
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let groups = super::all(session, &name(&self.project)?).await?;
        let value = json!({ "groups": groups });
        let row = |group: &Group| {
            vec![
                group.name.to_string(),
                group.members.len().to_string(),
                joined(&group.members),
            ]
        };
        let rows = groups.iter().map(row);
        let heads = ["GROUP", "MEMBERS", "DETAILS"];
        table::list(&session.out, &value, &heads, rows, "No groups.")
    }
}
