//! How often to poll something that takes time. No other module sets polling intervals.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

/// The factor by which each pause is longer than the one before.
const GROWTH: f64 = 1.1;

/// How often to poll a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    first: Duration,
    longest: Duration,
    /// How long polls may fail in a row with transient errors before the wait fails.
    pub(crate) patience: Duration,
}

impl Pace {
    /// A folder of this machine: a poll costs almost nothing, and the cloud's time may run fast.
    pub(crate) const EMBEDDED: Pace = Pace {
        first: Duration::from_millis(100),
        longest: Duration::from_millis(100),
        patience: Duration::from_secs(5),
    };
    /// A local server of such a cloud: the same, but it may be restarted.
    pub(crate) const NEARBY: Pace = Pace {
        patience: Pace::REMOTE.patience,
        ..Pace::EMBEDDED
    };
    /// A service shared with other users: a restart is noticed within seconds, and a wait of hours polls six times a
    /// minute.
    pub(crate) const REMOTE: Pace = Pace {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(10),
        patience: Duration::from_mins(1),
    };

    /// The pauses between polls.
    fn pauses(self) -> impl Iterator<Item = Duration> + Send {
        let longer = move |pause: &Duration| Some(pause.mul_f64(GROWTH).min(self.longest));
        std::iter::successors(Some(self.first), longer)
    }

    /// Starts polling. The first poll is due at once.
    pub(crate) fn looks(self) -> Looks {
        let mut ticks = tokio::time::interval(self.first);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Looks {
            ticks,
            pause: self.first,
            pauses: Box::new(self.pauses()),
        }
    }
}

/// A series of polls with pauses between them.
pub(crate) struct Looks {
    ticks: Interval,
    /// The pause after the current poll.
    pause: Duration,
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
}

impl Looks {
    /// Waits until the next poll is due. Cancelling this future has no effect on the series.
    pub(crate) async fn next(&mut self) {
        self.ticks.tick().await;
        self.pause = self.pauses.next().unwrap_or(self.pause);
        self.ticks.reset_after(self.pause);
    }

    /// How long until the next poll.
    pub(crate) fn pause(&self) -> Duration {
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(pace: Pace) -> Vec<f64> {
        pace.pauses().take(40).map(|it| it.as_secs_f64()).collect()
    }

    #[test]
    fn the_embedded_pace_is_even_and_the_other_slows_down() {
        assert!(
            seconds(Pace::EMBEDDED)
                .iter()
                .all(|it| it.total_cmp(&0.1).is_eq())
        );
        assert_eq!(seconds(Pace::NEARBY), seconds(Pace::EMBEDDED));
        assert_eq!(Pace::NEARBY.patience, Pace::REMOTE.patience);
        let remote = seconds(Pace::REMOTE);
        assert!(remote[0].total_cmp(&2.0).is_eq() && remote[39].total_cmp(&10.0).is_eq());
        assert!(remote.windows(2).all(|pair| pair[0] <= pair[1]));
        // The restart of an instance takes about a minute, so it must be polled every few seconds during that time.
        assert!(remote.iter().take(10).sum::<f64>() < 40.0, "{remote:?}");
    }
}
