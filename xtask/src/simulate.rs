//! `simulate`: simulates thousands of saves with injected faults (docs/simulation.md).

use crate::Outcome;
use crate::shell::{cargo, run as run_command};

pub(crate) fn run(options: &[&str]) -> Outcome {
    let mut command = cargo();
    command.args(["run", "--quiet", "--locked", "--profile", "simulation"]);
    command.args(["--package", "prism-tests", "--features", "fast"]);
    command.args(["--example", "simulate", "--"]);
    run_command(command.args(options))
}
