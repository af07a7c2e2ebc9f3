//! `prism project list`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ListProjects, ProjectView};
use serde_json::json;

use crate::errors::Outcome;
use crate::session::Session;
use crate::table;

/// List the projects that you are a member of
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let page = |page| Asked::<ListProjects>::of(Nothing {}).query(page);
        let projects = session.client.all(page).await?;
        let (value, rows) = (json!({ "projects": projects }), projects.iter().map(row));
        let none = "You are not in any project. Create one: prism project create brain-imaging";
        table::list(&session.out, &value, &HEADS, rows, none)
    }
}

const HEADS: [&str; 4] = ["PROJECT", "YOUR ROLE", "MEMBERS", "DESCRIPTION"];

fn row(view: &ProjectView) -> Vec<String> {
    vec![
        view.project.name.to_string(),
        view.role.to_string(),
        view.project.members.to_string(),
        view.project.description.clone(),
    ]
}
