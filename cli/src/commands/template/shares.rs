//! `prism template shares`.

use clap::Args;
use prism_functions::domain::grant::{Grant, GrantState};
use prism_functions::domain::{Problem, TemplateName};
use prism_functions::operations::{Asked, ListShares};
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::text::when;
use crate::{exit, table};

/// List with whom a template is shared
#[derive(Debug, Args)]
pub(crate) struct Shares {
    /// The template
    #[arg(value_name = "TEMPLATE")]
    template: String,
}

impl Shares {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name: TemplateName = self.template.parse().map_err(Problem::from)?;
        let grants = session
            .client
            .all(|page| Asked::<ListShares>::of(name.clone()).query(page))
            .await?;
        let out = &session.out;
        if grants.is_empty() && !out.json {
            out.note(&format!(
                "{name} is shared with nobody. Share it: prism template share {name} --user USER"
            ));
            return Ok(exit::DONE);
        }
        out.show(&json!({ "shares": grants }), || {
            let rows = grants.iter().map(|grant| row(&name, grant));
            table::render(out, &HEADS, rows)
        })?;
        Ok(exit::DONE)
    }
}

const HEADS: [&str; 4] = ["SHARED WITH", "BY", "SINCE", "STATE"];

fn row(name: &TemplateName, grant: &Grant) -> Vec<String> {
    let state = match grant.state {
        GrantState::Open => "open",
        GrantState::Opening => "half open: share it again, or take it back",
        GrantState::Closing => "half closed: take it back again",
    };
    // Through the share of another template that has AMIs of this one.
    let through = if grant.template == *name {
        String::new()
    } else {
        format!(", by the share of {}", grant.template)
    };
    vec![
        grant.to.to_string(),
        grant.by.to_string(),
        when(grant.at),
        format!("{state}{through}"),
    ]
}
