//! The clocks of the embedded cloud: real, accelerated, or set by hand.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use futures::future::{BoxFuture, FutureExt as _};
use prism_functions::domain::Timestamp;
use prism_functions::ports::Clock;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The real and the simulated time of the same moment. Processes with the same anchor and speed have the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    pub real: Timestamp,
    pub simulated: Timestamp,
}

/// The system's clock, or one that runs at a multiple of its speed. It never goes back, even if the system's clock is
/// set back; it then continues from its last time. Sleeping requires tokio.
#[derive(Debug)]
pub struct WallClock {
    anchor: Option<Anchor>,
    speed: f64,
    steady: Mutex<Steady>,
}

impl WallClock {
    pub fn real() -> Self {
        Self {
            anchor: None,
            speed: 1.0,
            steady: Mutex::new(Steady::new(system_now())),
        }
    }

    /// A clock that showed `anchor.simulated` at `anchor.real`, and runs `speed` times as fast as real time. Sleeping
    /// is exact to about one real millisecond, which is `speed` simulated milliseconds.
    ///
    /// # Panics
    /// If the speed is not a finite number above 0. Validate it where it is read.
    pub fn at_speed(anchor: Anchor, speed: f64) -> Self {
        assert!(
            speed.is_finite() && speed > 0.0,
            "no time passes at the speed {speed}"
        );
        Self {
            anchor: Some(anchor),
            speed,
            ..Self::real()
        }
    }

    /// The present moment, from which another speed or another process can continue.
    pub fn anchor(&self) -> Anchor {
        let real = self.real_now();
        Anchor {
            real,
            simulated: self.simulated(real),
        }
    }

    fn real_now(&self) -> Timestamp {
        self.steady
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(system_now())
    }

    fn simulated(&self, real: Timestamp) -> Timestamp {
        let Some(anchor) = self.anchor else {
            return real;
        };
        anchor
            .simulated
            .checked_add_signed(scale(real - anchor.real, self.speed))
            .unwrap_or(Timestamp::MAX_UTC)
    }
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        self.simulated(self.real_now())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that is injected elsewhere"
    )]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let real = Duration::try_from_secs_f64(duration.as_secs_f64() / self.speed);
        tokio::time::sleep(real.unwrap_or(Duration::MAX)).boxed()
    }

    fn during(&self, work: Duration) -> Duration {
        work.mul_f64(self.speed.max(1.0))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that is injected elsewhere"
)]
fn system_now() -> (Timestamp, Instant) {
    (Utc::now(), Instant::now())
}

/// Blocks this thread, in real time.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that is injected elsewhere"
)]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// The system's time, for comparison with file times that the operating system recorded.
pub(crate) fn system_time() -> Timestamp {
    system_now().0
}

/// Multiplies a duration, to the microsecond.
fn scale(span: TimeDelta, factor: f64) -> TimeDelta {
    let microseconds = span.num_microseconds().unwrap_or(i64::MAX);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "exact for centuries; beyond, the cast saturates"
    )]
    TimeDelta::microseconds((microseconds as f64 * factor) as i64)
}

/// The later of two times: the system's clock, which people and time servers set, and its last reading plus the time
/// that has passed on the monotonic clock since.
///
/// The system's clock alone may go back. The monotonic clock alone would stop while the machine is asleep, and drift
/// away from other processes.
#[derive(Debug)]
struct Steady {
    last: Timestamp,
    at: Instant,
}

impl Steady {
    fn new((last, at): (Timestamp, Instant)) -> Self {
        Self { last, at }
    }

    fn read(&mut self, (system, at): (Timestamp, Instant)) -> Timestamp {
        let passed = TimeDelta::from_std(at.saturating_duration_since(self.at));
        let steady = passed
            .ok()
            .and_then(|passed| self.last.checked_add_signed(passed))
            .unwrap_or(self.last);
        self.last = steady.max(system);
        self.at = self.at.max(at);
        self.last
    }
}

/// A clock that stands still until it is set. Sleepers wake when its time reaches theirs; those of a clock that was
/// dropped never wake. It does not need a tokio runtime.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: watch::Sender::new(now),
        }
    }

    /// Sets the time, which may also go back.
    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }

    /// Lets this much time pass at once.
    pub fn advance(&self, duration: Duration) {
        self.now.send_modify(|now| *now = later(*now, duration));
    }

    pub fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let due = later(Clock::now(self), duration);
        let mut time = self.now.subscribe();
        async move {
            if time.wait_for(|now| *now >= due).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}

/// The instant after `duration`, or the last instant that can be represented.
fn later(instant: Timestamp, duration: Duration) -> Timestamp {
    TimeDelta::from_std(duration)
        .ok()
        .and_then(|duration| instant.checked_add_signed(duration))
        .unwrap_or(Timestamp::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).expect("a time")
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A clock for which the real second 1000 is the second 5000 of the embedded cloud.
    fn at_speed(speed: f64) -> WallClock {
        let anchor = Anchor {
            real: at(1000),
            simulated: at(5000),
        };
        WallClock::at_speed(anchor, speed)
    }

    #[test]
    fn simulated_time_passes_at_the_speed_from_the_anchor() {
        assert_eq!(at_speed(60.0).simulated(at(1000)), at(5000));
        assert_eq!(at_speed(60.0).simulated(at(1010)), at(5600));
        assert_eq!(at_speed(0.5).simulated(at(1010)), at(5005));
        assert_eq!(at_speed(60.0).simulated(at(990)), at(4400));
        assert_eq!(at_speed(f64::MAX).simulated(at(2000)), Timestamp::MAX_UTC);
    }

    #[test]
    fn processes_with_one_anchor_agree_after_it_was_stored() {
        let text = serde_json::to_string(&at_speed(100.0).anchor).unwrap();
        let anchor: Option<Anchor> = serde_json::from_str(&text).unwrap();
        let other = WallClock::at_speed(anchor.unwrap(), 100.0);
        assert_eq!(
            other.simulated(at(1234)),
            at_speed(100.0).simulated(at(1234))
        );
    }

    #[test]
    fn a_change_of_speed_applies_from_now_on() {
        let slow = at_speed(2.0);
        let anchor = slow.anchor();
        let fast = WallClock::at_speed(anchor, 2000.0);
        assert_eq!(fast.simulated(anchor.real), slow.simulated(anchor.real));
    }

    #[test]
    fn the_real_time_is_the_systems() {
        let (before, _) = system_now();
        let now = WallClock::real().now();
        let (after, _) = system_now();
        assert!(before <= now && now <= after);
    }

    #[test]
    fn the_clock_always_advances() {
        let (_, start) = system_now();
        let mut steady = Steady::new((at(100), start));
        let mut read = |system, passed| steady.read((at(system), start + seconds(passed)));
        assert_eq!(read(101, 1), at(101));
        // The system's clock is set back by an hour: the clock continues with the monotonic clock.
        assert_eq!(read(-3498, 2), at(102));
        assert_eq!(read(-3490, 10), at(110));
        // The system's clock is set forward, as after the machine was asleep, and back again.
        assert_eq!(read(500, 11), at(500));
        assert_eq!(read(112, 12), at(501));
        // Two threads may arrive in a different order from the one in which they read the clocks.
        assert_eq!(read(112, 11), at(501));
        assert_eq!(read(503, 13), at(503));
    }

    #[tokio::test(start_paused = true)]
    async fn sleeping_is_divided_by_the_speed() {
        for (speed, asked, slept) in [(1.0, 90, 90), (60.0, 3600, 60), (0.5, 10, 20)] {
            let start = tokio::time::Instant::now();
            at_speed(speed).sleep(seconds(asked)).await;
            let took = start.elapsed();
            assert!(
                took >= seconds(slept) && took < seconds(slept + 1),
                "{speed}: {took:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_sleep_is_no_panic() {
        for speed in [f64::MIN_POSITIVE, 1.0] {
            let sleep = at_speed(speed).sleep(Duration::MAX);
            assert!(sleep.now_or_never().is_none());
        }
    }

    #[test]
    #[should_panic(expected = "no time passes at the speed 0")]
    fn a_speed_of_nothing_is_a_mistake() {
        at_speed(0.0);
    }

    #[test]
    fn a_manual_clock_wakes_those_whose_time_has_come() {
        let clock = ManualClock::new(at(0));
        let (mut first, mut second) = (clock.sleep(seconds(10)), clock.sleep(seconds(20)));
        assert_eq!(clock.sleepers(), 2);
        assert!((&mut first).now_or_never().is_none());
        clock.advance(seconds(9));
        assert!((&mut first).now_or_never().is_none());
        clock.set(at(10));
        assert!((&mut first).now_or_never().is_some());
        drop(first);
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(clock.sleepers(), 1);
        clock.advance(seconds(60));
        assert!((&mut second).now_or_never().is_some());
        assert_eq!(Clock::now(&clock), at(70));
        assert!(clock.sleep(Duration::ZERO).now_or_never().is_some());
    }

    #[test]
    fn the_sleepers_of_a_dropped_clock_sleep_on() {
        let clock = ManualClock::new(at(0));
        let sleep = clock.sleep(seconds(1));
        drop(clock);
        assert!(sleep.now_or_never().is_none());
    }
}
