//! The clock of the embedded cloud, whose speed can be changed while processes run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use prism_functions::domain::Timestamp;
use prism_functions::ports::Clock;

use crate::clock::{Anchor, WallClock, later};

/// The file that tells running processes of a new pace. A file is used because a clock is read while a database is locked.
pub const FILE: &str = "pace.json";
/// How often a clock looks for a new pace, in real time.
const LOOK: Duration = Duration::from_millis(50);
/// How far a new pace is ahead, in real time at the old speed: other processes are so far at most when they find it, with
/// the time that it takes to write the file. Their time goes on from there; otherwise it would stand still after they
/// learn of a lower speed, until the new pace reaches it.
const AHEAD: Duration = LOOK.saturating_mul(2);

/// How fast the cloud's time runs. All processes use the same value.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Pace {
    pub(super) anchor: Anchor,
    pub(super) speed: f64,
}

impl Pace {
    /// Whether a clock can run at this pace. Nobody but this program should have written the file.
    fn is_possible(self) -> bool {
        self.speed.is_finite() && self.speed > 0.0
    }

    fn clock(self) -> WallClock {
        WallClock::at_speed(self.anchor, self.speed)
    }
}

/// A clock that follows the pace of its cloud. Its time never goes back.
#[derive(Debug, Clone)]
pub struct PacedClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    file: PathBuf,
    pace: Option<Pace>,
    clock: WallClock,
    speed: f64,
    /// Measures how long ago the file was looked at.
    real: WallClock,
    looked: Timestamp,
    last: Timestamp,
}

impl PacedClock {
    /// The clock of the cloud in a folder, whose pace was set before; without one, time is real.
    pub(super) fn new(home: &Path, pace: Option<Pace>) -> Self {
        let file = home.join(FILE);
        let real = WallClock::real();
        let clock = pace.map_or_else(WallClock::real, Pace::clock);
        Self(Arc::new(Mutex::new(State {
            file,
            pace,
            speed: pace.map_or(1.0, |pace| pace.speed),
            looked: real.now(),
            last: clock.now(),
            clock,
            real,
        })))
    }

    /// Changes the speed for all processes that use the cloud, and returns the new pace.
    pub(super) fn set_speed(&self, speed: f64) -> std::io::Result<Pace> {
        let mut state = self.state();
        state.now();
        let mut anchor = state.clock.anchor();
        anchor.simulated = later(anchor.simulated, AHEAD.mul_f64(state.speed));
        let pace = Pace { anchor, speed };
        let part = state.file.with_extension("json.part");
        fs::write(&part, serde_json::to_vec(&pace)?)?;
        fs::rename(&part, &state.file)?;
        state.look();
        Ok(pace)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now(&mut self) -> Timestamp {
        let real = self.real.now();
        if (real - self.looked).to_std().is_ok_and(|it| it >= LOOK) {
            self.looked = real;
            self.look();
        }
        self.last = self.last.max(self.clock.now());
        self.last
    }

    /// Takes over a new pace. A file that cannot be read is looked at again next time; until then, the pace stays. The time
    /// of the file would not say whether it is new: two changes can have the same.
    fn look(&mut self) {
        let Ok(text) = fs::read(&self.file) else {
            return;
        };
        let pace = serde_json::from_slice::<Pace>(&text);
        let is_new = |pace: &Pace| pace.is_possible() && self.pace != Some(*pace);
        if let Some(pace) = pace.ok().filter(is_new) {
            self.pace = Some(pace);
            self.speed = pace.speed;
            self.clock = pace.clock();
        }
    }
}

impl Clock for PacedClock {
    fn now(&self) -> Timestamp {
        self.state().now()
    }

    /// Sleeps in short parts, because the speed may change meanwhile.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let due = later(self.now(), duration);
        let this = self.clone();
        async move {
            loop {
                let part = {
                    let mut state = this.state();
                    let Ok(left) = (due - state.now()).to_std() else {
                        return;
                    };
                    if left.is_zero() {
                        return;
                    }
                    let most = LOOK.mul_f64(state.speed);
                    state.clock.sleep(left.min(most))
                };
                part.await;
            }
        }
        .boxed()
    }

    fn during(&self, work: Duration) -> Duration {
        self.state().clock.during(work)
    }

    fn pause(&self, real: Duration) -> BoxFuture<'static, ()> {
        self.state().real.sleep(real)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cloud's clock in two processes.
    fn two(home: &Path) -> [PacedClock; 2] {
        [PacedClock::new(home, None), PacedClock::new(home, None)]
    }

    fn seconds(from: Timestamp, to: Timestamp) -> i64 {
        (to - from).num_seconds()
    }

    #[test]
    fn a_new_speed_reaches_clocks_that_are_in_use() {
        let home = tempfile::tempdir().unwrap();
        let [one, other] = two(home.path());
        one.set_speed(10_000.0).unwrap();
        // Its next look is due at once.
        other.state().looked = Timestamp::MIN_UTC;
        let (a, b) = (one.now(), other.now());
        assert!(seconds(a, b).abs() < 3600, "{a} {b}");
        assert!((other.state().speed - 10_000.0).abs() < f64::EPSILON);
        let slow = one.set_speed(1.0).unwrap();
        other.state().looked = Timestamp::MIN_UTC;
        let (a, b) = (one.now(), other.now());
        assert!(a >= slow.anchor.simulated && b >= slow.anchor.simulated);
        assert!(seconds(a, b).abs() < 60, "{a} {b}");
    }

    #[test]
    fn a_clock_that_learns_late_of_a_lower_speed_does_not_stand_still() {
        let home = tempfile::tempdir().unwrap();
        let [one, _] = two(home.path());
        let fast = one.set_speed(10_000.0).unwrap();
        let slow = one.set_speed(1.0).unwrap();
        let look = slow.anchor.real + LOOK;
        let late = fast.anchor.simulated + (look - fast.anchor.real) * 10_000;
        assert!(slow.anchor.simulated >= late, "{:?} {late}", slow.anchor);
    }

    #[test]
    fn a_clock_that_opens_while_the_speed_changes_learns_of_it() {
        let home = tempfile::tempdir().unwrap();
        let [one, _] = two(home.path());
        one.set_speed(10_000.0).unwrap();
        // It was given the pace from before.
        let other = PacedClock::new(home.path(), None);
        other.state().looked = Timestamp::MIN_UTC;
        other.now();
        assert!((other.state().speed - 10_000.0).abs() < f64::EPSILON);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_takes_real_time_whatever_the_speed_becomes() {
        let home = tempfile::tempdir().unwrap();
        let [one, _] = two(home.path());
        for [before, after] in [[10_000.0, 0.1], [0.1, 10_000.0]] {
            one.set_speed(before).unwrap();
            let start = tokio::time::Instant::now();
            let pause = one.pause(Duration::from_secs(1));
            one.set_speed(after).unwrap();
            pause.await;
            assert_eq!(start.elapsed().as_secs(), 1, "{before} {after}");
        }
    }

    #[test]
    fn time_never_goes_back_and_a_file_of_others_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let [one, _] = two(home.path());
        let before = one.now();
        for text in ["", "{}", r#"{"anchor":null,"speed":2}"#] {
            fs::write(home.path().join(FILE), text).unwrap();
            one.state().looked = Timestamp::MIN_UTC;
            assert!(one.now() >= before);
        }
        assert!((one.state().speed - 1.0).abs() < f64::EPSILON);
    }
}
