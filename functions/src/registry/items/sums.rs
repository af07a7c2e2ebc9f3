//! The costs of a project and the amount pledged to it, in a separate item; the costs of a template, in an attribute
//! beside its record.

use serde_json::Value;

use crate::domain::template::Template;
use crate::domain::{MicroUsd, ProjectName};
use crate::ports::{Change, Condition, Item, Key, Write};

/// The attribute with the number of pledges that a project has had.
const COUNT: &str = "pledged";
/// The attribute with the amount pledged to a project, in millionths of a US dollar per month.
const PLEDGED: &str = "pledged_micro_usd";
/// The attribute with the costs of a template or a project, in millionths of a US dollar per month.
const COSTS: &str = "costs_micro_usd";

pub(in crate::registry) fn sums_key(project: &ProjectName) -> Key {
    Key::new(format!("PROJECT#{project}"), "PLEDGES")
}

/// The costs of a project and the amount pledged to it, at the same point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The maximum cost of the project's versions per month.
    pub costs: MicroUsd,
    /// The maximum amount per month that saves and copies in progress will add.
    pub pledged: MicroUsd,
}

impl Committed {
    /// The total, in USD per month.
    pub(crate) fn in_all(&self) -> f64 {
        (self.costs + self.pledged).usd()
    }
}

/// The number of pledges that a project has had at some point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Mark {
    pub(in crate::registry) fn of(item: Option<&Item>) -> Self {
        let count = item.and_then(|item| item.attributes.get(COUNT)?.as_u64());
        Self(count.unwrap_or(0))
    }

    pub(in crate::registry) fn unchanged(self) -> Condition {
        match self.0 {
            0 => Condition::AttributeAbsent(COUNT.to_owned()),
            count => Condition::Equals(COUNT.to_owned(), count.into()),
        }
    }

    pub(in crate::registry) fn check(self, project: &ProjectName) -> Write {
        Write::Check(sums_key(project), self.unchanged())
    }

    pub(in crate::registry) fn one_more(amount: MicroUsd) -> Vec<Change> {
        vec![
            Change::Add(COUNT.to_owned(), 1),
            Change::Add(PLEDGED.to_owned(), amount.millionths()),
        ]
    }
}

fn amount(item: &Item, attribute: &str) -> Option<MicroUsd> {
    let millionths = item.attributes.get(attribute)?.as_i64()?;
    Some(MicroUsd::new(millionths))
}

/// Reads the costs of a template from its item, if they are stored.
pub(super) fn of_template(item: &Item, template: &mut Template) {
    template.costs = amount(item, COSTS);
}

pub(in crate::registry) fn set_costs(costs: MicroUsd) -> Change {
    Change::Set(COSTS.to_owned(), costs.millionths().into())
}

pub(in crate::registry) fn same_costs(template: &Template) -> Condition {
    match template.costs {
        None => Condition::AttributeAbsent(COSTS.to_owned()),
        Some(costs) => Condition::Equals(COSTS.to_owned(), costs.millionths().into()),
    }
}

pub(in crate::registry) fn set(
    project: &ProjectName,
    sums: Committed,
    condition: Condition,
) -> Write {
    let amount = |it: MicroUsd| Value::from(it.millionths());
    let changes = vec![
        Change::Set(COSTS.to_owned(), amount(sums.costs)),
        Change::Set(PLEDGED.to_owned(), amount(sums.pledged)),
    ];
    Write::Update(sums_key(project), changes, condition)
}

pub(in crate::registry) fn no_sums(project: &ProjectName) -> Write {
    let none = Committed {
        costs: MicroUsd::ZERO,
        pledged: MicroUsd::ZERO,
    };
    set(project, none, Condition::Always)
}

/// The write that adds to the sums of a project; `None` if nothing changes.
pub(in crate::registry) fn added(project: &ProjectName, by: Committed) -> Option<Write> {
    let each = [(COSTS, by.costs), (PLEDGED, by.pledged)];
    let each = each.into_iter().filter(|(_, by)| *by != MicroUsd::ZERO);
    let added: Vec<Change> = each
        .map(|(name, by)| Change::Add(name.to_owned(), by.millionths()))
        .collect();
    (!added.is_empty()).then(|| Write::Update(sums_key(project), added, Condition::Always))
}

pub(in crate::registry) fn none_kept() -> Condition {
    Condition::AttributeAbsent(COSTS.to_owned())
}

pub(in crate::registry) fn same_sums(item: &Item) -> Condition {
    let mut all = vec![Mark::of(Some(item)).unchanged()];
    all.extend(
        [COSTS, PLEDGED].map(|name| match item.attributes.get(name) {
            Some(value) => Condition::Equals(name.to_owned(), value.clone()),
            None => Condition::AttributeAbsent(name.to_owned()),
        }),
    );
    Condition::All(all)
}

pub(in crate::registry) fn kept(item: &Item) -> Option<Committed> {
    Some(Committed {
        costs: amount(item, COSTS)?,
        pledged: amount(item, PLEDGED).unwrap_or_default(),
    })
}
