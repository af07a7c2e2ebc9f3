//! `prism project link list`.

use clap::Args;
use prism_functions::domain::join_link::JoinLink;
use prism_functions::operations::{Asked, ListLinks};
use serde_json::json;

use crate::candidates;
use crate::commands::project::name;
use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::{Times, or_dash};

/// List the join links of a project, without their codes
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: String,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let project = name(&self.project)?;
        let page = |page| Asked::<ListLinks>::of(project.clone()).query(page);
        let links = session.client.all(page).await?;
        let value = json!({ "links": links });
        let times = session.times();
        let heads = ["ID", "ROLE", "GROUP", "USED", "UNTIL", "CREATED BY"];
        let rows = links.iter().map(|link| row(link, times));
        table::list(&session.out, &value, &heads, rows, "No join links.")
    }
}

fn row(link: &JoinLink, times: Times) -> Vec<String> {
    vec![
        link.id.to_string(),
        link.role.to_string(),
        or_dash(link.group.as_ref()),
        format!("{} of {}", link.used, link.uses),
        times.when(link.until),
        link.created_by.to_string(),
    ]
}
