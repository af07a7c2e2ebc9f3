//! The chores of this repository, one module each: `cargo xtask CHORE`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "chores print to the terminal"
)]

mod arm64;
mod bench;
mod boundary;
mod cold_start;
mod debian;
mod demo;
mod dist;
mod docs;
mod documented;
mod emulator;
mod fuzz;
mod layers;
mod openapi;
mod package;
mod portal;
mod shell;
mod shipped;
mod simulate;
mod sizes;
mod tidy;
mod venv;
mod verify;

use std::process::ExitCode;

use prism_functions::domain::catalogue::{self, BuiltIn};

type Outcome<T = ()> = Result<T, String>;

const USAGE: &str = "\
Usage: cargo xtask CHORE

Chores:
  demo            play a researcher's workflow on a new embedded cloud (also: cargo demo)
  docs [--check]  generate documents from the code, such as docs/errors.md and the diagram of the state
                  machine, or check that they are up to date
  verify          check the definition and the template with asl-validator, cfn-lint, SAM and checkov
  boundary        check the dependency graph and the house rules of the source
  emulator        deploy infra/template.yaml with the functions on an emulator of AWS, and test it
  emulator --burst [SAVES] [--limit SECONDS]
                  the same, and run 50 schedules in the same minute with EC2's throttles on
  fuzz [TARGET...] [--seconds N]
                  fuzz the parsers of names and files
  openapi         validate the OpenAPI description, and test the served API against it
  bench [cold-start | registry | burst [--share PERCENT] [--no-events] [SAVES]...]
                  measure the performance of the program, the start of a function compared with one in
                  Python, the registry with a million saves, or many saves at the same instant
  simulate [OPTIONS]
                  inject faults at every call of simulated saves, and check the promises; see --help
  package [--arch x86_64|arm64] [--cross]
                  build the artefact of a deployment: target/package/bootstrap-ARCH.zip; --cross always
                  uses cargo-lambda, even if the host's own compiler could build it
  portal [--check | --screenshots [FOLDER]]
                  build portal/dist with Node.js, check that it is what the sources give, or make the
                  pictures of the README, or those in another folder to compare
  arm64 [--no-run]
                  build the functions' program for arm64, and run the tests of its start under an
                  emulator of the processor; --no-run only builds it
  dist [--arch x86_64|arm64]
                  build the archives of a release: target/dist/prism-VERSION-linux-ARCH.tar.gz, with
                  completions and manual pages, and SHA256SUMS
  user-data TEMPLATE
                  print the user data of a built-in template; .ci/check-templates tests it
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
        ["portal"] => portal::build(),
        ["portal", "--check"] => portal::check(),
        ["portal", "--screenshots"] => portal::screenshots(),
        ["portal", "--screenshots", folder] => portal::screenshots_in(folder),
        ["arm64"] => arm64::start(),
        ["arm64", "--no-run"] => arm64::build(),
        ["dist", rest @ ..] => dist::run(rest),
        ["user-data", name] => {
            let user_data = catalogue::find(name).and_then(BuiltIn::user_data);
            print!("{}", user_data.unwrap_or_default());
            Ok(())
        }
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
