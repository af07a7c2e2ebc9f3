//! `prism schedule`.

mod create;
mod delete;
mod edit;
mod list;
mod pause;
mod run;
mod show;

use std::fmt::Write as _;

use prism_functions::domain::schedule::{Run, Schedule, ScheduleState};
use prism_functions::domain::{Code, How, Problem, ScheduleName, Timestamp};
use prism_functions::operations::{Asked, ScheduleView, ShowSchedule};
use serde_json::{Value, json};

use crate::errors::Outcome;
use crate::session::Session;
use crate::text::{Times, joined, pairs, plain};

/// How many of the next runs are shown.
const RUNS: usize = 5;

commands! {
    /// Save an instance regularly: create, show, change, run and delete schedules
    Schedules {
        Create(Box<create::Create>),
        #[command(visible_alias = "ls")]
        List(list::List),
        #[command(alias = "info", alias = "status")]
        Show(show::Show),
        Edit(edit::Edit),
        Pause(pause::Pause),
        Resume(pause::Resume),
        Run(run::Run),
        Delete(delete::Delete),
    }
}

fn name(text: &str) -> Result<ScheduleName, Problem> {
    Ok(text.parse::<ScheduleName>()?)
}

/// The next runs of a schedule; empty if it is paused.
fn runs(schedule: &Schedule, now: Timestamp, count: usize) -> Vec<Timestamp> {
    if schedule.paused || schedule.state == ScheduleState::Deleting {
        return Vec::new();
    }
    schedule.upcoming(now, count)
}

/// The state of a schedule, in one word.
fn state(schedule: &Schedule) -> &'static str {
    match schedule.state {
        ScheduleState::Active if schedule.paused => "paused",
        state => state.as_str(),
    }
}

/// The ID of the instance that a schedule saves.
fn id(schedule: &Schedule) -> String {
    let id = schedule.instance_id.as_ref();
    id.map_or_else(
        || "known after its next run".to_owned(),
        ToString::to_string,
    )
}

/// Prints one of the caller's schedules after a change.
async fn show(session: &Session, name: ScheduleName) -> Outcome {
    let (value, text) = read(session, name).await?;
    session.out.done(&value, || text)
}

/// Reads one of the caller's schedules, as JSON and as text.
async fn read(session: &Session, name: ScheduleName) -> Result<(Value, String), Problem> {
    let view = session.client.ask(Asked::<ShowSchedule>::of(name)).await?;
    let now = session.client.now();
    Ok((value(&view, now)?, text(&view, now, session.times())))
}

fn value(view: &ScheduleView, now: Timestamp) -> Result<Value, Problem> {
    let mut value = serde_json::to_value(view).map_err(|error| {
        Problem::new(Code::Internal, "The schedule could not be written as JSON.").because(error)
    })?;
    // A deployment of an earlier release does not return them.
    if view.next_runs.is_empty() {
        value["next_runs"] = json!(runs(&view.schedule, now, RUNS));
    }
    Ok(value)
}

fn text(view: &ScheduleView, now: Timestamp, times: Times) -> String {
    let schedule = &view.schedule;
    let request = &schedule.request;
    let next: Vec<String> = runs(schedule, now, RUNS)
        .into_iter()
        .map(|at| {
            let local = schedule.timezone.local(at).format("%a %F %R");
            format!("{}  ({local} in {})", times.when(at), schedule.timezone)
        })
        .collect();
    let last = view.runs.iter().take(RUNS);
    let last: Vec<String> = last.map(|run| run_of(run, times)).collect();
    let jitter = match schedule.jitter_minutes {
        0 => String::new(),
        minutes => format!("each run is delayed by at most {minutes} min"),
    };
    let keeps = match schedule.keep {
        None => "all versions".to_owned(),
        Some(1) => "the last version that it creates".to_owned(),
        Some(keep) => format!("the last {keep} versions that it creates"),
    };
    let mut text = format!(
        "{}: {} as {}, {}\n",
        schedule.name,
        plain(&request.instance),
        request.template,
        schedule.cadence
    );
    let by = match request.how {
        How::Reboot => "a reboot",
        How::Stop => "",
    };
    text.push_str(&pairs([
        ("state", state(schedule).to_owned()),
        ("owner", schedule.owner.to_string()),
        ("instance", id(schedule)),
        ("captured by", by.to_owned()),
        ("region", request.region.to_string()),
        ("copies to", joined(&request.copy_to)),
        ("purpose", plain(&request.description)),
        ("time zone", schedule.timezone.to_string()),
        ("jitter", jitter),
        ("keeps", keeps),
        ("created", times.exactly(schedule.created_at)),
        ("last runs", last.join("\n")),
        ("missed", missed_now(view.missed)),
        ("next runs", next.join("\n")),
    ]));
    text
}

/// Formats a run on one line: when it started, its save, and the save's result.
fn run_of(run: &Run, times: Times) -> String {
    let mut text = format!(
        "{}  {}: {}",
        times.when(run.began_at),
        run.save_id,
        run.state.as_str()
    );
    if let Some(version) = run.version {
        let _ = write!(text, " as version {version}");
    }
    if let Some(failure) = &run.failure {
        let _ = write!(text, " ({})", failure.code);
    }
    if let Some(ended) = run.ended_at {
        let _ = write!(text, ", ended {}", times.when(ended));
    }
    if run.missed > 0 {
        let _ = write!(text, "; {}", missed(run.missed));
    }
    text
}

/// How many runs were due since the last one, in words; empty if none.
fn missed_now(count: u32) -> String {
    match count {
        0 => String::new(),
        1 => "1 run is overdue".to_owned(),
        count => format!("{count} runs are overdue"),
    }
}

/// How many runs did not start, in words; empty if none.
fn missed(count: u32) -> String {
    match count {
        0 => String::new(),
        1 => "1 earlier run was missed".to_owned(),
        count => format!("{count} earlier runs were missed"),
    }
}
