//! `bench`: how fast things are, on the release build. Figures, not tests: nothing fails by them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::shell::{build, cargo, run as run_command};

/// How often the program is started for its latency.
const STARTS: usize = 20;

/// Runs the chore.
pub(crate) fn run() -> Outcome {
    let program = build(&["--release", "--package", "prism", "--bin", "prism"])?;
    example("xtask", "saves")?;
    let mut times = (0..STARTS)
        .map(|_| timed(Command::new(&program).arg("--help")))
        .collect::<Outcome<Vec<Duration>>>()?;
    times.sort_unstable();
    println!(
        "{:<52} {:>7.1} ms",
        format!("prism --help, median of {STARTS}"),
        times[STARTS / 2].as_secs_f64() * 1e3
    );
    println!("\nThe interpreter:");
    example("prism-asl", "speed")
}

/// How the registry answers with 100,000 templates and 1,000,000 saves in its table.
pub(crate) fn registry() -> Outcome {
    example("xtask", "registry")
}

/// What becomes of many saves at one instant; `sizes` says how many, else the usual numbers are played.
pub(crate) fn burst(sizes: &[&str]) -> Outcome {
    example_of("xtask", "burst", sizes)
}

fn example(package: &str, name: &str) -> Outcome {
    example_of(package, name, &[])
}

fn example_of(package: &str, name: &str, arguments: &[&str]) -> Outcome {
    let mut command = cargo();
    command.args(["run", "--release", "--quiet", "--package", package]);
    run_command(command.args(["--example", name, "--"]).args(arguments))
}

#[expect(clippy::disallowed_methods, reason = "this measures real time")]
fn timed(command: &mut Command) -> Outcome<Duration> {
    let begin = Instant::now();
    run_command(command.stdout(Stdio::null()))?;
    Ok(begin.elapsed())
}
