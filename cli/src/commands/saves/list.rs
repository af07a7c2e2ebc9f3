//! `prism saves list`.

use clap::Args;
use prism_functions::domain::Timestamp;
use prism_functions::domain::save::SaveRecord;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ListSaves};
use serde_json::{Value, json};

use crate::app::Session;
use crate::errors::Outcome;
use crate::text::{duration, when};
use crate::{exit, story, table};

/// List your saves, the newest first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// How many to show
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let (saves, more) = session
            .client
            .list(usize::from(self.limit), |page| {
                Asked::<ListSaves>::of(Nothing {}).query(page)
            })
            .await?;
        let (out, now) = (&session.out, session.client.now());
        if saves.is_empty() && !out.json {
            out.note("No saves yet. Save an instance: prism save my-research my-custom-ml-env");
            return Ok(exit::DONE);
        }
        let values: Vec<Value> = saves.iter().map(value).collect();
        out.show(&json!({ "saves": values, "more": more }), || {
            table::render(out, &HEADS, saves.iter().map(|record| row(record, now)))
        })?;
        if more && !out.json {
            out.note("There are more: see them with --limit.");
        }
        Ok(exit::DONE)
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
        record.downtime_s.map_or_else(|| "-".to_owned(), duration),
        when(record.started_at),
        record
            .schedule
            .as_ref()
            .map_or_else(|| "-".to_owned(), ToString::to_string),
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

fn value(record: &SaveRecord) -> Value {
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
