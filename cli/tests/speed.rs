//! How long the program takes for what is typed all the time. The test is alone in its binary, because it measures the
//! processor time of all of its child processes, which does not depend on what else the machine does.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{FAST, Prism};

/// How often each command is run. The kernel counts in hundredths of a second.
const RUNS: u32 = 20;
/// The length of a tick of the kernel's count.
const TICK_MS: u32 = 10;

/// The processor time of the child processes that have ended, in ticks: the fields cutime and cstime.
fn ticks() -> u32 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields = fields.split(' ').skip(13).take(2);
    fields.map(|ticks| ticks.parse::<u32>().unwrap()).sum()
}

/// The processor time of a run, in milliseconds.
fn cost_ms(run: impl Fn()) -> u32 {
    let before = ticks();
    (0..RUNS).for_each(|_| run());
    (ticks() - before) * TICK_MS / RUNS
}

#[test]
fn the_help_and_names_appear_at_once() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "my-research"]);
    let help = cost_ms(|| drop(prism.ok(&["--help"])));
    assert!(help < 20, "{help} ms");
    let names = cost_ms(|| {
        let mut command = prism.command(&["--", "prism", "stop", ""]);
        command.env("PRISM_COMPLETE", "bash");
        command.env("_CLAP_COMPLETE_INDEX", "2");
        let offered = common::answer(&command.output().unwrap());
        offered.prints("my-research");
    });
    assert!(names < 50, "{names} ms");
}
