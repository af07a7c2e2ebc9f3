//! Finds sums of what instances use that are wrong, by counting the meters, and corrects them.

use std::collections::{BTreeMap, BTreeSet};

use super::items::tally::{
    Part, Payer, part_key, part_of, parts_of, set_tally, sums_of, tallies_of, tally_of, total_of,
};
use super::meters::PARTS;
use super::records::within;
use super::{Registry, TRIES, problem};
use crate::domain::month::Month;
use crate::domain::tally::Tally;
use crate::domain::{InstanceId, Problem, Region};
use crate::ports::{Item, Key, TableError};

/// A sum that differs from what the meters say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WrongTally {
    key: Key,
    kept: Option<Item>,
    counted: Tally,
}

/// The instances whose meters are counted.
type Instances = BTreeSet<(Region, InstanceId)>;

impl Registry {
    /// Returns the sums of a payer in a month that differ from the meters of the instances: those that have a sum in the
    /// month, and those that are given. Concurrent changes can appear as a difference.
    pub(crate) async fn wrong_tallies(
        &self,
        payer: &Payer,
        month: Month,
        given: &Instances,
    ) -> Result<Vec<WrongTally>, Problem> {
        // Read before the meters: what changes meanwhile changes a sum too, which is then not overwritten.
        let kept = self.tallies(payer, month).await?;
        let mut instances = given.clone();
        instances.extend(kept.values().filter_map(instance_of));
        let (mut counted, whole) = self.count_meters(payer, month, &kept, &instances).await?;
        let total = total_key(payer, month);
        counted.retain(|key, _| *key == total || is_part(key, &total.pk, month));
        for key in kept.keys() {
            counted.entry(key.clone()).or_default();
        }
        let countable = |key: &Key| whole || *key == total || is_instance(key);
        let all = counted.into_iter().filter(|(key, _)| countable(key));
        let all = all.map(|(key, counted)| WrongTally {
            kept: kept.get(&key).cloned(),
            key,
            counted,
        });
        Ok(all.filter(WrongTally::is_wrong).collect())
    }

    /// Counts what instances contribute to all sums, and returns whether it is known to which. A meter with many periods
    /// does not keep what each was charged to, so the sum of its instance is taken as it is.
    async fn count_meters(
        &self,
        payer: &Payer,
        month: Month,
        kept: &BTreeMap<Key, Item>,
        instances: &Instances,
    ) -> Result<(BTreeMap<Key, Tally>, bool), Problem> {
        let (mut counted, mut whole) = (BTreeMap::<Key, Tally>::new(), true);
        for (region, id) in instances {
            let meter = self.meter(region, id).await?.map(|stored| stored.value);
            let meter = meter.filter(|meter| !meter.earlier.contains_key(&month));
            let sums = if let Some(meter) = meter {
                sums_of((region, id), &meter.contributions())
            } else {
                whole = false;
                let part = Part::Instance(region.to_string(), id.to_string());
                let own = part_key(payer, month, &part);
                let tally = kept.get(&own).map(tally_of).unwrap_or_default();
                BTreeMap::from([(own, tally), (total_key(payer, month), tally)])
            };
            for (key, tally) in sums {
                let sum = counted.entry(key).or_default();
                *sum = *sum + tally;
            }
        }
        Ok((counted, whole))
    }

    /// The sums of a payer in a month.
    async fn tallies(&self, payer: &Payer, month: Month) -> Result<BTreeMap<Key, Item>, Problem> {
        let total = self.table.get(&total_key(payer, month)).await;
        let total = total.map_err(problem)?;
        let mut items: Vec<Item> = total.into_iter().collect();
        let mut cursor = None;
        loop {
            let query = within(tallies_of(payer), parts_of(month), PARTS, cursor);
            let page = self.table.query(&query).await.map_err(problem)?;
            items.extend(page.items);
            cursor = page.cursor;
            if cursor.is_none() {
                let keyed = items.into_iter().map(|item| (item.key.clone(), item));
                return Ok(keyed.collect());
            }
        }
    }

    /// Sets the sums of a payer in a month to the counted values, and repeats this until both agree. Returns whether they
    /// were wrong.
    pub(crate) async fn set_tallies_right(
        &self,
        payer: &Payer,
        month: Month,
        given: &Instances,
    ) -> Result<bool, Problem> {
        let mut were_wrong = false;
        for _ in 0..TRIES {
            let wrong = self.wrong_tallies(payer, month, given).await?;
            if wrong.is_empty() {
                return Ok(were_wrong);
            }
            for it in wrong {
                let write = set_tally(it.key, it.kept.as_ref(), it.counted);
                were_wrong |= self.commit(&[write]).await?;
            }
        }
        Err(problem(TableError::Conflict))
    }
}

impl WrongTally {
    fn is_wrong(&self) -> bool {
        self.kept.as_ref().map(tally_of).unwrap_or_default() != self.counted
    }
}

fn total_key(payer: &Payer, month: Month) -> Key {
    Key::new(tallies_of(payer), total_of(month))
}

fn is_part(key: &Key, pk: &str, month: Month) -> bool {
    key.pk == pk && key.sk.starts_with(&parts_of(month))
}

/// The instance that a sum is for.
fn instance_of(item: &Item) -> Option<(Region, InstanceId)> {
    match part_of(item)? {
        Part::Instance(region, id) => Some((region.parse().ok()?, id.parse().ok()?)),
        _ => None,
    }
}

fn is_instance(key: &Key) -> bool {
    key.sk.contains("#INSTANCE#")
}
