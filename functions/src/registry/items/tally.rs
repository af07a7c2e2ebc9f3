//! The sums of what instances use in a month, by what pays for them: a project or a user. Each has a total, and sums by
//! user or project, template and instance.

use std::collections::BTreeMap;

use crate::domain::meter::Contributions;
use crate::domain::month::Month;
use crate::domain::tally::{Quantities, Tally};
use crate::domain::{InstanceId, ProjectName, Region, UserId};
use crate::ports::{Change, Condition, Item, Key, Write};

/// The attribute with the name of an instance.
const NAME: &str = "name";

/// Whose sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payer {
    Project(ProjectName),
    User(UserId),
}

/// What a sum of a payer is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    User(String),
    Project(String),
    Template(String),
    /// An instance, by its Region and ID.
    Instance(String, String),
}

impl Part {
    fn text(&self) -> String {
        match self {
            Part::User(user) => format!("USER#{user}"),
            Part::Project(project) => format!("PROJECT#{project}"),
            Part::Template(template) => format!("TEMPLATE#{template}"),
            Part::Instance(region, id) => format!("INSTANCE#{region}#{id}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('#')?;
        let name = name.to_owned();
        match kind {
            "USER" => Some(Part::User(name)),
            "PROJECT" => Some(Part::Project(name)),
            "TEMPLATE" => Some(Part::Template(name)),
            "INSTANCE" => {
                let (region, id) = name.split_once('#')?;
                Some(Part::Instance(region.to_owned(), id.to_owned()))
            }
            _ => None,
        }
    }
}

pub(in crate::registry) fn tallies_of(payer: &Payer) -> String {
    match payer {
        Payer::Project(project) => format!("USED#PROJECT#{project}"),
        Payer::User(user) => format!("USED#USER#{user}"),
    }
}

/// The sort key of the total of a month.
pub(in crate::registry) fn total_of(month: Month) -> String {
    format!("TOTAL#{month}")
}

/// What the sort keys of the other sums of a month begin with.
pub(in crate::registry) fn parts_of(month: Month) -> String {
    format!("PART#{month}#")
}

pub(in crate::registry) fn part_key(payer: &Payer, month: Month, part: &Part) -> Key {
    let sk = format!("{}{}", parts_of(month), part.text());
    Key::new(tallies_of(payer), sk)
}

pub(in crate::registry) fn month_of(item: &Item) -> Option<Month> {
    item.key.sk.split('#').nth(1)?.parse().ok()
}

pub(in crate::registry) fn part_of(item: &Item) -> Option<Part> {
    Part::read(item.key.sk.splitn(3, '#').nth(2)?)
}

pub(in crate::registry) fn name_of(item: &Item) -> Option<String> {
    Some(item.attributes.get(NAME)?.as_str()?.to_owned())
}

pub(in crate::registry) fn tally_of(item: &Item) -> Tally {
    let read = |group: &str| {
        let part = |name: &str| {
            let value = item.attributes.get(&format!("{group}_{name}"));
            value.and_then(serde_json::Value::as_i64).unwrap_or(0)
        };
        Quantities::of(Quantities::NAMES.map(part))
    };
    Tally {
        done: read("done"),
        rate: read("rate"),
        base: read("base"),
    }
}

/// What an instance contributes to each sum.
pub(in crate::registry) fn sums_of(
    (region, id): (&Region, &InstanceId),
    contributions: &Contributions,
) -> BTreeMap<Key, Tally> {
    let mut sums: BTreeMap<Key, Tally> = BTreeMap::new();
    for ((month, charged), tally) in contributions {
        let mut add = |key: Key| {
            let sum = sums.entry(key).or_default();
            *sum = *sum + *tally;
        };
        let instance = Part::Instance(region.to_string(), id.to_string());
        let template = charged.template.as_ref();
        let template = template.map(|it| Part::Template(it.to_string()));
        let user = charged.owner.as_ref();
        let project = charged.project.as_ref();
        let of_project = user.map(|it| Part::User(it.to_string()));
        let of_user = project.map(|it| Part::Project(it.to_string()));
        let payers = [
            (project.cloned().map(Payer::Project), of_project),
            (user.cloned().map(Payer::User), of_user),
        ];
        for (payer, other) in payers {
            let Some(payer) = payer else { continue };
            add(Key::new(tallies_of(&payer), total_of(*month)));
            let parts = [Some(&instance), template.as_ref(), other.as_ref()];
            for part in parts.into_iter().flatten() {
                add(part_key(&payer, *month, part));
            }
        }
    }
    sums
}

/// The writes for what an instance contributes now and has not contributed before.
pub(in crate::registry) fn tallied(
    instance: (&Region, &InstanceId),
    name: Option<&str>,
    before: &Contributions,
    after: &Contributions,
) -> Vec<Write> {
    let mut sums = sums_of(instance, after);
    for (key, tally) in sums_of(instance, before) {
        let sum = sums.entry(key).or_default();
        *sum = *sum - tally;
    }
    let nonzero = sums.into_iter().filter(|(_, sum)| !sum.is_zero());
    let writes = nonzero.map(|(key, sum)| {
        let mut changes = added(sum);
        if key.sk.contains("#INSTANCE#")
            && let Some(name) = name
        {
            changes.push(Change::Set(NAME.to_owned(), name.into()));
        }
        Write::Update(key, changes, Condition::Always)
    });
    writes.collect()
}

fn added(sum: Tally) -> Vec<Change> {
    let changed = attributes(sum).filter(|(_, part)| *part != 0);
    changed
        .map(|(name, part)| Change::Add(name, part))
        .collect()
}

/// The write that sets a sum, unless it has changed since it was read.
pub(in crate::registry) fn set_tally(key: Key, read: Option<&Item>, sum: Tally) -> Write {
    let (mut changes, mut as_read) = (Vec::new(), Vec::new());
    for (name, part) in attributes(sum) {
        as_read.push(match read.and_then(|item| item.attributes.get(&name)) {
            Some(value) => Condition::Equals(name.clone(), value.clone()),
            None => Condition::AttributeAbsent(name.clone()),
        });
        changes.push(Change::Set(name, part.into()));
    }
    Write::Update(key, changes, Condition::All(as_read))
}

/// The attributes of a sum.
fn attributes(sum: Tally) -> impl Iterator<Item = (String, i64)> {
    sum.parts().into_iter().flat_map(|(group, quantities)| {
        let named = Quantities::NAMES.into_iter().zip(quantities.parts());
        named.map(move |(name, part)| (format!("{group}_{name}"), part))
    })
}
