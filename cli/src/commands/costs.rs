//! `prism costs`.

use std::fmt::Write as _;

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, ShowMyCosts};

use crate::errors::Outcome;
use crate::session::Session;
use crate::spending;

/// Show what your instances have cost this month, by project, template and instance
#[derive(Debug, Args)]
pub(crate) struct Costs {}

impl Costs {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let asked = Asked::<ShowMyCosts>::of(Nothing {});
        let costs = session.client.ask(asked).await?;
        let out = &session.out;
        out.read(&costs, || {
            let mut text = format!("Your instances cost {}", spending::total(&costs.total));
            text += &spending::by_name(out, "PROJECT", &costs.projects);
            text += &spending::by_name(out, "TEMPLATE", &costs.templates);
            text += &spending::by_instance(out, &costs.instances);
            if costs.incomplete {
                text += "\nThere are more instances than these; the total has all of them.\n";
            }
            let _ = writeln!(text, "\n{} Prices of {}.", costs.counted, costs.prices_of);
            text
        })
    }
}
