//! The clock of the embedded cloud, whose speed can be changed while processes run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures::future::{BoxFuture, FutureExt as _};
use prism_functions::domain::Timestamp;
use prism_functions::ports::Clock;

use crate::clock::{Anchor, WallClock};

/// The file that tells running processes of a new pace. A file is used because a clock is read while a database is locked.
pub const FILE: &str = "pace.json";
/// How often a clock looks for a new pace, in real time.
const LOOK: Duration = Duration::from_millis(50);

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
    /// When the file was last changed, as far as it has been read.
    changed: Option<SystemTime>,
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
            changed: changed(&file),
            file,
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
        let anchor = state.clock.anchor();
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

fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|it| it.modified()).ok()
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

    /// Takes over a new pace. A file that cannot be read is looked at again next time; until then, the pace stays.
    fn look(&mut self) {
        let changed = changed(&self.file);
        if changed.is_none() || changed == self.changed {
            return;
        }
        let Ok(text) = fs::read(&self.file) else {
            return;
        };
        let pace = serde_json::from_slice::<Pace>(&text);
        if let Some(pace) = pace.ok().filter(|pace| pace.is_possible()) {
            self.changed = changed;
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
        let due = crate::clock::later(self.now(), duration);
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
