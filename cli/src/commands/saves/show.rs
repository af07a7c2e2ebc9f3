//! `prism saves show`.

use std::fmt::Write;

use clap::Args;
use prism_functions::domain::Timestamp;
use prism_functions::domain::save::SaveRecord;
use prism_functions::operations::SaveView;

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;
use crate::text::{Times, bytes, joined, monthly_in, pairs, plain};
use crate::{report, story};

/// Show the state of a save: what was requested, its progress and its result
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The save
    #[arg(value_name = "ID")]
    #[arg(add = candidates::saves())]
    id: String,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let record = session.save(&session.save_id(&self.id).await?).await?;
        let now = session.client.now();
        session
            .out
            .read(&record, || text(&record, now, session.times()))
    }
}

/// The first line: what is saved or copied, and the state.
fn head(record: &SaveRecord) -> String {
    let (id, what) = (&record.save_id, report::subject(record));
    let state = record.state.as_str();
    if record.copy_of.is_some() {
        return format!("{id}: {what} {state}\n");
    }
    let version = record.version.map(|version| format!("@{version}"));
    let (template, version) = (&record.request.template, version.unwrap_or_default());
    format!("{id}: {what} as {template}{version} {state}\n")
}

/// Who cancelled the save, and when.
fn cancelled(record: &SaveRecord, times: Times) -> Option<String> {
    let user = record.cancelled_by.as_ref()?;
    let at = record.cancelled_at;
    let at = at.map(|at| format!(" at {}", times.exactly(at)));
    Some(format!("by {user}{}", at.unwrap_or_default()))
}

fn text(record: &SaveView, now: Timestamp, times: Times) -> String {
    let request = &record.request;
    let or_nothing = |text: Option<String>| text.unwrap_or_default();
    let asked = format!(
        "by {} at {}",
        record.saved_by,
        times.exactly(record.started_at)
    );
    let schedule = record.schedule.as_ref().map(ToString::to_string);
    let wait = story::until_turn(record, now).map(|wait| format!("in {wait}"));
    let step = format!("{} ({})", story::words(record, &record.step), record.step);
    let cost = record.usd_per_month;
    let cost = cost.map(|it| monthly_in(it, report::regions(request)));
    let mut text = head(record);
    let percent = record.progress_percent.filter(|_| !record.state.is_final());
    let size = record
        .snapshot_bytes
        .filter(|_| record.discarded_at.is_none());
    let removed = record.discarded_at;
    let removed = removed.map(|at| format!("AMIs and snapshots, at {}", times.exactly(at)));
    text.push_str(&pairs([
        ("requested", asked),
        ("schedule", or_nothing(schedule)),
        ("region", request.region.to_string()),
        ("copies to", joined(&request.copy_to)),
        ("purpose", plain(&request.description)),
        ("begins", or_nothing(wait)),
        ("step", step),
        ("copied", or_nothing(percent.map(|it| format!("{it} %")))),
        ("instance", story::instance(record)),
        ("AMIs", report::ami_lines(record)),
        ("failed", report::failed_lines(record)),
        ("closed", report::closed_lines(record)),
        ("copy again", report::retries(record)),
        ("removed", or_nothing(removed)),
        ("size", or_nothing(size.map(bytes))),
        ("cost", or_nothing(cost)),
        ("cancelled", or_nothing(cancelled(record, times))),
        (
            "not removed",
            or_nothing(record.leftovers.as_deref().map(plain)),
        ),
    ]));
    let _ = write!(text, "\nTimeline:\n{}", story::timeline(record, now, times));
    if let Some(failure) = &record.failure {
        let _ = write!(
            text,
            "\nFailed in {}: {}: {}\nhint: {}\n",
            failure.step,
            failure.code,
            plain(&failure.message),
            plain(&failure.hint)
        );
    }
    if let Some(guide) = &record.guide {
        let _ = write!(text, "\n{}", story::guide(guide));
    }
    text
}
