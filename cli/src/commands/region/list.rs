//! `prism region list`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ListRegions, RegionView};
use serde_json::json;

use crate::errors::Outcome;
use crate::session::Session;
use crate::table;

/// List the Regions of the account, and whether saves and launches are allowed there
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let page = |page| Asked::<ListRegions>::of(Nothing {}).query(page);
        let regions = session.client.all(page).await?;
        let (heads, rows) = (["REGION", "ALLOWED"], regions.iter().map(row));
        let value = json!({ "regions": regions });
        table::list(&session.out, &value, &heads, rows, "No Regions.")
    }
}

fn row(view: &RegionView) -> Vec<String> {
    let allowed = if view.allowed { "yes" } else { "no" };
    vec![view.name.to_string(), allowed.to_owned()]
}
