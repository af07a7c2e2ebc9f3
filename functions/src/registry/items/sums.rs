//! What a project costs and what is pledged to it, in an item of its own; what a template costs, in an attribute
//! beside its record.

use serde_json::Value;

use crate::domain::template::Template;
use crate::domain::{MicroUsd, ProjectName};
use crate::ports::{Change, Condition, Item, Key, Write};

/// The attribute in which a project's pledges are counted.
const COUNT: &str = "pledged";
/// The attribute that has what is pledged to a project, in millionths of a dollar a month.
const PLEDGED: &str = "pledged_micro_usd";
/// The attribute that has what a template or a project costs, in millionths of a dollar a month.
const COSTS: &str = "costs_micro_usd";

/// Where the sums of a project lie.
pub(in crate::registry) fn sums_key(project: &ProjectName) -> Key {
    Key::new(format!("PROJECT#{project}"), "PLEDGES")
}

/// What a project costs, and what will be added to that, as both stood at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// At most what its versions cost a month.
    pub costs: MicroUsd,
    /// At most what the saves and copies that are under way add to it.
    pub pledged: MicroUsd,
}

impl Committed {
    /// Both, in USD a month.
    pub(crate) fn in_all(&self) -> f64 {
        (self.costs + self.pledged).usd()
    }
}

/// How many pledges a project has had when somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Mark {
    pub(in crate::registry) fn of(item: Option<&Item>) -> Self {
        let count = item.and_then(|item| item.attributes.get(COUNT)?.as_u64());
        Self(count.unwrap_or(0))
    }

    /// That nothing has been pledged since.
    pub(in crate::registry) fn unchanged(self) -> Condition {
        match self.0 {
            0 => Condition::AttributeAbsent(COUNT.to_owned()),
            count => Condition::Equals(COUNT.to_owned(), count.into()),
        }
    }

    /// The check that nothing has been pledged to the project since.
    pub(in crate::registry) fn check(self, project: &ProjectName) -> Write {
        Write::Check(sums_key(project), self.unchanged())
    }

    /// The changes of the sums that a pledge makes.
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

/// The sum of a template's item, if it has one.
pub(super) fn of_template(item: &Item, template: &mut Template) {
    template.costs = amount(item, COSTS);
}

/// The change by which a template's item has the sum.
pub(in crate::registry) fn set_costs(costs: MicroUsd) -> Change {
    Change::Set(COSTS.to_owned(), costs.millionths().into())
}

/// That a template's sum is as it was read.
pub(in crate::registry) fn same_costs(template: &Template) -> Condition {
    match template.costs {
        None => Condition::AttributeAbsent(COSTS.to_owned()),
        Some(costs) => Condition::Equals(COSTS.to_owned(), costs.millionths().into()),
    }
}

/// The write that makes the sums of a project be so.
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

/// The write of the sums of a project that costs nothing yet.
pub(in crate::registry) fn no_sums(project: &ProjectName) -> Write {
    let none = Committed {
        costs: MicroUsd::ZERO,
        pledged: MicroUsd::ZERO,
    };
    set(project, none, Condition::Always)
}

/// The write by which the sums of a project change by so much, if they do.
pub(in crate::registry) fn added(project: &ProjectName, by: Committed) -> Option<Write> {
    let each = [(COSTS, by.costs), (PLEDGED, by.pledged)];
    let each = each.into_iter().filter(|(_, by)| *by != MicroUsd::ZERO);
    let added: Vec<Change> = each
        .map(|(name, by)| Change::Add(name.to_owned(), by.millionths()))
        .collect();
    (!added.is_empty()).then(|| Write::Update(sums_key(project), added, Condition::Always))
}

/// That a project has no sums yet.
pub(in crate::registry) fn none_kept() -> Condition {
    Condition::AttributeAbsent(COSTS.to_owned())
}

/// That the sums of a project are those of an item, and that nothing has been pledged to it since.
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

/// The sums that an item has.
pub(in crate::registry) fn kept(item: &Item) -> Option<Committed> {
    Some(Committed {
        costs: amount(item, COSTS)?,
        pledged: amount(item, PLEDGED).unwrap_or_default(),
    })
}
