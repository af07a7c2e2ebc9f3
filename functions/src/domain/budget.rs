//! The monthly budget of a project.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Code, Problem, Timestamp};

/// The maximum number of alert thresholds in a budget.
pub const ALERTS: usize = 10;
/// The highest limit, in USD per month.
const LIMIT: f64 = 10_000_000.0;

/// The budget that a caller requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetRequest {
    /// The limit, in USD per month.
    #[schema(exclusive_minimum = 0.0, maximum = 10_000_000.0)]
    pub limit_usd: f64,
    /// The alert thresholds, in percent of the limit. An event is sent when the costs cross one.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub alerts: BTreeSet<u16>,
    /// Whether Prism refuses saves, launches and starts that would exceed the limit. Nothing that runs is stopped.
    #[serde(default)]
    pub hard_stop: bool,
}

impl BudgetRequest {
    /// Checks everything that does not require other data.
    pub fn check(&self) -> Result<(), Problem> {
        let refuse = |what: String| Err(Problem::new(Code::InvalidBudget, what));
        let limit = self.limit_usd;
        if !(limit.is_finite() && limit > 0.0 && limit <= LIMIT) {
            return refuse(format!(
                "The limit {limit} is not valid: it must be more than $0 and at most ${LIMIT} a month."
            ));
        }
        if self.alerts.len() > ALERTS {
            let count = self.alerts.len();
            return refuse(format!(
                "There are {count} alert thresholds; the maximum is {ALERTS}."
            ));
        }
        match self.alerts.iter().find(|at| !(1..=1000).contains(*at)) {
            Some(at) => refuse(format!(
                "The alert threshold {at} is not valid: it must be 1 to 1000 percent of the limit."
            )),
            None => Ok(()),
        }
    }
}

/// A budget, with the alerts that were already sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Budget {
    /// The limit, in USD per month.
    pub limit_usd: f64,
    /// The alert thresholds, in percent of the limit. An event is sent when the costs cross one.
    pub alerts: BTreeSet<u16>,
    /// Whether Prism refuses saves, launches and starts that would exceed the limit. Nothing that runs is stopped.
    pub hard_stop: bool,
    /// The thresholds that the costs have crossed and for which a notification was sent. A threshold is reported again
    /// only after the costs have fallen below it.
    #[serde(default)]
    pub told: BTreeSet<u16>,
    /// When the budget was last changed.
    pub changed_at: Timestamp,
}

impl Budget {
    /// Creates the requested budget. If the previous budget has the same limit, the thresholds that it has reported
    /// are kept.
    pub fn of(request: BudgetRequest, before: Option<&Budget>, at: Timestamp) -> Self {
        let same = before.filter(|before| before.limit_usd.total_cmp(&request.limit_usd).is_eq());
        let told = same.map(|before| before.told.clone()).unwrap_or_default();
        Self {
            told: told.intersection(&request.alerts).copied().collect(),
            limit_usd: request.limit_usd,
            alerts: request.alerts,
            hard_stop: request.hard_stop,
            changed_at: at,
        }
    }

    /// Whether this budget already has the requested settings.
    pub fn is(&self, request: &BudgetRequest) -> bool {
        self.limit_usd.total_cmp(&request.limit_usd).is_eq()
            && self.alerts == request.alerts
            && self.hard_stop == request.hard_stop
    }

    /// The share of the limit that these costs use, in percent.
    pub fn used_percent(&self, usd_per_month: f64) -> f64 {
        usd_per_month / self.limit_usd * 100.0
    }

    /// Records the thresholds that these costs cross, and returns those that were not reported before.
    pub fn cross(&mut self, usd_per_month: f64) -> BTreeSet<u16> {
        let used = self.used_percent(usd_per_month);
        let crossed = |at: &&u16| f64::from(**at) <= used;
        let crossed: BTreeSet<u16> = self.alerts.iter().filter(crossed).copied().collect();
        let new = crossed.difference(&self.told).copied().collect();
        self.told = crossed;
        new
    }

    /// Forgets the thresholds that these costs are below, so that they are reported again when they are crossed again.
    pub fn fall(&mut self, usd_per_month: f64) {
        let used = self.used_percent(usd_per_month);
        self.told.retain(|at| f64::from(*at) <= used);
    }

    /// Whether the budget refuses costs of this amount per month.
    pub fn refuses(&self, usd_per_month: f64) -> bool {
        self.hard_stop && usd_per_month > self.limit_usd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(alerts: &[u16]) -> Budget {
        let request = BudgetRequest {
            limit_usd: 10.0,
            alerts: alerts.iter().copied().collect(),
            hard_stop: true,
        };
        request.check().unwrap();
        Budget::of(request, None, "2026-01-05T09:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_threshold_is_told_once_for_each_crossing() {
        let mut budget = budget(&[50, 80, 100]);
        assert_eq!(budget.cross(4.9), BTreeSet::new());
        assert_eq!(budget.cross(5.0), BTreeSet::from([50]));
        assert_eq!(budget.cross(7.0), BTreeSet::new());
        assert_eq!(budget.cross(11.0), BTreeSet::from([80, 100]));
        assert_eq!(budget.cross(4.0), BTreeSet::new());
        assert_eq!(budget.cross(6.0), BTreeSet::from([50]));
        budget.fall(5.0);
        assert_eq!(budget.cross(7.9), BTreeSet::new(), "it is not below 50 %");
        budget.fall(4.9);
        assert_eq!(budget.cross(8.0), BTreeSet::from([50, 80]));
    }

    #[test]
    fn only_a_hard_stop_refuses_and_only_above_the_limit() {
        let mut budget = budget(&[]);
        assert!(!budget.refuses(10.0) && budget.refuses(10.01));
        budget.hard_stop = false;
        assert!(!budget.refuses(1000.0));
    }

    #[test]
    fn odd_budgets_are_refused() {
        let request = |limit_usd, alerts: &[u16]| BudgetRequest {
            limit_usd,
            alerts: alerts.iter().copied().collect(),
            hard_stop: false,
        };
        for limit in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            let refused = request(limit, &[]).check().unwrap_err();
            assert_eq!(refused.code, Code::InvalidBudget);
        }
        let many: Vec<u16> = (1..=11).collect();
        for alerts in [&[0][..], &[1001], &many] {
            assert!(request(1.0, alerts).check().is_err(), "{alerts:?}");
        }
        assert!(request(0.01, &[1, 1000]).check().is_ok());
    }

    #[test]
    fn a_changed_limit_is_told_again() {
        let mut before = budget(&[50, 80]);
        before.cross(9.0);
        let asked = |limit_usd| BudgetRequest {
            limit_usd,
            alerts: [50].into(),
            hard_stop: false,
        };
        let at = before.changed_at;
        assert_eq!(Budget::of(asked(10.0), Some(&before), at).told, [50].into());
        assert!(Budget::of(asked(20.0), Some(&before), at).told.is_empty());
    }
}
