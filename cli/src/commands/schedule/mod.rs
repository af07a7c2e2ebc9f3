//! `prism schedule`.

mod create;
mod delete;
mod list;
mod show;

use clap::Subcommand;
use prism_functions::domain::schedule::{Schedule, ScheduleState};
use prism_functions::domain::{Problem, Region, ScheduleName, Timestamp};
use serde_json::{Value, json};

use crate::app::Session;
use crate::errors::Outcome;
use crate::text::{pairs, plain, when};

/// How many of the next runs are shown.
const RUNS: usize = 5;

/// Save an instance again and again: make, see and delete schedules
#[derive(Debug, Subcommand)]
pub(crate) enum Schedules {
    Create(create::Create),
    List(list::List),
    Show(show::Show),
    Delete(delete::Delete),
}

impl Schedules {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Create(args) => args.run(session).await,
            Self::List(args) => args.run(session).await,
            Self::Show(args) => args.run(session).await,
            Self::Delete(args) => args.run(session).await,
        }
    }
}

fn name(text: &str) -> Result<ScheduleName, Problem> {
    Ok(text.parse::<ScheduleName>()?)
}

/// When a schedule runs next; one that holds still runs not at all.
fn runs(schedule: &Schedule, now: Timestamp, count: usize) -> Vec<Timestamp> {
    if schedule.paused || schedule.state == ScheduleState::Deleting {
        return Vec::new();
    }
    schedule.upcoming(now, count)
}

/// How a schedule stands, in a word.
fn state(schedule: &Schedule) -> &'static str {
    match schedule.state {
        ScheduleState::Active if schedule.paused => "paused",
        state => state.as_str(),
    }
}

fn value(schedule: &Schedule, now: Timestamp) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(schedule)?;
    value["next_runs"] = json!(runs(schedule, now, RUNS));
    Ok(value)
}

fn text(schedule: &Schedule, now: Timestamp) -> String {
    let request = &schedule.request;
    let next: Vec<String> = runs(schedule, now, RUNS)
        .into_iter()
        .map(|at| {
            let local = schedule.timezone.local(at).format("%a %F %R");
            format!("{}  ({local} in {})", when(at), schedule.timezone)
        })
        .collect();
    let copies: Vec<&str> = request.copy_to.iter().map(Region::as_str).collect();
    let last = schedule.last_fired_at.map(when);
    let mut text = format!(
        "{}: {} as {}, {}\n",
        schedule.name,
        plain(&request.instance),
        request.template,
        schedule.cadence
    );
    text.push_str(&pairs([
        ("state", state(schedule).to_owned()),
        ("owner", schedule.owner.to_string()),
        ("region", request.region.to_string()),
        ("copies to", copies.join(", ")),
        ("for", plain(&request.description)),
        ("time zone", schedule.timezone.to_string()),
        ("made", when(schedule.created_at)),
        ("last run", last.unwrap_or_default()),
        ("next runs", next.join("\n")),
    ]));
    text
}
