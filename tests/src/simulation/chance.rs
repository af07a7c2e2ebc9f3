//! What goes wrong in a run: by plan, and by chance as a seed has it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::fault::{Fault, Kind, Point};

/// What a conductor is to bring about, and to watch for.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// What goes wrong by plan.
    pub(crate) faults: Vec<Fault>,
    /// What goes wrong by chance.
    pub(crate) chance: Option<Chance>,
    /// Whether the past is kept, so that chance may have EC2 tell it. What is planned needs no word.
    pub(crate) remembers: bool,
    /// Whether each moment is told from others.
    pub(crate) fingerprints: bool,
    /// Moments that other runs have passed on their way to a good end: once all that is planned has
    /// gone wrong, a run that comes to one of them need not be played further.
    pub(crate) known: Option<Arc<HashSet<u64>>>,
}

/// What goes wrong by chance in a run, and how long calls take.
#[derive(Debug)]
pub(crate) struct Chance {
    /// Decides what goes wrong.
    dice: fastrand::Rng,
    /// Decides how long things take: another generator, so that a run without some of its faults
    /// differs in nothing else.
    lags: fastrand::Rng,
    /// How likely it is that something goes wrong at a visit.
    rate: f64,
    /// How many more faults there may be.
    left: u32,
    /// What may go wrong.
    kinds: Vec<Kind>,
}

impl Chance {
    /// The chance of a seed.
    pub(crate) fn new(seed: u64, rate: f64, most: u32, kinds: Vec<Kind>) -> Self {
        Self {
            dice: fastrand::Rng::with_seed(seed ^ 0x5eed),
            lags: fastrand::Rng::with_seed(seed ^ 0x1a6),
            rate,
            left: most,
            kinds,
        }
    }

    /// What goes wrong at this point, if anything does.
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

    /// How long a call is on its way; mostly little, sometimes seconds.
    pub(crate) fn lag(&mut self) -> Option<Duration> {
        let ms = match self.lags.u32(..100) {
            0 => self.lags.u64(1000..5000),
            1..=30 => self.lags.u64(5..300),
            _ => return None,
        };
        Some(Duration::from_millis(ms))
    }
}
