//! What instances use and cost over time, as sums that need not be written again while time passes.
//!
//! A sum is kept in three parts: what has ended (`done`), what is used per second by what still exists (`rate`), and
//! what that would have used before it began (`base`). Until an instant that is `s` seconds into the month, this is
//! `done + rate * s - base`. All of it is whole numbers, so sums are exact in any order.

use std::ops::{Add, Mul, Sub};

use serde::{Deserialize, Serialize};

use super::MicroUsd;

const SECONDS_PER_HOUR: f64 = 3600.0;

/// Quantities that grow with time: as amounts, or as rates per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantities([i64; 5]);

impl Quantities {
    /// Their names in the registry: seconds of running time, seconds of running time without a known price, seconds of
    /// existence without known volumes, and the costs of running time and of volumes in millionths of a US dollar per
    /// hour, times seconds.
    pub const NAMES: [&'static str; 5] =
        ["running", "unpriced", "unmeasured", "compute", "volumes"];

    /// The rates of an instance. `None` is a price that is not known.
    pub fn rate(
        running: bool,
        usd_per_hour: Option<MicroUsd>,
        volumes_usd_per_hour: Option<MicroUsd>,
    ) -> Self {
        let price = |usd: Option<MicroUsd>| usd.map_or(0, MicroUsd::millionths);
        Self([
            i64::from(running),
            i64::from(running && usd_per_hour.is_none()),
            i64::from(volumes_usd_per_hour.is_none()),
            if running { price(usd_per_hour) } else { 0 },
            price(volumes_usd_per_hour),
        ])
    }

    pub fn of(parts: [i64; 5]) -> Self {
        Self(parts)
    }

    pub fn parts(self) -> [i64; 5] {
        self.0
    }

    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// The running time in hours.
    pub fn hours(self) -> f64 {
        whole(self.0[0]) / SECONDS_PER_HOUR
    }

    /// The part of the running time, in hours, for which no price is known.
    pub fn unpriced_hours(self) -> f64 {
        whole(self.0[1]) / SECONDS_PER_HOUR
    }

    /// The time of existence, in hours, for which the volumes are not known.
    pub fn unmeasured_hours(self) -> f64 {
        whole(self.0[2]) / SECONDS_PER_HOUR
    }

    /// The cost of the running time, in USD.
    pub fn compute_usd(self) -> f64 {
        usd(self.0[3])
    }

    /// The cost of the volumes, in USD.
    pub fn volumes_usd(self) -> f64 {
        usd(self.0[4])
    }

    /// The total cost in USD.
    pub fn usd(self) -> f64 {
        usd(self.0[3].saturating_add(self.0[4]))
    }

    fn with(self, other: Self, of: impl Fn(i64, i64) -> i64) -> Self {
        let mut parts = self.0;
        for (part, other) in parts.iter_mut().zip(other.0) {
            *part = of(*part, other);
        }
        Self(parts)
    }
}

fn whole(number: i64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "an amount is shown with two decimals"
    )]
    let number = number as f64;
    // Clocks that differ by a second can make an amount negative for as long.
    number.max(0.0)
}

fn usd(micro_usd_per_hour_seconds: i64) -> f64 {
    whole(micro_usd_per_hour_seconds) / 1e6 / SECONDS_PER_HOUR
}

impl Add for Quantities {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.with(other, i64::saturating_add)
    }
}

impl Sub for Quantities {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.with(other, i64::saturating_sub)
    }
}

impl Mul<i64> for Quantities {
    type Output = Self;

    fn mul(self, times: i64) -> Self {
        Self(self.0.map(|part| part.saturating_mul(times)))
    }
}

/// A sum of one month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// The amounts of what has ended.
    pub done: Quantities,
    /// The rates of what has begun in this month and has not ended.
    pub rate: Quantities,
    /// The amounts that those rates would have made between the beginning of the month and their own beginnings.
    pub base: Quantities,
}

impl Tally {
    /// What has ended.
    pub fn ended(rate: Quantities, seconds: i64) -> Self {
        Self {
            done: rate * seconds,
            ..Self::default()
        }
    }

    /// What began this many seconds into the month, and has not ended.
    pub fn open(rate: Quantities, from: i64) -> Self {
        Self {
            rate,
            base: rate * from,
            ..Self::default()
        }
    }

    /// The amounts until this many seconds into the month.
    pub fn until(&self, seconds: i64) -> Quantities {
        self.done + self.rate * seconds - self.base
    }

    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    pub fn parts(self) -> [(&'static str, Quantities); 3] {
        [
            ("done", self.done),
            ("rate", self.rate),
            ("base", self.base),
        ]
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            done: self.done + other.done,
            rate: self.rate + other.rate,
            base: self.base + other.base,
        }
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            done: self.done - other.done,
            rate: self.rate - other.rate,
            base: self.base - other.base,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_grows_without_being_written() {
        let price = Some(MicroUsd::of_usd(0.0416));
        let running = Quantities::rate(true, price, None);
        let stopped = Quantities::rate(false, price, Some(MicroUsd::new(877)));
        let sum = Tally::ended(running, 7200) + Tally::open(stopped, 3600);
        let now = sum.until(3600 + 7200);
        assert!((now.compute_usd() - 0.0832).abs() < 1e-9);
        assert!((now.volumes_usd() - 0.001_754).abs() < 1e-9);
        assert!((now.hours() - 2.0).abs() < 1e-9 && now.unpriced_hours() < 1e-9);
        assert!((now.unmeasured_hours() - 2.0).abs() < 1e-9);
        let ended = Tally::ended(running, 7200) + Tally::ended(stopped, 7200);
        assert_eq!(now, ended.until(20_000));
        assert!((sum - sum).is_zero());
    }

    #[test]
    fn a_type_without_a_price_costs_an_unknown_amount() {
        let unknown = Quantities::rate(true, None, None) * 3600;
        assert!((unknown.unpriced_hours() - 1.0).abs() < 1e-9);
        assert!(unknown.usd() < 1e-9);
        assert!(Quantities::rate(false, None, None).unpriced_hours() < 1e-9);
    }
}
