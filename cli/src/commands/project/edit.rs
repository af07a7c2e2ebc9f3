//! `prism project edit`.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use prism_functions::domain::limits::Limits;
use prism_functions::domain::sizes::Size;
use prism_functions::domain::{Problem, ProjectName};
use prism_functions::operations::{Asked, EditProject, ProjectEdit, ShowProject};

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  prism project edit brain-imaging --description \"fMRI and DTI pipelines\"
  prism project edit brain-imaging --approved-only on
  prism project edit cs229 --largest-size L --instances-per-member 2 --hours-per-month 60
  prism project edit cs229 --hours-per-month any";

/// Change the description of a project, or what can be launched for it
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Edit {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    name: String,
    #[command(flatten)]
    what: What,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct What {
    /// What the project is for
    #[arg(long)]
    description: Option<String>,
    /// Whether to allow launches only from templates that the project has approved
    #[arg(long, value_enum, value_name = "SWITCH")]
    approved_only: Option<Switch>,
    /// The largest size of an instance, or "any"; instance types are compared by their price
    #[arg(long, value_name = "SIZE")]
    largest_size: Option<Limit<Size>>,
    /// How many instances a member can have at once, or "any"
    #[arg(long, value_name = "NUMBER")]
    instances_per_member: Option<Limit<u32>>,
    /// How many hours the instances of a member can run in a month, added up, or "any"; beyond that, launches and starts are
    /// refused, and what runs goes on
    #[arg(long, value_name = "HOURS")]
    hours_per_month: Option<Limit<u32>>,
}

/// A limit, or none.
#[derive(Debug, Clone)]
struct Limit<T>(Option<T>);

impl<T: FromStr> FromStr for Limit<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        match text {
            "any" => Ok(Limit(None)),
            text => text.parse().map(|limit| Limit(Some(limit))),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// Only approved templates
    On,
    /// Any template
    Off,
}

impl Edit {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let limits = if self.what.limited() {
            Some(self.what.limits(session, &name).await?)
        } else {
            None
        };
        let edit = ProjectEdit {
            description: self.what.description,
            approved_only: self.what.approved_only.map(|it| it == Switch::On),
            limits,
        };
        let asked = Asked::<EditProject>::with(name, edit);
        let view = session.client.ask(asked).await?;
        session
            .out
            .done(&view, || super::text(&view, session.times()))
    }
}

impl What {
    fn limited(&self) -> bool {
        self.largest_size.is_some()
            || self.instances_per_member.is_some()
            || self.hours_per_month.is_some()
    }

    /// The limits of the project with those that were given.
    async fn limits(&self, session: &Session, name: &ProjectName) -> Result<Limits, Problem> {
        let asked = Asked::<ShowProject>::of(name.clone());
        let mut limits = session.client.ask(asked).await?.project.limits;
        if let Some(Limit(limit)) = &self.largest_size {
            limits.largest_size = *limit;
        }
        if let Some(Limit(limit)) = &self.instances_per_member {
            limits.instances_per_member = *limit;
        }
        if let Some(Limit(limit)) = &self.hours_per_month {
            limits.hours_per_month = *limit;
        }
        Ok(limits)
    }
}
