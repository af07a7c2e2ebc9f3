//! `prism template versions`.

use clap::Args;
use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::template::{TemplateState, Version};
use prism_functions::operations::{Asked, ListVersions, ShowTemplate, TemplateView};
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::{Times, bytes, joined};

/// List the versions of a saved template, newest first
#[derive(Debug, Args)]
pub(crate) struct Versions {
    /// The template
    #[arg(value_name = "TEMPLATE")]
    #[arg(add = candidates::templates())]
    template: String,
    /// The maximum number to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=999))]
    limit: u16,
}

const HEADS: [&str; 9] = [
    "VERSION", "STATE", "SAVED", "BY", "FROM", "HOW", "ARCH", "SIZE", "LAUNCHES",
];

impl Versions {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.template)?;
        let limit = usize::from(self.limit);
        let page = |page| Asked::<ListVersions>::of(name.clone()).query(page);
        let (versions, more) = session.client.list(limit, page).await?;
        let view = Asked::<ShowTemplate>::of(name.clone());
        let latest = match session.client.ask(view).await? {
            TemplateView::Saved { template, .. } => template.latest,
            TemplateView::BuiltIn { .. } => 0,
        };
        let value = json!({
            "template": name, "latest": latest, "versions": versions, "more": more,
        });
        let times = session.times();
        let rows = versions.iter().map(|version| row(version, latest, times));
        table::list(&session.out, &value, &HEADS, rows, "No versions.")
    }
}

fn row(version: &Version, latest: u32, times: Times) -> Vec<String> {
    let state = match version.state {
        TemplateState::Active if version.number == latest => "latest".to_owned(),
        state if version.number == latest => format!("latest, {}", state.as_str()),
        state => state.as_str().to_owned(),
    };
    vec![
        version.number.to_string(),
        state,
        times.when(version.saved_date),
        version.saved_by.to_string(),
        version.saved_from.clone(),
        version.how.as_str().to_owned(),
        joined(
            version
                .architectures()
                .into_iter()
                .map(Architecture::as_str),
        ),
        bytes(version.snapshot_bytes),
        version.usage.launches.to_string(),
    ]
}
