//! The meters of instances, and the sums of what instances use, by project and by user in each month.
//!
//! A sum changes in the same transaction as the meter that it is about, by the difference that this makes. It says how
//! much is used per second by what has not ended, so it is right at any time without being written. What has not ended
//! is in the sums of the month in which its current period began: the sums of a month are completed by those of earlier
//! months until the next sweep has moved the periods on.

use std::collections::BTreeMap;

use super::items::meter::{OPEN_METERS, meter_item, meter_key};
use super::items::tally::{
    Part, Payer, month_of, name_of, part_key, part_of, parts_of, tallied, tallies_of, tally_of,
    total_of,
};
use super::records::{Stored, next, open, within};
use super::{Listed, Registry, TRIES, problem};
use crate::domain::meter::{Contributions, Meter};
use crate::domain::month::Month;
use crate::domain::tally::{Quantities, Tally};
use crate::domain::{InstanceId, Problem, ProjectName, Region, Timestamp, UserId};
use crate::ports::table_rules::QUERY_LIMIT;
use crate::ports::{Index, Query, SortKeys, TableError, Write};

/// The number of earlier months whose totals are read too, for what began then and has not moved on.
const EARLIER: i32 = 12;
/// The maximum number of sums of one month that are read.
pub(crate) const PARTS: usize = QUERY_LIMIT;

/// The totals of a payer, by month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals(BTreeMap<Month, Tally>);

/// A sum of a payer in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) part: Part,
    /// The name, if it is an instance.
    pub(crate) name: Option<String>,
    pub(crate) amounts: Quantities,
    /// The rates of what has not ended.
    pub(crate) rate: Quantities,
}

impl Totals {
    /// The amounts of a month until now.
    pub(crate) fn used(&self, month: Month, now: Timestamp) -> Quantities {
        self.0
            .range(..=month)
            .fold(Quantities::default(), |sum, (&of, tally)| {
                sum + amounts(of, tally, month, now)
            })
    }

    /// The rates of what has not ended.
    pub(crate) fn rate(&self) -> Quantities {
        let rates = self.0.values().map(|tally| tally.rate);
        rates.fold(Quantities::default(), |sum, rate| sum + rate)
    }

    /// The months whose sums a month consists of: its own, and those of what began earlier and has not moved on.
    fn months(&self, month: Month) -> Vec<Month> {
        let open = |(of, tally): &(&Month, &Tally)| **of == month || !tally.rate.is_zero();
        let months = self.0.range(..=month).filter(open);
        months.map(|(of, _)| *of).collect()
    }
}

/// What the sum of a month adds to a month, which is the same or a later one.
fn amounts(of: Month, tally: &Tally, month: Month, now: Timestamp) -> Quantities {
    let seconds = month.seconds_until(now).max(0);
    if of == month {
        tally.until(seconds)
    } else {
        tally.rate * seconds
    }
}

impl Registry {
    /// Returns the meter of an instance, if it has one.
    pub async fn meter(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<Option<Stored<Meter>>, Problem> {
        self.stored(&meter_key(region, id)).await
    }

    /// Returns the meters of instances that are not terminated, by Region and ID.
    pub async fn open_meters(
        &self,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Meter>, Problem> {
        self.list(&open(OPEN_METERS, limit, cursor)).await
    }

    /// Changes the meter of an instance and the sums. `change` receives the current meter and returns the new one; it
    /// is called until nothing changes, and again after a concurrent change.
    pub(crate) async fn change_meter(
        &self,
        region: &Region,
        id: &InstanceId,
        now: Timestamp,
        change: impl Fn(Option<Meter>) -> Option<Meter>,
    ) -> Result<(), Problem> {
        for _ in 0..TRIES * 10 {
            let before = self.meter(region, id).await?;
            let was = before.as_ref().map(|stored| &stored.value);
            let Some(mut after) = change(was.cloned()) else {
                return Ok(());
            };
            if was == Some(&after) {
                return Ok(());
            }
            let sums = was.map_or_else(Contributions::new, Meter::contributions);
            let name = after.name.as_deref();
            let mut writes = tallied((region, id), name, &sums, &after.contributions());
            after.fold(now);
            let (revision, condition) = next(before.as_ref());
            writes.push(Write::Put(meter_item(&after, revision)?, condition));
            let written = self.commit(&writes).await?;
            if written && change(Some(after.clone())).as_ref() == Some(&after) {
                return Ok(());
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// Returns the totals of a payer for the current month.
    pub(crate) async fn totals(&self, payer: &Payer, now: Timestamp) -> Result<Totals, Problem> {
        self.totals_since(payer, Month::of(now), now).await
    }

    /// Returns the totals of a payer for the months from `first` to the current one.
    pub(crate) async fn totals_since(
        &self,
        payer: &Payer,
        first: Month,
        now: Timestamp,
    ) -> Result<Totals, Problem> {
        let first = first.plus(-EARLIER);
        let between = SortKeys::Between(total_of(first), total_of(Month::of(now)));
        let query = Query {
            index: Index::Primary,
            pk: tallies_of(payer),
            sort_keys: between,
            descending: false,
            limit: QUERY_LIMIT,
            cursor: None,
        };
        let page = self.table.query(&query).await.map_err(problem)?;
        let read = page.items.iter();
        let read = read.filter_map(|item| Some((month_of(item)?, tally_of(item))));
        Ok(Totals(read.collect()))
    }

    /// Returns the sums of a payer in a month, and whether there are more than these.
    pub(crate) async fn used_by_part(
        &self,
        payer: &Payer,
        totals: &Totals,
        month: Month,
        now: Timestamp,
    ) -> Result<(Vec<Used>, bool), Problem> {
        let (mut all, mut more) = (BTreeMap::<Part, Used>::new(), false);
        for of in totals.months(month) {
            let query = within(tallies_of(payer), parts_of(of), PARTS, None);
            let page = self.table.query(&query).await.map_err(problem)?;
            more |= page.cursor.is_some();
            for item in &page.items {
                let Some(part) = part_of(item) else { continue };
                let tally = tally_of(item);
                let used = all.entry(part.clone()).or_insert_with(|| Used {
                    part,
                    name: None,
                    amounts: Quantities::default(),
                    rate: Quantities::default(),
                });
                used.name = name_of(item).or(used.name.take());
                used.amounts = used.amounts + amounts(of, &tally, month, now);
                used.rate = used.rate + tally.rate;
            }
        }
        let unused = |used: &Used| used.amounts.is_zero() && used.rate.is_zero();
        let used = all.into_values().filter(|used| !unused(used));
        Ok((used.collect(), more))
    }

    /// Returns what a user has used for a project in a month.
    pub(crate) async fn used_by_member(
        &self,
        project: &ProjectName,
        user: &UserId,
        month: Month,
        now: Timestamp,
    ) -> Result<Quantities, Problem> {
        let payer = Payer::Project(project.clone());
        let totals = self.totals(&payer, now).await?;
        let part = Part::User(user.to_string());
        let mut sum = Quantities::default();
        for of in totals.months(month) {
            let key = part_key(&payer, of, &part);
            if let Some(item) = self.table.get(&key).await.map_err(problem)? {
                sum = sum + amounts(of, &tally_of(&item), month, now);
            }
        }
        Ok(sum)
    }
}
