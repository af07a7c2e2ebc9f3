//! The faults of a run: planned ones, and random ones that a seed decides.

use std::sync::Arc;
use std::time::Duration;

use super::fault::{Fault, Kind, Point};
use super::known::Known;

/// What a conductor must inject and watch for.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) faults: Vec<Fault>,
    pub(crate) chance: Option<Chance>,
    /// Whether past states are kept, so that random stale reads are possible. Planned ones do not need this flag.
    pub(crate) remembers: bool,
    pub(crate) fingerprints: bool,
    pub(crate) known: Option<Arc<Known>>,
}

/// The random faults of a run, and the random latencies of calls.
#[derive(Debug)]
pub(crate) struct Chance {
    dice: fastrand::Rng,
    /// Decides latencies. It is a separate generator, so that a run without some of its faults differs in nothing else.
    lags: fastrand::Rng,
    rate: f64,
    /// How many more faults may happen.
    left: u32,
    kinds: Vec<Kind>,
}

impl Chance {
    pub(crate) fn new(seed: u64, rate: f64, most: u32, kinds: Vec<Kind>) -> Self {
        Self {
            dice: fastrand::Rng::with_seed(seed ^ 0x5eed),
            lags: fastrand::Rng::with_seed(seed ^ 0x1a6),
            rate,
            left: most,
            kinds,
        }
    }

    pub(crate) fn fault(&mut self, point: Point) -> Option<Kind> {
        if self.left == 0 || self.dice.f64() >= self.rate {
            return None;
        }
        let here = |kind: &&Kind| point.site.takes(**kind);
        let kinds: Vec<Kind> = self.kinds.iter().filter(here).copied().collect();
        if kinds.is_empty() {
            return None;
        }
        self.left -= 1;
        Some(kinds[self.dice.usize(..kinds.len())])
    }

    /// The latency of a call; mostly small, sometimes seconds.
    pub(crate) fn lag(&mut self) -> Option<Duration> {
        let ms = match self.lags.u32(..100) {
            0 => self.lags.u64(1000..5000),
            1..=30 => self.lags.u64(5..300),
            _ => return None,
        };
        Some(Duration::from_millis(ms))
    }
}
