//! `prism schedule list`.

use clap::Args;
use prism_functions::domain::Timestamp;
use prism_functions::domain::schedule::Schedule;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ListSchedules, ScheduleView, SchedulesPage};
use serde_json::{Value, json};

use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::{Times, or_dash};

/// List your schedules
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The maximum number to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

const HEADS: [&str; 9] = [
    "SCHEDULE", "STATE", "INSTANCE", "TEMPLATE", "WHEN", "KEEP", "LAST RUN", "ENDED", "NEXT RUN",
];

impl List {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let page = |page| Asked::<ListSchedules>::by(Nothing {}, SchedulesPage::of(page));
        let limit = usize::from(self.limit);
        let (schedules, more) = session.client.list(limit, page).await?;
        let now = session.client.now();
        let values = schedules.iter().map(|schedule| super::value(schedule, now));
        let values: Vec<Value> = values.collect::<Result<_, _>>()?;
        let value = json!({ "schedules": values, "more": more });
        let times = session.times();
        let rows = schedules.iter().map(|schedule| row(schedule, now, times));
        let none =
            "No schedules yet. Create one: prism schedule create my-research nightly-env --rate 1d";
        table::list(&session.out, &value, &HEADS, rows, none)
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

fn row(view: &ScheduleView, now: Timestamp, times: Times) -> Vec<String> {
    let schedule = &view.schedule;
    let last = view.runs.first();
    let began = last.map(|run| times.when(run.began_at));
    let code = last.and_then(|run| run.failure.as_ref());
    let ended = match (last, view.missed) {
        (_, missed) if missed > 0 => format!("missed {missed}"),
        (Some(run), _) => code.map_or(run.state.as_str(), |it| &it.code).to_owned(),
        (None, _) => "-".to_owned(),
    };
    let next = super::runs(schedule, now, 1)
        .first()
        .map(|at| times.when(*at));
    vec![
        schedule.name.to_string(),
        super::state(schedule).to_owned(),
        instance(schedule),
        schedule.request.template.to_string(),
        schedule.cadence.to_string(),
        schedule
            .keep
            .map_or_else(|| "all".to_owned(), |keep| keep.to_string()),
        or_dash(began),
        ended,
        or_dash(next),
    ]
}
