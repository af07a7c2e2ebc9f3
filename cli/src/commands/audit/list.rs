//! `prism audit list`.

use clap::Args;
use prism_functions::domain::Problem;
use prism_functions::domain::audit::AuditEvent;
use prism_functions::operations::parts::{Nothing, Paging};
use prism_functions::operations::{Asked, AuditPage, ListAuditEvents};
use serde_json::{Value, json};

use super::range::Range;
use crate::candidates;

use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::Times;

const EXAMPLES: &str = "\
Without a filter, this lists what you did yourself. The owner of a template, a project or a save \
sees what everybody did to it, and so do the owners and admins of its project.

Examples:
  prism audit list
  prism audit list --resource template:my-custom-ml-env
  prism audit list --project brain-imaging --user bob --limit 100";

/// List changes, newest first: who changed what, when and from where
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct List {
    /// Only changes of this resource: template:NAME, project:NAME, save:ID, instance:REGION/ID, schedule:NAME, key:FINGERPRINT or notify:settings
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
    /// Only changes in this project
    #[arg(long, value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    project: Option<String>,
    /// Only changes by this user
    // The ID "user" belongs to the global option --as.
    #[arg(id = "by_user", long = "user", value_name = "USER")]
    user: Option<String>,
    #[command(flatten)]
    range: Range,
    /// The maximum number to show
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let filter = self.filter()?;
        let page = |page: Paging| {
            let query = AuditPage {
                limit: page.limit,
                cursor: page.cursor,
                ..filter.clone()
            };
            Asked::<ListAuditEvents>::of(Nothing {}).query(query)
        };
        let (events, more) = session.client.list(usize::from(self.limit), page).await?;
        let value = json!({ "events": events, "more": more });
        let times = session.times();
        let rows = events.iter().map(|event| row(event, times));
        table::list(&session.out, &value, &HEADS, rows, "No changes yet.")
    }

    fn filter(&self) -> Result<AuditPage, Problem> {
        Ok(AuditPage {
            resource: self.resource.as_deref().map(str::parse).transpose()?,
            project: self.project.as_deref().map(str::parse).transpose()?,
            user: self.user.as_deref().map(str::parse).transpose()?,
            from: self.range.from()?,
            until: self.range.until()?,
            ..AuditPage::default()
        })
    }
}

const HEADS: [&str; 6] = ["WHEN", "USER", "ACTION", "RESOURCE", "FROM", "DETAILS"];

fn row(event: &AuditEvent, times: Times) -> Vec<String> {
    let details = event.details.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}={text}"),
        value => format!("{name}={value}"),
    });
    let details: Vec<String> = details.collect();
    vec![
        times.when(event.at),
        event.user.to_string(),
        event.action.clone(),
        event.resource.to_string(),
        from(event),
        details.join(" "),
    ]
}

fn from(event: &AuditEvent) -> String {
    let channel = event.origin.channel.as_str();
    match &event.origin.address {
        Some(address) => format!("{channel} {address}"),
        None => channel.to_owned(),
    }
}
