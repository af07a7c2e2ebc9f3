//! `prism project costs`.

use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::{Problem, ProjectName};
use prism_functions::operations::parts::Paging;
use prism_functions::operations::{
    Asked, ProjectCosts, RegionCost, ShowProjectCosts, TemplateCost, VersionCost,
};

use crate::errors::Outcome;
use crate::session::Session;
use crate::table;
use crate::text::{bytes, usd};

/// Show the monthly cost of a project by template, version and Region, and what deleting each would save
#[derive(Debug, Args)]
pub(crate) struct Costs {
    /// The project
    #[arg(value_name = "PROJECT")]
    name: String,
}

impl Costs {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        let costs = whole(session, &name).await?;
        let out = &session.out;
        out.done(&costs, || {
            let rows = costs.templates.iter().flat_map(rows);
            let mut text = head(&costs);
            if !costs.templates.is_empty() {
                text.push('\n');
                let heads = ["TEMPLATE", "VERSION", "REGION", "SIZE", "A MONTH", "FREES"];
                text.push_str(&table::render(out, &heads, rows));
                let _ = writeln!(text, "\n{} Prices of {}.", costs.counted, costs.prices_of);
            }
            text
        })
    }
}

/// Reads the costs of all templates, the most expensive first.
async fn whole(session: &Session, name: &ProjectName) -> Result<ProjectCosts, Problem> {
    let page = |cursor| {
        let paging = Paging::new(None, cursor);
        let asked = Asked::<ShowProjectCosts>::of(name.clone()).query(paging);
        session.client.ask(asked)
    };
    let mut costs = page(None).await?;
    while let Some(cursor) = costs.cursor.take() {
        let next = page(Some(cursor)).await?;
        costs.templates.extend(next.templates);
        costs.cursor = next.cursor;
    }
    costs.dearest_first();
    Ok(costs)
}

fn head(costs: &ProjectCosts) -> String {
    let mut text = format!(
        "{} costs at most {} a month",
        costs.project,
        usd(costs.usd_per_month)
    );
    if let (Some(limit), Some(used)) = (costs.limit_usd, costs.used_percent) {
        let _ = write!(text, ", {used:.0} % of its budget of {}", usd(limit));
    }
    text.push_str(".\n");
    if costs.unseen_usd_per_month > 0.0 {
        let unseen = usd(costs.unseen_usd_per_month);
        let _ = writeln!(
            text,
            "Of that, {unseen} is for templates that you cannot see."
        );
    }
    text
}

fn rows(template: &TemplateCost) -> impl Iterator<Item = Vec<String>> {
    template.versions.iter().flat_map(|version| {
        let row = |region| row(template, version, region);
        version.regions.iter().map(row)
    })
}

fn row(template: &TemplateCost, version: &VersionCost, region: &RegionCost) -> Vec<String> {
    let frees = if region.shares_blocks {
        format!("$0.00 to {}", usd(region.usd_per_month))
    } else {
        usd(region.usd_per_month)
    };
    let size = match region.unknown.len() {
        0 => bytes(region.bytes),
        count => format!("{}, {count} not known", bytes(region.bytes)),
    };
    vec![
        template.template.to_string(),
        version.version.to_string(),
        region.region.to_string(),
        size,
        usd(region.usd_per_month),
        frees,
    ]
}
