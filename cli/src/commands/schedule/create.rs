//! `prism schedule create`.

use std::collections::BTreeSet;

use clap::Args;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::schedule::{Cadence, ScheduleRequest};
use prism_functions::domain::{Code, Problem, Region};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, CreateSchedule};

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

const EXAMPLES: &str = "\
Each run is a save of yours like any other, with the rights that you have then: the instance is down
for about a minute, and a run that is refused shows in \"prism saves list\".

Examples:
  prism schedule create my-research nightly-env --rate 1d
  prism schedule create my-research nightly-env --rate 1d --keep 7
  prism schedule create my-research nightly-env --cron \"0 3 ? * MON-FRI *\" \\
    --timezone America/Los_Angeles

A rate is a number of minutes, hours or days, an hour at least; it first runs when it has passed
once. A cron expression has six fields: minutes, hours, day of the month, month, day of the week
(1 is Sunday), year; one of the two days is \"?\". Both may be given as EventBridge Scheduler has them:
\"rate(1 day)\", \"cron(0 3 ? * MON-FRI *)\".";

/// Save an instance as a template again and again
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Create {
    /// The instance, by its name or its id
    instance: String,
    /// The template, which gets a version with each run
    template: String,
    #[command(flatten)]
    when: When,
    /// The time zone that a cron expression is meant in, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: String,
    /// Put each run off at random, by at most so much: 15m, 1h
    #[arg(long, value_name = "TIME")]
    jitter: Option<String>,
    /// Keep so many of the versions that it makes, 1 to 100; older ones are deleted after each run,
    /// unless they are in use, shared or the latest [default: all]
    #[arg(long, value_name = "N")]
    keep: Option<u32>,
    /// The schedule's name [default: the template's]
    #[arg(long)]
    name: Option<String>,
    /// What the template is for
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
    /// A further Region to copy the AMIs to; may be repeated, or several separated by commas
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    region: Vec<String>,
    /// Let everybody see and launch the template
    #[arg(long)]
    public: bool,
    /// Consent to have its runs show others the sensitive files that the instance has now
    #[arg(long)]
    publish_sensitive: bool,
    /// The project that the template belongs to
    #[arg(long)]
    project: Option<String>,
    /// A tag for the AMIs and their snapshots; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// The Region of the instance [default: $PRISM_REGION, the profile's, $AWS_REGION or us-east-1]
    #[arg(long, value_name = "REGION")]
    from_region: Option<String>,
}

/// How often.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct When {
    /// Save each time that so much has passed: 12h, 1d, "rate(2 days)"
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// Save at the times that a cron expression names: "0 3 ? * MON-FRI *"
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
        .hint("Rates go with --rate, cron expressions with --cron."))
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
                format!("The jitter {shown} is not valid: it is a number of minutes or hours.");
            Problem::new(Code::InvalidCadence, message).hint("Write it like 15m or 1h.")
        })
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let asked = self.asked(session)?;
        let made = session
            .client
            .ask(Asked::<CreateSchedule>::with(Nothing {}, asked))
            .await?;
        super::show(session, &super::named(session, made.name).await?)?;
        if session.client.embedded().is_some() {
            session
                .out
                .note("It runs while \"prism local serve\" does: what was missed is made up for by one save.");
        }
        Ok(exit::DONE)
    }

    fn asked(&self, session: &Session) -> Result<ScheduleRequest, Problem> {
        let regions = self.region.iter().map(|region| region.trim().parse());
        let copy_to: BTreeSet<Region> = regions.collect::<Result<_, _>>()?;
        let request = SaveRequest {
            instance: self.instance.clone(),
            template: self.template.parse()?,
            region: session.region_of(self.from_region.as_deref())?,
            description: self.description.clone(),
            copy_to,
            public: self.public,
            project: self.project.as_deref().map(str::parse).transpose()?,
            tags: crate::commands::save::tags_of(&self.tags)?,
            move_template: false,
            accept_instance_store_loss: None,
            publish_sensitive: self.publish_sensitive,
            add_arch: false,
            version: None,
        };
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
            request,
        };
        asked.check()?;
        Ok(asked)
    }
}
