//! What instances cost, in words and in tables.

use std::fmt::Write as _;

use prism_functions::domain::Region;
use prism_functions::domain::ec2::InstanceState;
use prism_functions::operations::{InstanceSpending, InstanceView, Spending, SpendingOf};

use crate::output::Output;
use crate::table;
use crate::text::{prices, usd};

const HOURS_PER_DAY: f64 = 24.0;
/// AWS converts monthly prices by this number of hours.
const HOURS_PER_MONTH: f64 = 730.0;

/// What an instance costs per hour now: of a stopped one, its volumes.
pub(crate) fn per_hour(instance: &InstanceView) -> String {
    match &instance.spending {
        Some(spending) => rate(spending),
        None => "-".to_owned(),
    }
}

/// What an instance has cost this month.
pub(crate) fn this_month(instance: &InstanceView) -> String {
    match &instance.spending {
        Some(spending) => so_far(spending),
        None => "-".to_owned(),
    }
}

fn rate(spending: &Spending) -> String {
    if spending.unpriced_now {
        return "not known".to_owned();
    }
    format!("${:.4}", spending.usd_per_hour)
}

/// The costs of a month, which are more if a price is not known.
fn so_far(spending: &Spending) -> String {
    let more = spending.unpriced_hours + spending.unmeasured_hours > 0.0;
    let least = if more { "at least " } else { "" };
    format!("{least}{}", usd(spending.usd))
}

/// Says below a table with prices of instances whose prices they are, if one of these Regions has others.
pub(crate) fn note_prices<'a>(out: &Output, regions: impl IntoIterator<Item = &'a Region>) {
    if !out.for_programs() && !prices(regions).is_empty() {
        out.note("All prices are those of us-east-1.");
    }
}

/// What an instance costs, in a sentence.
pub(crate) fn sentence(instance: &InstanceView) -> String {
    let Some(spending) = &instance.spending else {
        return "not known: Prism did not launch it, or has not looked at it since".to_owned();
    };
    let hourly = spending.usd_per_hour;
    let now = match instance.state {
        InstanceState::Pending | InstanceState::Running if spending.unpriced_now => {
            format!("price not known for {}", instance.instance_type)
        }
        InstanceState::Pending | InstanceState::Running => {
            let day = usd(hourly * HOURS_PER_DAY);
            format!("{} an hour, {day} a day", rate(spending))
        }
        InstanceState::Stopping | InstanceState::Stopped => {
            let month = usd(hourly * HOURS_PER_MONTH);
            format!("{month} a month for its volumes while it is stopped")
        }
        InstanceState::ShuttingDown | InstanceState::Terminated => "nothing any more".to_owned(),
    };
    let whose = prices([&instance.region]);
    let mut text = format!("{now}; {} this month{whose}", so_far(spending));
    if spending.unmeasured_hours > 0.0 {
        text.push_str(", without its volumes, which are not known yet");
    }
    text
}

/// The costs of a month in all, and what they will be.
pub(crate) fn total(spending: &Spending) -> String {
    let mut text = format!(
        "{} in {}: {} for {:.1} hours of running time, {} for volumes. It costs {} an hour now, and {} by the end of the month if nothing changes.\n",
        so_far(spending),
        spending.month,
        usd(spending.compute_usd),
        spending.hours,
        usd(spending.volumes_usd),
        rate(spending),
        usd(spending.forecast_usd),
    );
    if spending.unpriced_hours > 0.0 {
        let hours = spending.unpriced_hours;
        let _ = writeln!(
            text,
            "Not counted: {hours:.1} hours of instance types whose price is not known."
        );
    }
    if spending.unmeasured_hours > 0.0 {
        let hours = spending.unmeasured_hours;
        let _ = writeln!(
            text,
            "Not counted: the volumes of {hours:.1} hours, which are not known."
        );
    }
    text
}

/// A table of what users, projects or templates cost; nothing if there are none.
pub(crate) fn by_name(out: &Output, head: &str, all: &[SpendingOf]) -> String {
    let rows = all
        .iter()
        .map(|it| row(vec![it.name.clone()], &it.spending));
    section(out, vec![head], rows.collect())
}

/// A table of what instances cost; nothing if there are none.
pub(crate) fn by_instance(out: &Output, all: &[InstanceSpending]) -> String {
    let rows = all.iter().map(|it| {
        let name = it.name.clone().unwrap_or_else(|| "-".to_owned());
        row(vec![name, it.region.clone(), it.id.clone()], &it.spending)
    });
    section(out, vec!["INSTANCE", "REGION", "ID"], rows.collect())
}

fn row(mut names: Vec<String>, spending: &Spending) -> Vec<String> {
    names.extend([
        format!("{:.1}", spending.hours),
        usd(spending.compute_usd),
        usd(spending.volumes_usd),
        so_far(spending),
        rate(spending),
        usd(spending.forecast_usd),
    ]);
    names
}

fn section(out: &Output, mut heads: Vec<&str>, rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    heads.extend([
        "HOURS", "RUNNING", "VOLUMES", "SO FAR", "PER HOUR", "FORECAST",
    ]);
    format!("\n{}", table::render(out, &heads, rows))
}
