//! The chores of this repository: `cargo xtask CHORE`. Each is one module.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "chores talk to whoever runs them"
)]

mod bench;
mod boundary;
mod cold_start;
mod demo;
mod docs;
mod emulator;
mod fuzz;
mod layers;
mod openapi;
mod package;
mod shell;
mod simulate;
mod tidy;
mod venv;
mod verify;

use std::process::ExitCode;

/// What a chore answers: nothing, or a sentence about what went wrong.
type Outcome<T = ()> = Result<T, String>;

const USAGE: &str = "\
Usage: cargo xtask CHORE

Chores:
  demo            play a researcher's day on a fresh embedded cloud (also: cargo demo)
  docs [--check]  write what is made from the code: docs/errors.md, the picture of the state machine
  verify          have the definition and the template judged by asl-validator, cfn-lint, SAM and checkov
  boundary        check the dependency graph and the house rules of the source
  emulator        deploy infra/template.yaml on an emulator of AWS, with the functions, and use it
  emulator --burst [SAVES] [--limit SECONDS]
                  the same, and have 50 schedules fall on one minute with EC2's throttles on
  fuzz [TARGET...] [--seconds N]
                  have texts made up for what reads names and files, led by the code that they reach
  openapi         have the API's description judged, and the served API held against it
  bench [cold-start | registry | burst [--share PERCENT] [--no-events] [SAVES]...]
                  measure how fast things are; or how a function begins, against one in Python; or
                  how the registry answers with a million saves in it
  simulate [OPTIONS]
                  have things go wrong at every call of simulated saves, and check the promises; --help
  package [--arch x86_64|arm64] [--cross]
                  build what a deployment uploads: target/package/bootstrap-ARCH.zip; --cross has cargo-lambda
                  build it where the host could
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args.as_slice() {
        ["demo"] => demo::run(),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["verify"] => verify::run(),
        ["boundary"] => boundary::run(),
        ["emulator", rest @ ..] => emulator::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["openapi"] => openapi::run(),
        ["bench"] => bench::run(),
        ["bench", "cold-start"] => cold_start::run(),
        ["bench", "registry"] => bench::registry(),
        ["bench", "burst", sizes @ ..] => bench::burst(sizes),
        ["simulate", rest @ ..] => simulate::run(rest),
        ["package", rest @ ..] => package::run(rest),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
