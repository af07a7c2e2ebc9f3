//! How long the program takes for what is typed all the time. The test is alone in its binary, because it measures the
//! processor time of all of its child processes, which does not depend on what else the machine does. With `--nocapture`,
//! it prints what it measured.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::fmt;
use std::time::{Duration, Instant};

use common::{FAST, Prism};

/// How often each command is run between two looks at the kernel's count, which is in hundredths of a second.
const RUNS: u32 = 20;
/// How many times that is repeated.
const BATCHES: u32 = 5;
/// What the optimised program may take. One with debug assertions, with which clap checks all commands at each start, may
/// take twice as long: `cargo test --release --package prism --test speed` is the measurement.
const HELP: Duration = Duration::from_millis(20);
const NAMES: Duration = Duration::from_millis(50);
const TIMES: u32 = if cfg!(debug_assertions) { 2 } else { 1 };
/// The length of a tick of the kernel's count.
const TICK: Duration = Duration::from_millis(10);

/// What a command takes: the medians of its runs.
struct Cost {
    /// Its processor time, of which each batch has one mean.
    processor: Duration,
    /// From its start until it has ended, which depends on what else the machine does.
    elapsed: Duration,
}

impl Cost {
    #[expect(
        clippy::disallowed_methods,
        reason = "the time of real processes is measured"
    )]
    fn of(run: impl Fn()) -> Self {
        let (mut processor, mut elapsed) = (Vec::new(), Vec::new());
        for _ in 0..BATCHES {
            let before = ticks();
            for _ in 0..RUNS {
                let began = Instant::now();
                run();
                elapsed.push(began.elapsed());
            }
            processor.push((ticks() - before) * TICK / RUNS);
        }
        Self {
            processor: median(processor),
            elapsed: median(elapsed),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (processor, elapsed) = (self.processor, self.elapsed);
        write!(
            f,
            "{processor:.1?} of processor time, {elapsed:.1?} elapsed"
        )
    }
}

/// The processor time of the child processes that have ended, in ticks: the fields cutime and cstime.
fn ticks() -> u32 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields = fields.split(' ').skip(13).take(2);
    fields.map(|ticks| ticks.parse::<u32>().unwrap()).sum()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn the_help_and_names_appear_at_once() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "my-research"]);
    let help = Cost::of(|| drop(prism.ok(&["--help"])));
    let names = Cost::of(|| {
        let mut command = prism.command(&["--", "prism", "stop", ""]);
        command.env("PRISM_COMPLETE", "bash");
        command.env("_CLAP_COMPLETE_INDEX", "2");
        let offered = common::answer(&command.output().unwrap());
        offered.prints("my-research");
    });
    println!("prism --help: {help}\nthe completion of a name: {names}");
    assert!(help.processor < HELP * TIMES, "{help}");
    assert!(names.processor < NAMES * TIMES, "{names}");
}
