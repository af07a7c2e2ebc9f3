//! `prism project costs --history`.

use std::fmt::Write as _;

use prism_functions::domain::ProjectName;
use prism_functions::operations::{Asked, CostHistory, HistoryQuery, MonthCost, ShowCostHistory};

use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::usd;

/// Shows what a project has cost in each of the last months.
pub(super) async fn show(session: &Session, name: ProjectName, months: Option<u32>) -> Outcome {
    let query = HistoryQuery { months };
    let asked = Asked::<ShowCostHistory>::by(name, query);
    let history = session.client.ask(asked).await?;
    let out = &session.out;
    out.read(&history, || {
        let rows = history.months.iter().map(row);
        let rows = table::render(out, &["MONTH", "COST", "INSTANCES", "VERSIONS"], rows);
        format!("{rows}\n{}", notes(&history))
    })
}

fn row(month: &MonthCost) -> Vec<String> {
    let until_now = if month.current { ", until now" } else { "" };
    vec![
        month.month.clone(),
        format!("{}{until_now}", usd(month.usd)),
        usd(month.instances_usd),
        month.versions.to_string(),
    ]
}

fn notes(history: &CostHistory) -> String {
    let mut text = format!("{} Prices of {}.\n", history.counted, history.prices_of);
    match history.templates_not_counted {
        0 => {}
        1 => text.push_str("1 template has left the project in this time.\n"),
        count => {
            let _ = writeln!(
                text,
                "{count} templates have left the project in this time."
            );
        }
    }
    if !history.complete {
        text.push_str("The project has too many audit events to find all deleted templates.\n");
    }
    text
}
