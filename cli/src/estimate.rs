//! How long a save still takes, judging by earlier ones.

use prism_functions::domain::Timestamp;
use prism_functions::domain::save::{SaveRecord, SaveState, seconds_between};
use prism_functions::operations::SaveView;

use crate::text::duration;

/// How many of the latest saves are taken into account.
const SAVES: usize = 5;

/// How long saves of the same kind took, in seconds: the median, without the time that they waited for their turns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate(f64);

impl Estimate {
    /// The estimate for a save; `None` if no earlier one is like it.
    pub(crate) fn of(record: &SaveRecord, earlier: &[SaveView]) -> Option<Self> {
        let alike = earlier.iter().filter(|it| is_alike(record, it));
        let mut took: Vec<f64> = alike.filter_map(|it| took(it)).take(SAVES).collect();
        took.sort_by(f64::total_cmp);
        took.get(took.len() / 2).copied().map(Self)
    }

    /// How long the save still takes, in a few words; `None` if it already takes longer than others did.
    pub(crate) fn left(self, record: &SaveRecord, now: Timestamp) -> Option<String> {
        let left = self.0 - seconds_between(began(record), now);
        (left >= 1.0).then(|| format!("about {} left", duration(rounded(left))))
    }
}

/// When the save began to do something.
fn began(record: &SaveRecord) -> Timestamp {
    record.planned_at.unwrap_or(record.started_at)
}

fn took(record: &SaveRecord) -> Option<f64> {
    let succeeded = record.state == SaveState::Succeeded;
    let ended = record.ended_at.filter(|_| succeeded)?;
    Some(seconds_between(began(record), ended))
}

/// Whether two saves do the same: of one instance as one template, in the same way and to as many Regions.
fn is_alike(a: &SaveRecord, b: &SaveRecord) -> bool {
    let (one, other) = (&a.request, &b.request);
    a.save_id != b.save_id
        && a.copy_of.is_some() == b.copy_of.is_some()
        && one.how == other.how
        && one.copy_to.len() == other.copy_to.len()
        && (one.template == other.template || one.instance == other.instance)
}

/// An estimate is not exact, so it is shown in steps of five seconds, or of half a minute above two minutes.
fn rounded(seconds: f64) -> f64 {
    let step = if seconds > 120.0 { 30.0 } else { 5.0 };
    (seconds / step).ceil() * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_rounded_up() {
        let shown = [1.0, 5.1, 119.0, 121.0].map(|it| duration(rounded(it)));
        assert_eq!(shown, ["5.0 s", "10 s", "2 min", "2 min 30 s"]);
    }
}
