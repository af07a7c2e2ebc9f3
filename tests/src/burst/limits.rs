//! The limits of a burst, which the bench checks for large bursts and a test for small ones.

use std::collections::BTreeMap;
use std::fmt;

use prism_functions::domain::counted;
use prism_functions::domain::pace::Paced;

use super::{Burst, Outcome};

/// The maximum ratio of the downtime of the 99th percentile to what EC2 alone needs.
const OVER_FLOOR: f64 = 1.10;
/// The same without EventBridge events, when the instance is polled every three seconds.
const OVER_FLOOR_UNTOLD: f64 = 1.30;
/// The maximum share of the deployment's own requests that are throttled.
const THROTTLED: f64 = 0.01;
/// The maximum time after the last turn until the last instance runs again, and until the last version is registered,
/// in seconds: the slowest instance is down for 108 s, and its AMI takes five minutes.
const RUNNING_S: f64 = 120.0;
const REGISTERED_S: f64 = 420.0;
/// The maximum delay before a save that a user waits for begins, in seconds.
const BY_HAND_S: f64 = 5.0;
/// The cost of a save's state transitions before saves took turns, in USD.
const USD: f64 = 0.00313;

// The limits of a single save while nobody else saves. docs/performance.md has the measurements that they follow from.
const ALONE_BEYOND_FLOOR_S: f64 = 2.1;
const ALONE_REGISTERED_S: f64 = 336.0;
const ALONE_CALLS: u64 = 40;
const ALONE_TRANSITIONS: usize = 54;
const REFUSED_S: f64 = 1.0;
const REFUSED_CALLS: u64 = 10;

/// Whether a limit is exceeded, and by what.
type Checked = (bool, String);

impl fmt::Display for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (saves, paces) = (counted(self.saves, "save"), self.paces());
        write!(f, "{saves}, {paces}, {} %", self.neighbour_percent)
    }
}

impl Burst {
    /// How long the instances take to stop and to start.
    pub fn paces(&self) -> &'static str {
        if self.varied {
            "0.5 to 3 times"
        } else {
            "even"
        }
    }

    /// Returns what exceeds its limit, in words.
    pub fn exceeded(&self, it: &Outcome) -> Vec<String> {
        let mut checked = vec![
            (!it.failed.is_empty(), format!("failed: {:?}", it.failed)),
            (it.stranded > 0, format!("{} stranded", it.stranded)),
        ];
        // Where users need more than all of a bucket, they cannot but throttle and delay each other.
        if u32::from(u8::from(self.share)) + self.neighbour_percent <= 100 {
            checked.extend(self.times(it));
            checked.extend(self.requests(it));
            if self.saves == 1 && self.events {
                checked.extend(alone(it));
            }
        }
        let exceeded = checked.into_iter().filter(|(exceeded, _)| *exceeded);
        exceeded
            .map(|(_, what)| format!("{self}: {what}"))
            .collect()
    }

    fn times(&self, it: &Outcome) -> [Checked; 4] {
        let turns_s = f64::from(self.saves) * Paced::Save.interval(self.share).as_seconds_f64();
        let p99 = Outcome::percentile(&it.over_floor, 99);
        let most = if self.events {
            OVER_FLOOR
        } else {
            OVER_FLOOR_UNTOLD
        };
        [
            (
                // Rounded to the hundredths that are printed.
                p99 > most + 0.005,
                format!("p99 of the downtime is {p99:.3} of the floor"),
            ),
            (
                it.last_running_s > turns_s + RUNNING_S,
                format!("the last instance runs after {:.0} s", it.last_running_s),
            ),
            (
                it.last_registered_s > turns_s + REGISTERED_S,
                format!(
                    "the last version is registered after {:.0} s",
                    it.last_registered_s
                ),
            ),
            (
                it.interactive_s.is_some_and(|s| s > BY_HAND_S),
                format!("the save by hand begins after {:?} s", it.interactive_s),
            ),
        ]
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers of requests fit into 52 bits"
    )]
    fn requests(&self, it: &Outcome) -> [Checked; 3] {
        let (own, others) = (it.requests(), it.neighbours());
        let usd = it.usd_per_save(self.saves);
        [
            (
                own.throttled as f64 > THROTTLED * own.calls as f64,
                format!("{} of {} requests throttled", own.throttled, own.calls),
            ),
            (
                // Alone, with half of each bucket's refill, none is.
                others.throttled > 0,
                format!("neighbours throttled {:?}", throttled_neighbours(it)),
            ),
            (usd > USD, format!("{usd:.5} USD a save")),
        ]
    }
}

fn alone(it: &Outcome) -> [Checked; 6] {
    let calls = it.requests().calls;
    let refusal = it.refusal.unwrap_or_default();
    [
        (
            it.beyond_floor_s > ALONE_BEYOND_FLOOR_S,
            format!(
                "the downtime is {:.2} s beyond the floor",
                it.beyond_floor_s
            ),
        ),
        (
            it.last_registered_s > ALONE_REGISTERED_S,
            format!("alone, its version takes {:.1} s", it.last_registered_s),
        ),
        (calls > ALONE_CALLS, format!("{calls} requests")),
        (
            it.transitions > ALONE_TRANSITIONS,
            format!("{} transitions", it.transitions),
        ),
        (
            refusal.after_s > REFUSED_S,
            format!("a refusal takes {:.1} s", refusal.after_s),
        ),
        (
            refusal.calls > REFUSED_CALLS,
            format!("a refusal takes {} requests", refusal.calls),
        ),
    ]
}

/// The number of throttled requests of the account's other users, by API.
fn throttled_neighbours(it: &Outcome) -> BTreeMap<&str, u64> {
    let counts = it
        .traffic
        .iter()
        .map(|(name, (_, others))| (name.as_str(), others.throttled));
    counts.filter(|(_, throttled)| *throttled > 0).collect()
}
