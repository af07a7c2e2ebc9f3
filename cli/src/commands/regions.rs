//! `prism regions`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ListRegions, RegionView};
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::{exit, table};

/// List the Regions of the account, and where saves and launches are allowed
#[derive(Debug, Args)]
pub(crate) struct Regions {}

impl Regions {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let page = |page| Asked::<ListRegions>::of(Nothing {}).query(page);
        let regions = session.client.all(page).await?;
        session.out.show(&json!({ "regions": regions }), || {
            table::render(&session.out, &HEADS, regions.iter().map(row))
        })?;
        Ok(exit::DONE)
    }
}

const HEADS: [&str; 2] = ["REGION", "ALLOWED"];

fn row(view: &RegionView) -> Vec<String> {
    let allowed = if view.allowed { "yes" } else { "no" };
    vec![view.name.to_string(), allowed.to_owned()]
}
