//! `prism saves list`.

use clap::Args;
use prism_functions::domain::Timestamp;
use prism_functions::domain::save::SaveRecord;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ListSaves, SaveView};
use serde_json::{Value, json};

use crate::errors::Outcome;
use crate::session::Session;
use crate::text::{duration, or_dash, when};
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
        let page = |page| Asked::<ListSaves>::of(Nothing {}).query(page);
        let limit = usize::from(self.limit);
        let (saves, more) = session.client.list(limit, page).await?;
        let now = session.client.now();
        let values: Vec<Value> = saves.iter().map(value).collect();
        let value = json!({ "saves": values, "more": more });
        let rows = saves.iter().map(|record| row(record, now));
        let none = "No saves yet. Save an instance: prism save my-research my-custom-ml-env";
        table::list(&session.out, &value, &HEADS, rows, none)
    }
}

const HEADS: [&str; 7] = [
    "SAVE", "STATE", "INSTANCE", "TEMPLATE", "DOWNTIME", "BEGAN", "SCHEDULE",
];

fn row(record: &SaveRecord, now: Timestamp) -> Vec<String> {
    vec![
        record.save_id.to_string(),
        story::state(record, now),
        match record.copy_of {
            Some(_) => "(a copy)".to_owned(),
            None => record.request.instance.clone(),
        },
        template(record),
        or_dash(record.downtime_s.map(duration)),
        when(record.started_at),
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

fn value(record: &SaveView) -> Value {
    json!({
        "save_id": record.save_id,
        "kind": record.kind(),
        "state": record.state,
        "step": record.step,
        "instance": record.request.instance,
        "region": record.request.region,
        "schedule": record.schedule,
        "template": record.request.template,
        "version": record.version,
        "downtime_s": record.downtime_s,
        "started_at": record.started_at,
        "turn_at": record.awaited_turn().map(|turn| turn.at),
        "ended_at": record.ended_at,
        "code": record.failure.as_ref().map(|failure| &failure.code),
    })
}
