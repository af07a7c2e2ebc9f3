//! `prism project budget`.

use std::collections::BTreeSet;

use clap::Args;
use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::{Code, Problem};
use prism_functions::operations::{Asked, LiftBudget, SetBudget, ShowProject};

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

const EXAMPLES: &str = "\
A budget counts what the snapshots of the project's templates cost a month, at most; instances are
not counted. Each threshold is told once when it is crossed. With --hard-stop, saves that would exceed
the limit are refused, and launches once it is used up.

Examples:
  prism project budget brain-imaging --limit 50 --alert 50,80,100
  prism project budget brain-imaging --limit 50 --hard-stop
  prism project budget brain-imaging --none
  prism project budget brain-imaging             shows it";

/// Set what a project may cost a month, or show it
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "See examples with --help.")]
pub(crate) struct Budget {
    /// The project
    #[arg(value_name = "PROJECT")]
    name: String,
    /// The limit, in USD a month
    #[arg(long, value_name = "USD", conflicts_with = "none")]
    limit: Option<String>,
    /// At which percentages of the limit the project is told; several separated by commas
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
    /// Lift the budget
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
            client
                .call(Asked::<SetBudget>::with(name.clone(), request))
                .await?;
        }
        let view = client.ask(Asked::<ShowProject>::of(name)).await?;
        session.out.show(&view, || super::text(&view))?;
        Ok(exit::DONE)
    }

    fn request(&self, limit: &str) -> Result<BudgetRequest, Problem> {
        let odd = |option: &str, text: &str| {
            let message = format!("{option} was given {text:?}, which is no number.");
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
