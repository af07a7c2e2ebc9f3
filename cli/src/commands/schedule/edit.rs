//! `prism schedule edit`.

use std::collections::BTreeSet;

use clap::Args;
use prism_functions::domain::{Code, How, Problem};
use prism_functions::operations::{Asked, ChangeSchedule, Keep, ScheduleEdit};

use super::create::{cadence, minutes_of};
use crate::candidates;
use crate::commands::save::how;
use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  prism schedule edit nightly-env --keep 14
  prism schedule edit nightly-env --cron \"0 3 ? * MON-FRI *\" --timezone Europe/Berlin
  prism schedule edit nightly-env --keep all --jitter 0m
  prism schedule edit nightly-env --instance my-new-research
  prism schedule edit nightly-env --how reboot

To save to another template, create another schedule.";

/// Change when a schedule runs, how many versions it keeps, or which instance it saves
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Edit {
    /// The schedule
    #[arg(value_name = "NAME")]
    #[arg(add = candidates::schedules())]
    name: String,
    #[command(flatten)]
    changes: Changes,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Keep only this number of versions created by the schedule, 1 to 100, or "all"; applies from its next run
    #[arg(long, value_name = "N")]
    keep: Option<String>,
    /// The time between runs: 12h, 1d, "rate(2 days)"
    #[arg(long, value_name = "RATE", conflicts_with = "cron")]
    rate: Option<String>,
    /// Run at the times of a cron expression: "0 3 ? * MON-FRI *"
    #[arg(long, value_name = "FIELDS")]
    cron: Option<String>,
    /// The time zone of the cron expression, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Delay each run by a random time of at most this length, such as 15m or 1h; 0m for none
    #[arg(long, value_name = "TIME")]
    jitter: Option<String>,
    /// Save this instance from now on, by its name or ID; versions of the previous instance are kept
    #[arg(long, value_name = "INSTANCE")]
    #[arg(add = candidates::instances())]
    instance: Option<String>,
    /// How to capture a running instance from now on: "stop" or "reboot"
    #[arg(long, value_name = "HOW", value_parser = how())]
    how: Option<How>,
    /// Leave these volumes out of the AMIs from now on, instead of those of before: a device name, such as /dev/sdf, or
    /// an ID; can be repeated; "none" leaves none out
    #[arg(long = "exclude-volume", value_name = "VOLUME")]
    exclude_volumes: Vec<String>,
    /// Consent to runs that share the sensitive files that the instance has now; =false withdraws the consent
    #[arg(long, value_name = "CONSENT", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true")]
    publish_sensitive: Option<bool>,
}

/// Parses the number of versions to keep.
fn kept(text: &str) -> Result<Keep, Problem> {
    if text == "all" {
        return Ok(Keep::All);
    }
    text.parse().map(Keep::Newest).map_err(|_| {
        let shown = prism_functions::domain::ids::shown(text);
        let message = format!("The number of versions to keep (keep) is not valid: {shown}.");
        Problem::new(Code::InvalidInput, message).hint("Use a number from 1 to 100, or all.")
    })
}

/// The volumes to leave out; `None` if the schedule's own remain.
fn excluded(named: Vec<String>) -> Option<BTreeSet<String>> {
    match named.as_slice() {
        [] => None,
        [none] if none == "none" => Some(BTreeSet::new()),
        _ => Some(named.into_iter().collect()),
    }
}

impl Edit {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let asked = self.changes;
        let edit = ScheduleEdit {
            paused: None,
            keep: asked.keep.as_deref().map(kept).transpose()?,
            cadence: cadence(asked.rate.as_deref(), asked.cron.as_deref())?,
            timezone: asked.timezone.as_deref().map(str::parse).transpose()?,
            jitter_minutes: asked.jitter.as_deref().map(minutes_of).transpose()?,
            instance: asked.instance,
            how: asked.how,
            exclude_volumes: excluded(asked.exclude_volumes),
            publish_sensitive: asked.publish_sensitive,
        };
        edit.check()?;
        let asked = Asked::<ChangeSchedule>::with(name.clone(), edit);
        session.client.call(asked).await?;
        super::show(session, name).await
    }
}
