//! The meter of an instance: the periods in which it ran or was stopped, with the prices that apply.
//!
//! EC2 keeps no history. It says in which state an instance is, when it was last launched or started, and when a user
//! requested its last stop or termination. A meter is corrected by whatever EC2 says whenever Prism looks, so it does
//! not matter who started or stopped the instance, or whether Prism learned of it at once. Where EC2 does not say when
//! an instance stopped, because the instance shut itself down, it counts as running until this was noticed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ec2::InstanceState;
use super::month::Month;
use super::tally::{Quantities, Tally};
use super::{InstanceId, MicroUsd, ProjectName, Region, TemplateName, Timestamp, UserId, VolumeId};

/// The number of ended periods that a meter keeps one by one. Older ones are summed up by month.
const PERIODS: usize = 40;
/// The number of months by which one change of a meter goes on at most, so that it fits into one transaction.
const MONTHS: i32 = 3;

/// What the time of an instance is charged to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Charged {
    pub owner: Option<UserId>,
    pub project: Option<ProjectName>,
    pub template: Option<TemplateName>,
}

/// A time during which an instance either ran or was stopped, at the same prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub from: Timestamp,
    /// The end; `None` for the current period.
    pub until: Option<Timestamp>,
    /// Whether the instance ran. Otherwise it was stopped, and only its volumes cost something.
    pub running: bool,
    pub instance_type: String,
    /// The price of the instance type; `None` if the price table does not contain it.
    pub usd_per_hour: Option<MicroUsd>,
    /// The price of the attached volumes; `None` if they are not known.
    pub volumes_usd_per_hour: Option<MicroUsd>,
    #[serde(flatten)]
    pub charged: Charged,
}

/// What EC2 says about an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub name: Option<String>,
    pub state: InstanceState,
    /// When it was last launched or started.
    pub launched_at: Timestamp,
    /// When its last stop or termination was requested, if EC2 says so.
    pub transitioned_at: Option<Timestamp>,
    pub instance_type: String,
    /// The price of the type, if it is known.
    pub usd_per_hour: Option<MicroUsd>,
    pub charged: Charged,
}

/// The meter of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    pub region: Region,
    pub instance: InstanceId,
    pub name: Option<String>,
    /// The latest launch or start that EC2 has reported. An older one comes from an outdated response.
    pub launched_at: Timestamp,
    /// The volumes whose price is counted; `None` if it was not determined yet.
    #[serde(default)]
    pub volumes: Option<BTreeSet<VolumeId>>,
    /// The periods without gaps, oldest first. Only the last one can be current.
    pub periods: Vec<Period>,
    /// The amounts of earlier periods, for the current and the previous month.
    #[serde(default)]
    pub earlier: BTreeMap<Month, Quantities>,
}

/// The sums that an instance contributes to.
pub type Contributions = BTreeMap<(Month, Charged), Tally>;

impl Period {
    pub fn rate(&self) -> Quantities {
        Quantities::rate(self.running, self.usd_per_hour, self.volumes_usd_per_hour)
    }

    fn contribute(&self, to: &mut Contributions) {
        let mut month = Month::of(self.from);
        let mut add = |month: Month, tally: Tally| {
            let sum = to.entry((month, self.charged.clone())).or_default();
            *sum = *sum + tally;
        };
        let Some(until) = self.until else {
            add(
                month,
                Tally::open(self.rate(), month.seconds_until(self.from)),
            );
            return;
        };
        while month.begin() < until {
            let from = month.seconds_until(self.from.max(month.begin()));
            let seconds = month.seconds_until(until) - from;
            add(month, Tally::ended(self.rate(), seconds));
            month = month.next();
        }
    }
}

/// EC2 reports whole seconds.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}

impl Meter {
    /// The meter of an instance that has not been looked at.
    pub fn new(region: Region, instance: InstanceId, seen: &Seen) -> Self {
        Self {
            region,
            instance,
            name: seen.name.clone(),
            launched_at: whole_second(seen.launched_at),
            volumes: None,
            periods: Vec::new(),
            earlier: BTreeMap::new(),
        }
    }

    /// The current period; `None` once the instance is terminated.
    pub fn current(&self) -> Option<&Period> {
        self.periods.last().filter(|period| period.until.is_none())
    }

    /// What the instance has used in a month until now.
    pub fn used(&self, month: Month, now: Timestamp) -> Quantities {
        let earlier = self.earlier.get(&month).copied().unwrap_or_default();
        self.periods.iter().fold(earlier, |sum, period| {
            let from = period.from.max(month.begin());
            let until = period.until.unwrap_or(now).min(month.end());
            let seconds = (until - from).num_seconds().max(0);
            sum + period.rate() * seconds
        })
    }

    /// What the periods contribute to the sums. The difference between two of these is what a change of the meter
    /// changes.
    pub fn contributions(&self) -> Contributions {
        let mut sums = Contributions::new();
        for period in &self.periods {
            period.contribute(&mut sums);
        }
        sums
    }

    /// Updates the meter by what EC2 says, which was seen at `at`. It goes on by a few months at most: the caller
    /// repeats this until nothing changes.
    pub fn observe(&mut self, seen: &Seen, at: Timestamp) {
        let (at, launched) = (whole_second(at), whole_second(seen.launched_at));
        if launched < self.launched_at {
            return;
        }
        let ended = seen.transitioned_at.map(whole_second);
        let ended = ended.filter(|it| *it >= launched && *it <= at);
        self.name.clone_from(&seen.name);
        let up = matches!(seen.state, InstanceState::Pending | InstanceState::Running);
        let until = if up { at } else { ended.unwrap_or(at) };
        if self.lags(until) {
            return;
        }
        self.launched_at = launched;
        if self.periods.is_empty() {
            self.begin(seen, launched, ended, at);
        } else if up {
            self.is_up(seen, launched, at);
        } else {
            self.is_down(seen, launched, until);
        }
        if !self.lags(at) {
            self.go_on(Month::of(at));
        }
    }

    /// Ends the meter of an instance that EC2 no longer knows. The caller repeats this until nothing changes.
    pub fn end(&mut self, at: Timestamp) {
        let at = whole_second(at);
        if !self.lags(at) {
            self.close(at);
        }
    }

    /// Sets the price of the attached volumes. If none was known before, it applies from the beginning.
    pub fn set_volumes(
        &mut self,
        volumes: BTreeSet<VolumeId>,
        usd_per_hour: Option<MicroUsd>,
        at: Timestamp,
    ) {
        if self.volumes.replace(volumes).is_none() {
            for period in &mut self.periods {
                period.volumes_usd_per_hour = period.volumes_usd_per_hour.or(usd_per_hour);
            }
            return;
        }
        let current = self.current().cloned();
        if let Some(current) = current.filter(|it| it.volumes_usd_per_hour != usd_per_hour) {
            let at = self.close(whole_second(at));
            self.push(Period {
                from: at,
                until: None,
                volumes_usd_per_hour: usd_per_hour,
                ..current
            });
        }
    }

    /// Sums up old periods, after the sums were brought up to date.
    pub fn fold(&mut self, now: Timestamp) {
        let last = Month::of(now).previous();
        while self.periods.len() > PERIODS && self.periods[0].until.is_some() {
            let mut sums = Contributions::new();
            self.periods.remove(0).contribute(&mut sums);
            for ((month, _), tally) in sums {
                let earlier = self.earlier.entry(month).or_default();
                *earlier = *earlier + tally.done;
            }
        }
        self.earlier.retain(|month, _| *month >= last);
    }

    fn begin(&mut self, seen: &Seen, launched: Timestamp, ended: Option<Timestamp>, at: Timestamp) {
        // What was before the ledger existed is counted for the current and the last month only.
        let since = Month::of(at).previous().begin();
        let from = launched.max(since);
        match seen.state {
            InstanceState::Pending | InstanceState::Running => self.open(seen, true, from),
            InstanceState::Stopping | InstanceState::Stopped => {
                if let Some(ended) = ended.filter(|ended| *ended > from) {
                    self.open(seen, true, from);
                    self.close(ended);
                }
                self.open(seen, false, ended.unwrap_or(at).max(since));
            }
            InstanceState::ShuttingDown | InstanceState::Terminated => {}
        }
    }

    fn is_up(&mut self, seen: &Seen, launched: Timestamp, at: Timestamp) {
        let Some(last) = self.periods.last_mut() else {
            return;
        };
        match (last.running, last.until) {
            (true, None) => {
                let same = last.charged == seen.charged && last.instance_type == seen.instance_type;
                if !same {
                    // A type changes only while an instance is stopped.
                    let from = launched.max(last.from);
                    let changed = last.instance_type != seen.instance_type;
                    self.open(seen, true, if changed { from } else { at });
                }
            }
            // It was stopped until now, or until it was last seen.
            (false, until) if until.unwrap_or(last.from) <= launched => {
                self.open(seen, true, launched);
            }
            // It was taken for terminated, and was started since.
            (true, Some(until)) if until < launched => self.open(seen, true, launched),
            // It was never stopped or terminated: the response that said so was outdated.
            (true, Some(_)) => last.until = None,
            (false, _) => {
                let (from, volumes) = (last.from, last.volumes_usd_per_hour);
                self.periods.pop();
                let before = self.periods.last_mut();
                match before {
                    Some(before)
                        if before.running
                            && before.until == Some(from)
                            && before.charged == seen.charged
                            && before.instance_type == seen.instance_type
                            && before.volumes_usd_per_hour == volumes =>
                    {
                        before.until = None;
                    }
                    _ => self.open_with(seen, true, from, volumes),
                }
            }
        }
    }

    /// It is stopped or terminated, at the latest since `ended`.
    fn is_down(&mut self, seen: &Seen, launched: Timestamp, ended: Timestamp) {
        let gone = seen.state.is_gone();
        let Some(last) = self.periods.last() else {
            return;
        };
        let (running, from, is_open) = (last.running, last.from, last.until.is_none());
        if !is_open {
            if gone {
                return;
            }
            // It was taken for terminated.
            let from = last.until.unwrap_or(from);
            return self.open(seen, false, from);
        }
        if !running && launched > from {
            // It was started and stopped again, and nobody saw it.
            self.open(seen, true, launched);
        } else if !running && !gone {
            if last.charged != seen.charged || last.instance_type != seen.instance_type {
                self.open(seen, false, ended.max(from));
            }
            return;
        }
        let ended = self.close(ended);
        if !gone {
            self.open(seen, false, ended);
        }
    }

    fn volumes_usd_per_hour(&self) -> Option<MicroUsd> {
        self.periods.last()?.volumes_usd_per_hour
    }

    /// Begins a period, which ends the one before.
    fn open(&mut self, seen: &Seen, running: bool, from: Timestamp) {
        let from = self.close(from);
        self.open_with(seen, running, from, self.volumes_usd_per_hour());
    }

    fn open_with(
        &mut self,
        seen: &Seen,
        running: bool,
        from: Timestamp,
        volumes_usd_per_hour: Option<MicroUsd>,
    ) {
        self.push(Period {
            from,
            until: None,
            running,
            instance_type: seen.instance_type.clone(),
            usd_per_hour: seen.usd_per_hour,
            volumes_usd_per_hour,
            charged: seen.charged.clone(),
        });
    }

    fn push(&mut self, period: Period) {
        let empty = |last: &Period| last.until == Some(last.from);
        if self.periods.last().is_some_and(empty) {
            self.periods.pop();
        }
        self.periods.push(period);
    }

    /// Ends the current period, but not before it began. Returns its end.
    fn close(&mut self, at: Timestamp) -> Timestamp {
        match self.periods.last_mut() {
            Some(last) if last.until.is_none() => {
                let at = at.max(last.from);
                last.until = Some(at);
                at
            }
            _ => at,
        }
    }

    /// If the current period began long before `until`, ends it after a few months and begins another one. Returns
    /// whether it did.
    fn lags(&mut self, until: Timestamp) -> bool {
        let begun = self.current().map(|it| Month::of(it.from));
        let Some(next) = begun.map(|begun| begun.plus(MONTHS)) else {
            return false;
        };
        let lags = next < Month::of(until);
        if lags {
            self.go_on(next);
        }
        lags
    }

    /// Lets the current period begin in this month at the earliest: what has not ended is summed up in the month in
    /// which it began.
    fn go_on(&mut self, month: Month) {
        let current = self.current().cloned();
        if let Some(current) = current.filter(|it| it.from < month.begin()) {
            let from = self.close(month.begin());
            self.push(Period {
                from,
                until: None,
                ..current
            });
        }
    }
}

#[cfg(test)]
mod tests;
