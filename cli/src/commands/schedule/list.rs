//! `prism schedule list`.

use clap::Args;
use prism_functions::domain::Timestamp;
use prism_functions::domain::schedule::Schedule;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ListSchedules, ScheduleView};
use serde_json::{Value, json};

use crate::app::Session;
use crate::errors::Outcome;
use crate::text::when;
use crate::{exit, table};

/// List your schedules, by name
#[derive(Debug, Args)]
pub(crate) struct List {
    /// How many to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

const HEADS: [&str; 9] = [
    "SCHEDULE", "STATE", "INSTANCE", "TEMPLATE", "WHEN", "KEEP", "LAST RUN", "ENDED", "NEXT RUN",
];

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let limit = usize::from(self.limit);
        let (schedules, more) = session
            .client
            .list(limit, |page| {
                Asked::<ListSchedules>::of(Nothing {}).query(page)
            })
            .await?;
        let (out, now) = (&session.out, session.client.now());
        if schedules.is_empty() && !out.json {
            out.note("No schedules yet. Make one: prism schedule create my-research nightly-env --rate 1d");
            return Ok(exit::DONE);
        }
        let values = schedules.iter().map(|schedule| super::value(schedule, now));
        let values: Vec<Value> = values.collect::<Result<_, _>>()?;
        out.show(&json!({ "schedules": values, "more": more }), || {
            table::render(out, &HEADS, schedules.iter().map(|it| row(it, now)))
        })?;
        if more && !out.json {
            out.note("There are more: see them with --limit.");
        }
        Ok(exit::DONE)
    }
}

/// The instance's name with its ID, because the name may later belong to another instance.
fn instance(schedule: &Schedule) -> String {
    let name = &schedule.request.instance;
    match &schedule.instance_id {
        Some(id) if id.as_str() != name => format!("{name} ({id})"),
        _ => name.clone(),
    }
}

fn row(view: &ScheduleView, now: Timestamp) -> Vec<String> {
    let schedule = &view.schedule;
    let last = view.runs.first();
    let began = last.map(|run| when(run.began_at));
    let ended = match (last, view.missed) {
        (Some(run), 0) => run.failure.as_ref().map_or_else(
            || run.state.as_str().to_owned(),
            |failure| failure.code.clone(),
        ),
        (None, 0) => "-".to_owned(),
        (_, missed) => format!("missed {missed}"),
    };
    let next = super::runs(schedule, now, 1).first().copied().map(when);
    vec![
        schedule.name.to_string(),
        super::state(schedule).to_owned(),
        instance(schedule),
        schedule.request.template.to_string(),
        schedule.cadence.to_string(),
        schedule
            .keep
            .map_or_else(|| "all".to_owned(), |keep| keep.to_string()),
        began.unwrap_or_else(|| "-".to_owned()),
        ended,
        next.unwrap_or_else(|| "-".to_owned()),
    ]
}
