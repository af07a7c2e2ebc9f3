//! `bench`: performance measurements on the release build. They print figures; `burst` also fails beyond its limits.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::shell::{build, cargo, run as run_command};

const STARTS: usize = 20;

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

/// Measures the registry with 100,000 templates and 1,000,000 saves in its table.
pub(crate) fn registry() -> Outcome {
    example("xtask", "registry")
}

/// Simulates many saves at the same instant; `sizes` are the numbers of saves and options, empty for the defaults.
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
