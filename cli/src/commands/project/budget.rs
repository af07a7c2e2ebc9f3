//! `prism project budget`.

use std::collections::BTreeSet;

use clap::Args;
use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::{Asked, LiftBudget, SetBudget, ShowProject};

use crate::candidates;
use crate::errors::Outcome;
use crate::session::Session;

const EXAMPLES: &str = "\
A budget counts the maximum monthly cost of the snapshots of the project's templates, and what the \
project's instances have cost this month. A notice is sent each time the costs cross a threshold. \
With --hard-stop, saves that would exceed the limit are refused, and so are launches and starts whose \
next hour would exceed it. Nothing that runs is stopped.

Examples:
  prism project budget brain-imaging --limit 50 --alert 50,80,100
  prism project budget brain-imaging --limit 50 --hard-stop
  prism project budget brain-imaging --none
  prism project budget brain-imaging             show the budget";

/// Set the monthly budget of a project, or show it
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Budget {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    name: String,
    /// The limit in USD per month
    #[arg(long, value_name = "USD", conflicts_with = "none")]
    limit: Option<String>,
    /// Send an event at these percentages of the limit, separated by commas
    #[arg(
        long,
        value_name = "PERCENT",
        value_delimiter = ',',
        requires = "limit"
    )]
    alert: Vec<String>,
    /// Refuse saves and launches that would exceed the limit
    #[arg(long, requires = "limit")]
    hard_stop: bool,
    /// Remove the budget
    #[arg(long)]
    none: bool,
}

impl Budget {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let client = &session.client;
        if self.none {
            client.call(Asked::<LiftBudget>::of(name.clone())).await?;
        } else if let Some(limit) = &self.limit {
            let request = self.request(limit)?;
            request.check()?;
            let asked = Asked::<SetBudget>::with(name.clone(), request);
            client.call(asked).await?;
        }
        let view = client.ask(Asked::<ShowProject>::of(name)).await?;
        session
            .out
            .done(&view, || super::text(&view, session.times()))
    }

    fn request(&self, limit: &str) -> Result<BudgetRequest, Problem> {
        let odd = |option: &str, text: &str| {
            let message = format!("{option} was given {text:?}, which is not a valid number.");
            Problem::new(Code::InvalidBudget, message)
        };
        let alerts = self.alert.iter().map(|text| {
            let number = text.trim().trim_end_matches('%').parse();
            number.map_err(|_| odd("--alert", text))
        });
        Ok(BudgetRequest {
            limit_usd: limit.parse().map_err(|_| odd("--limit", limit))?,
            alerts: alerts.collect::<Result<BTreeSet<u16>, _>>()?,
            hard_stop: self.hard_stop,
        })
    }
}
