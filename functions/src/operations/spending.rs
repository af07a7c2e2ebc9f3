//! What instances have cost in a month: in all, and by what or whom.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::Found;
use super::{Asked, Service};
use crate::domain::meter::Meter;
use crate::domain::month::Month;
use crate::domain::pricing::READ_ON;
use crate::domain::tally::Quantities;
use crate::domain::{Problem, Timestamp};
use crate::operations::operation::{Answered, operation};
use crate::registry::{Part, Payer, Used};
use crate::rules::access::Caller;

/// Describes how the costs of instances are counted.
pub(super) const COUNTED: &str = "Instances that Prism launched, from their launch or start until their stop or termination, whoever requested it, at the on-demand price of their type for Linux, and their attached volumes by size and type as long as the instances exist. \
    Prices are those of us-east-1. An instance that shut itself down counts as running until Prism noticed, which takes at most a few minutes. Not counted: provisioned IOPS and throughput, data transfer, addresses, volumes that outlive their instance, \
    and what the fields for unknown prices and unknown volumes report. What ran before the deployment counted this is counted for its current and last month only.";

/// What instances have cost in a month.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Spending {
    /// The month in UTC, such as `2026-01`.
    pub month: String,
    /// The running time in hours.
    pub hours: f64,
    /// The cost of the running time until now, in USD.
    pub compute_usd: f64,
    /// The cost of the attached volumes until now, in USD, including those of stopped instances.
    pub volumes_usd: f64,
    /// The total until now, in USD at the prices of us-east-1.
    pub usd: f64,
    /// What this costs per hour at present, in USD: what runs, and the volumes of what runs or is stopped.
    pub usd_per_hour: f64,
    /// The total at the end of the month, in USD, if nothing is started, stopped or terminated.
    pub forecast_usd: f64,
    /// The part of the running time, in hours, whose price is unknown and is not counted: the price table does not contain
    /// the instance type.
    pub unpriced_hours: f64,
    /// The time, in hours, for which the volumes are unknown and are not counted.
    pub unmeasured_hours: f64,
    /// Whether instances of a type whose price is unknown are running now.
    pub unpriced_now: bool,
}

/// What the instances of a user, a project or a template have cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SpendingOf {
    /// The name of the user, project or template.
    pub name: String,
    /// What they have cost.
    pub spending: Spending,
}

/// What an instance has cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InstanceSpending {
    /// The Region.
    pub region: String,
    /// The instance ID.
    pub id: String,
    /// The name, if it has one.
    pub name: Option<String>,
    /// What it has cost.
    pub spending: Spending,
}

/// What your instances have cost this month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MyCosts {
    /// All of your instances.
    pub total: Spending,
    /// By project, most expensive first. Instances without a project are in the total only.
    pub projects: Vec<SpendingOf>,
    /// By template, most expensive first.
    pub templates: Vec<SpendingOf>,
    /// By instance, most expensive first, including terminated ones.
    pub instances: Vec<InstanceSpending>,
    /// Whether there are so many instances that some are missing. The total contains all of them.
    pub incomplete: bool,
    /// A description of what is counted.
    pub counted: String,
    /// The date of the price table.
    pub prices_of: String,
}

operation! {
    /// Returns what your instances have cost this month, by project, template and instance
    ///
    /// Saved versions are not included. The costs of a project contain those.
    ShowMyCosts by show_my_costs: Get "/v1/me/costs" of "me",
    output: Found<MyCosts>,
    rights: [],
}

async fn show_my_costs(
    service: &Service,
    caller: &Caller,
    _: Asked<ShowMyCosts>,
) -> Answered<ShowMyCosts> {
    let payer = Payer::User(caller.user.clone());
    let spent = service.spent_by(&payer).await?;
    Ok(Found::new(MyCosts {
        total: spent.total,
        projects: spent.others,
        templates: spent.templates,
        instances: spent.instances,
        incomplete: spent.incomplete,
        counted: COUNTED.to_owned(),
        prices_of: READ_ON.to_owned(),
    }))
}

/// What the instances of a payer have cost this month.
pub(super) struct Spent {
    pub(super) total: Spending,
    /// By user for a project, and by project for a user.
    pub(super) others: Vec<SpendingOf>,
    pub(super) templates: Vec<SpendingOf>,
    pub(super) instances: Vec<InstanceSpending>,
    pub(super) incomplete: bool,
}

impl Service {
    pub(super) async fn spent_by(&self, payer: &Payer) -> Result<Spent, Problem> {
        let (registry, now) = (&self.env.registry, self.env.clock.now());
        let month = Month::of(now);
        let totals = registry.totals(payer, now).await?;
        let (mut used, incomplete) = registry.used_by_part(payer, &totals, month, now).await?;
        // Equal costs stay in the order of names.
        used.sort_by(|a, b| b.amounts.usd().total_cmp(&a.amounts.usd()));
        let mut spent = Spent {
            total: Spending::of(totals.used(month, now), totals.rate(), now),
            others: Vec::new(),
            templates: Vec::new(),
            instances: Vec::new(),
            incomplete,
        };
        for used in used {
            spent.add(used, now);
        }
        Ok(spent)
    }
}

impl Spent {
    fn add(&mut self, used: Used, now: Timestamp) {
        let spending = Spending::of(used.amounts, used.rate, now);
        match used.part {
            Part::User(name) | Part::Project(name) => {
                self.others.push(SpendingOf { name, spending });
            }
            Part::Template(name) => self.templates.push(SpendingOf { name, spending }),
            Part::Instance(region, id) => self.instances.push(InstanceSpending {
                region,
                id,
                name: used.name,
                spending,
            }),
        }
    }
}

impl Spending {
    /// Describes amounts of the current month, and the present rates.
    pub(super) fn of(amounts: Quantities, rate: Quantities, now: Timestamp) -> Self {
        let month = Month::of(now);
        let rest = (month.end() - now).num_seconds();
        Self {
            month: month.to_string(),
            hours: amounts.hours(),
            compute_usd: amounts.compute_usd(),
            volumes_usd: amounts.volumes_usd(),
            usd: amounts.usd(),
            usd_per_hour: (rate * 3600).usd(),
            forecast_usd: (amounts + rate * rest).usd(),
            unpriced_hours: amounts.unpriced_hours(),
            unmeasured_hours: amounts.unmeasured_hours(),
            unpriced_now: rate.unpriced_hours() > 0.0,
        }
    }

    /// Describes what an instance has cost this month.
    pub(super) fn of_meter(meter: &Meter, now: Timestamp) -> Self {
        let rate = meter.current().map(crate::domain::meter::Period::rate);
        let amounts = meter.used(Month::of(now), now);
        Self::of(amounts, rate.unwrap_or_default(), now)
    }
}
