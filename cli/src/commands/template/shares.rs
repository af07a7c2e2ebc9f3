//! `prism template shares`.

use clap::Args;
use prism_functions::domain::TemplateName;
use prism_functions::domain::grant::{Grant, GrantState};
use prism_functions::operations::{Asked, ListShares};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::Times;

/// List the shares of a template: whom it is shared with
#[derive(Debug, Args)]
pub(crate) struct Shares {
    /// The template
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::templates())]
    template: String,
}

impl Shares {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.template)?;
        let page = |page| Asked::<ListShares>::of(name.clone()).query(page);
        let grants = session.client.all(page).await?;
        let none =
            format!("{name} is not shared. Share it: prism template share {name} --user USER");
        let heads = ["SHARED WITH", "BY", "SINCE", "STATE"];
        let value = json!({ "shares": grants });
        let times = session.times();
        let rows = grants.iter().map(|grant| row(&name, grant, times));
        table::list(&session.out, &value, &heads, rows, &none)
    }
}

fn row(name: &TemplateName, grant: &Grant, times: Times) -> Vec<String> {
    let state = match grant.state {
        GrantState::Open => "open",
        GrantState::Opening => "partly open: share it again, or unshare it",
        GrantState::Closing => "partly closed: unshare it again",
    };
    let copies = if grant.with_snapshots {
        ", with snapshots"
    } else {
        ""
    };
    // Through the share of another template that has AMIs of this one.
    let through = if grant.template == *name {
        String::new()
    } else {
        format!(", through the share of {}", grant.template)
    };
    vec![
        grant.to.to_string(),
        grant.by.to_string(),
        times.when(grant.at),
        format!("{state}{copies}{through}"),
    ]
}
