//! `prism project list`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ListProjects, ProjectView};
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::{exit, table};

/// List the projects that you are in
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let projects = session
            .client
            .all(|page| Asked::<ListProjects>::of(Nothing {}).query(page))
            .await?;
        let out = &session.out;
        if projects.is_empty() && !out.json {
            out.note("You are in no project. Make one: prism project create brain-imaging");
            return Ok(exit::DONE);
        }
        out.show(&json!({ "projects": projects }), || {
            table::render(out, &HEADS, projects.iter().map(row))
        })?;
        Ok(exit::DONE)
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
