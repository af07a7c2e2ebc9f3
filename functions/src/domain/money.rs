//! Amounts of money, as they are stored and shown.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

use serde::{Deserialize, Serialize};

/// An amount in whole millionths of a US dollar. Costs are reported in dollars, and each amount is rounded once, when
/// it is converted to this type. From then on, sums and differences are exact in any order, so a stored sum never
/// drifts from the values it consists of. A number of dollars represents such an amount exactly up to nine billion.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct MicroUsd(i64);

impl MicroUsd {
    pub const ZERO: MicroUsd = MicroUsd(0);

    /// Creates an amount from millionths of a US dollar.
    pub fn new(millionths: i64) -> Self {
        Self(millionths)
    }

    /// Creates the amount that is nearest to a number of US dollars.
    pub fn of_usd(usd: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a value out of range becomes the nearest value in range"
        )]
        Self((usd * 1e6).round() as i64)
    }

    /// The amount in US dollars.
    pub fn usd(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the costs of a project are far below 2^53"
        )]
        let millionths = self.0 as f64;
        millionths / 1e6
    }

    /// The amount in millionths of a US dollar.
    pub fn millionths(self) -> i64 {
        self.0
    }
}

impl Add for MicroUsd {
    type Output = MicroUsd;

    fn add(self, other: MicroUsd) -> MicroUsd {
        MicroUsd(self.0.saturating_add(other.0))
    }
}

impl AddAssign for MicroUsd {
    fn add_assign(&mut self, other: MicroUsd) {
        *self = *self + other;
    }
}

impl Neg for MicroUsd {
    type Output = MicroUsd;

    fn neg(self) -> MicroUsd {
        MicroUsd(self.0.saturating_neg())
    }
}

impl Sub for MicroUsd {
    type Output = MicroUsd;

    fn sub(self, other: MicroUsd) -> MicroUsd {
        self + -other
    }
}

impl Sum for MicroUsd {
    fn sum<I: Iterator<Item = MicroUsd>>(amounts: I) -> MicroUsd {
        amounts.fold(MicroUsd::ZERO, Add::add)
    }
}

/// An amount in USD as people read it. What is not nothing is never shown as nothing.
pub fn usd(sum: f64) -> String {
    if sum > 0.0 && sum < 0.01 {
        return "less than $0.01".to_owned();
    }
    format!("${sum:.2}")
}

/// The price of an instance as people read it.
pub fn usd_per_hour(price: f64) -> String {
    format!("${price:.4} per hour")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_never_rounded_to_nothing() {
        assert_eq!(
            [0.0, 0.001, 1.5].map(usd),
            ["$0.00", "less than $0.01", "$1.50"]
        );
    }

    #[test]
    fn a_sum_is_exact_in_any_order() {
        let amounts = [0.1, 0.2, 0.3, 1.55, 0.05].map(MicroUsd::of_usd);
        let there: MicroUsd = amounts.into_iter().sum();
        let back: MicroUsd = amounts.into_iter().rev().sum();
        assert_eq!((there, back), (MicroUsd::new(2_200_000), there));
        assert_eq!(amounts.into_iter().fold(there, Sub::sub), MicroUsd::ZERO);
        assert_eq!(there.usd().to_string(), "2.2");
    }

    #[test]
    fn an_amount_is_the_nearest_there_is() {
        assert_eq!(MicroUsd::of_usd(0.000_000_6).millionths(), 1);
        assert_eq!(MicroUsd::of_usd(-0.000_000_4).millionths(), 0);
        assert_eq!(MicroUsd::of_usd(f64::MAX).millionths(), i64::MAX);
    }
}
