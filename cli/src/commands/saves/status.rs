//! `prism saves status`.

use std::fmt::Write;

use clap::Args;
use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::{Region, Timestamp};

use crate::app::Session;
use crate::errors::Outcome;
use crate::text::{bytes, pairs, plain, usd, when};
use crate::{exit, report, story};

/// Tell the story of a save: what was asked, how far it is, how it ended
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The save
    #[arg(value_name = "ID")]
    id: String,
}

impl Status {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let record = session.save(&super::save_id(&self.id)?).await?;
        session
            .out
            .show(&record, || text(&record, session.client.now()))?;
        Ok(exit::DONE)
    }
}

fn text(record: &SaveRecord, now: Timestamp) -> String {
    let request = &record.request;
    let version = record.version.map(|version| format!("@{version}"));
    let what = report::subject(record);
    let (id, state) = (&record.save_id, record.state.as_str());
    let (template, version) = (&request.template, version.unwrap_or_default());
    let mut text = if record.copy_of.is_some() {
        format!("{id}: {what} {state}\n")
    } else {
        format!("{id}: {what} as {template}{version} {state}\n")
    };
    let percent = record.progress_percent.filter(|_| !record.state.is_final());
    let size = record
        .snapshot_bytes
        .filter(|_| record.discarded_at.is_none());
    let copies: Vec<&str> = request.copy_to.iter().map(Region::as_str).collect();
    let or_nothing = |text: Option<String>| text.unwrap_or_default();
    text.push_str(&pairs([
        (
            "asked",
            format!("by {} at {}", record.saved_by, when(record.started_at)),
        ),
        (
            "schedule",
            or_nothing(record.schedule.as_ref().map(ToString::to_string)),
        ),
        ("region", request.region.to_string()),
        ("copies to", copies.join(", ")),
        ("for", plain(&request.description)),
        (
            "begins",
            or_nothing(story::until_turn(record, now).map(|wait| format!("in {wait}"))),
        ),
        (
            "step",
            format!("{} ({})", story::words(&record.step), record.step),
        ),
        (
            "copied",
            or_nothing(percent.map(|percent| format!("{percent} %"))),
        ),
        ("instance", story::instance(record)),
        ("AMIs", report::ami_lines(record)),
        ("failed", report::failed_lines(record)),
        ("closed", report::closed_lines(record)),
        ("copy again", report::retries(record)),
        (
            "removed",
            or_nothing(
                record
                    .discarded_at
                    .map(|at| format!("what it had made, at {}", when(at))),
            ),
        ),
        ("size", or_nothing(size.map(bytes))),
        (
            "cost",
            or_nothing(
                record
                    .usd_per_month
                    .map(|cost| format!("at most {} a month", usd(cost))),
            ),
        ),
        (
            "cancelled",
            or_nothing(
                record
                    .cancelled_by
                    .as_ref()
                    .map(|user| match record.cancelled_at {
                        Some(at) => format!("by {user} at {}", when(at)),
                        None => format!("by {user}"),
                    }),
            ),
        ),
        (
            "not removed",
            plain(record.leftovers.as_deref().unwrap_or_default()),
        ),
    ]));
    let _ = write!(text, "\nTimeline:\n{}", story::timeline(record, now));
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
