//! `prism project costs`.

use std::fmt::Write as _;

use clap::Args;
use prism_functions::domain::{Problem, ProjectName};
use prism_functions::operations::parts::Paging;
use prism_functions::operations::{
    Asked, ProjectCosts, RegionCost, ShowProjectCosts, TemplateCost, VersionCost,
};

use crate::candidates;
use crate::errors::Outcome;
use crate::output::Output;
use crate::session::Session;
use crate::spending;
use crate::table;
use crate::text::{bytes, usd};

/// Show the costs of a project: of its saved versions by template, version and Region, with what deleting each would
/// save, and of its instances by person, template and instance
#[derive(Debug, Args)]
pub(crate) struct Costs {
    /// The project
    #[arg(value_name = "PROJECT")]
    #[arg(add = candidates::projects())]
    name: String,
    /// Show what the project has cost in each of the last months instead
    #[arg(long)]
    history: bool,
    /// The number of months [default: 12]
    #[arg(long, value_name = "N", requires = "history", value_parser = clap::value_parser!(u32).range(1..=36))]
    months: Option<u32>,
}

impl Costs {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let name = super::name(&self.name)?;
        if self.history {
            return super::history::show(session, name, self.months).await;
        }
        let costs = whole(session, &name).await?;
        let out = &session.out;
        out.read(&costs, || {
            let rows = costs.templates.iter().flat_map(rows);
            let mut text = head(&costs);
            if !costs.templates.is_empty() {
                text.push('\n');
                let heads = ["TEMPLATE", "VERSION", "REGION", "SIZE", "A MONTH", "FREES"];
                text.push_str(&table::render(out, &heads, rows));
                let _ = writeln!(text, "\n{} Prices of {}.", costs.counted, costs.prices_of);
            }
            text + &instances(out, &costs)
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
    if has_instances(costs) {
        let _ = write!(
            text,
            " for its saved versions.\nIts instances have cost {} this month: together {}, and {} by the end of the month if nothing changes",
            usd(costs.compute.total.usd),
            usd(costs.month_usd),
            usd(costs.month_forecast_usd),
        );
    }
    if let (Some(limit), Some(used)) = (costs.limit_usd, costs.used_percent) {
        let _ = write!(text, ", {used:.0} % of its budget of {}", usd(limit));
    }
    text.push_str(".\n");
    if costs.unseen_usd_per_month > 0.0 {
        let unseen = usd(costs.unseen_usd_per_month);
        let _ = writeln!(
            text,
            "Of the saved versions, {unseen} is for templates that you cannot see."
        );
    }
    text
}

/// Whether the project has, or had this month, instances.
fn has_instances(costs: &ProjectCosts) -> bool {
    !costs.compute.people.is_empty()
}

/// What the instances of the project cost.
fn instances(out: &Output, costs: &ProjectCosts) -> String {
    if !has_instances(costs) {
        return String::new();
    }
    let compute = &costs.compute;
    let total = spending::total(&compute.total);
    let mut text = format!("\nThe instances of {} cost {total}", costs.project);
    let tables = [
        spending::by_name(out, "PERSON", &compute.people),
        spending::by_name(out, "TEMPLATE", &compute.templates),
        spending::by_instance(out, &compute.instances),
    ];
    text.extend(tables);
    if compute.incomplete {
        text.push_str("\nThere are more instances than these; the total has all of them.\n");
    }
    let _ = writeln!(text, "\n{}", compute.counted);
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
