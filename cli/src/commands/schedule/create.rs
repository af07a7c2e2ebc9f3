//! `prism schedule create`.

use clap::Args;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::schedule::{Cadence, ScheduleRequest};
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, CreateSchedule};

use crate::candidates;
use crate::commands::save::What;
use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Each run is a normal save with the permissions that you have at that time: the instance is down for \
about a minute. A run that is refused appears in \"prism saves list\".

Examples:
  prism schedule create my-research nightly-env --rate 1d
  prism schedule create my-research nightly-env --rate 1d --keep 7
  prism schedule create my-research nightly-env --cron \"0 3 ? * MON-FRI *\" \\
    --timezone America/Los_Angeles

A rate is a number of minutes, hours or days, at least one hour; the first run is due when that time \
has passed. A cron expression has six fields: minutes, hours, day of the month, month, day of the \
week (1 is Sunday), year; one of the two days must be \"?\". EventBridge Scheduler's notation works \
too: \"rate(1 day)\", \"cron(0 3 ? * MON-FRI *)\".";

/// Save an instance as a template regularly
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Create {
    /// The instance, by its name or ID
    #[arg(add = candidates::instances())]
    instance: String,
    /// The template, which gets a new version with each run
    #[arg(add = candidates::templates())]
    template: String,
    #[command(flatten)]
    when: When,
    /// The time zone of the cron expression, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: String,
    /// Delay each run by a random time of at most this length, such as 15m or 1h
    #[arg(long, value_name = "TIME")]
    jitter: Option<String>,
    /// Keep only this number of versions created by the schedule, 1 to 100; after each run, older ones
    /// are deleted unless they are in use, shared or the latest [default: all]
    #[arg(long, value_name = "N")]
    keep: Option<u32>,
    /// The name of the schedule [default: the name of the template]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    what: What,
    /// Consent to runs that share the sensitive files that the instance has now
    #[arg(long)]
    publish_sensitive: bool,
}

/// How often.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct When {
    /// The time between runs: 12h, 1d, "rate(2 days)"
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// Run at the times of a cron expression: "0 3 ? * MON-FRI *"
    #[arg(long, value_name = "FIELDS")]
    cron: Option<String>,
}

/// Parses `--rate` or `--cron`.
pub(super) fn cadence(rate: Option<&str>, cron: Option<&str>) -> Result<Option<Cadence>, Problem> {
    let (option, text) = match (rate, cron) {
        (Some(rate), _) => ("--rate", rate),
        (None, Some(fields)) => ("--cron", fields),
        (None, None) => return Ok(None),
    };
    let cadence: Cadence = text.parse()?;
    let fits = match &cadence {
        Cadence::Rate { .. } => option == "--rate",
        Cadence::Cron(_) => option == "--cron",
    };
    if fits {
        return Ok(Some(cadence));
    }
    let message = format!("{option} was given {cadence}.");
    Err(Problem::new(Code::InvalidCadence, message)
        .hint("Use --rate for a rate, and --cron for a cron expression."))
}

/// Parses a duration, in minutes.
pub(super) fn minutes_of(text: &str) -> Result<u32, Problem> {
    let number = text
        .trim()
        .trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let each = match text.trim()[number.len()..].trim() {
        "m" | "min" | "minute" | "minutes" => Some(1),
        "h" | "hour" | "hours" => Some(60),
        "d" | "day" | "days" => Some(24 * 60),
        _ => None,
    };
    let minutes = number.parse::<u32>().ok().zip(each);
    minutes
        .and_then(|(number, each)| number.checked_mul(each))
        .ok_or_else(|| {
            let shown = prism_functions::domain::ids::shown(text);
            let message =
                format!("The jitter {shown} is not valid: use a number of minutes or hours.");
            Problem::new(Code::InvalidCadence, message).hint("Examples: 15m, 1h.")
        })
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let asked = self.asked(session)?;
        let asked = Asked::<CreateSchedule>::with(Nothing {}, asked);
        let created = session.client.ask(asked).await?;
        let shown = super::show(session, created.name).await?;
        if session.client.embedded().is_some() {
            session.out.note(
                "Schedules run only while \"prism local serve\" is running. If runs were due meanwhile, one save replaces them.",
            );
        }
        Ok(shown)
    }

    fn asked(&self, session: &Session) -> Result<ScheduleRequest, Problem> {
        let request = self.what.request(session, &self.instance, &self.template)?;
        let (rate, cron) = (self.when.rate.as_deref(), self.when.cron.as_deref());
        let neither = || {
            let message = "Neither --rate nor --cron is given.";
            Problem::new(Code::InvalidCadence, message)
        };
        let cadence = cadence(rate, cron)?.ok_or_else(neither)?;
        let asked = ScheduleRequest {
            name: self.name.as_deref().map(str::parse).transpose()?,
            cadence,
            timezone: self.timezone.parse()?,
            jitter_minutes: self.jitter.as_deref().map_or(Ok(0), minutes_of)?,
            keep: self.keep,
            request: SaveRequest {
                publish_sensitive: self.publish_sensitive,
                ..request
            },
        };
        asked.check()?;
        Ok(asked)
    }
}
