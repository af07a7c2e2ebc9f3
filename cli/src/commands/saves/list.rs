//! `prism saves list`.

use clap::Args;
use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::{Region, TemplateName, Timestamp};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ListSaves, SaveView, SavesPage};
use serde::Serialize;
use serde_json::json;

use crate::errors::Outcome;
use crate::session::Session;
use crate::text::{Times, duration, or_dash};
use crate::{story, table};

/// List your saves, the newest first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The maximum number to show
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let page = |page| Asked::<ListSaves>::by(Nothing {}, SavesPage::of(page));
        let limit = usize::from(self.limit);
        let (saves, more) = session.client.list(limit, page).await?;
        let now = session.client.now();
        let values: Vec<Listed<'_>> = saves.iter().map(Listed::of).collect();
        let value = json!({ "saves": values, "more": more });
        let times = session.times();
        let rows = saves.iter().map(|record| row(record, now, times));
        let none = "No saves yet. Save an instance: prism save my-research my-custom-ml-env";
        table::list(&session.out, &value, &HEADS, rows, none)
    }
}

const HEADS: [&str; 7] = [
    "SAVE", "STATE", "INSTANCE", "TEMPLATE", "DOWNTIME", "BEGAN", "SCHEDULE",
];

fn row(record: &SaveRecord, now: Timestamp, times: Times) -> Vec<String> {
    vec![
        record.save_id.to_string(),
        story::state(record, now),
        match record.copy_of {
            Some(_) => "(a copy)".to_owned(),
            None => record.request.instance.clone(),
        },
        template(record),
        or_dash(record.downtime_s.map(duration)),
        times.when(record.started_at),
        or_dash(record.schedule.as_ref()),
    ]
}

fn template(record: &SaveRecord) -> String {
    let name = &record.request.template;
    let copied = record.copy_of.as_ref().map(|source| source.version);
    match record.version.or(copied) {
        Some(version) => format!("{name}@{version}"),
        None => name.to_string(),
    }
}

/// A save as JSON: its record, as the API returns it, and what the table shows.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    record: &'a SaveView,
    kind: &'a str,
    instance: &'a str,
    region: &'a Region,
    template: &'a TemplateName,
    turn_at: Option<Timestamp>,
    code: Option<&'a String>,
}

impl<'a> Listed<'a> {
    fn of(record: &'a SaveView) -> Self {
        Self {
            record,
            kind: record.kind(),
            instance: &record.request.instance,
            region: &record.request.region,
            template: &record.request.template,
            turn_at: record.awaited_turn().map(|turn| turn.at),
            code: record.failure.as_ref().map(|failure| &failure.code),
        }
    }
}
