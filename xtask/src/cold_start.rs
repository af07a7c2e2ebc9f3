//! `bench cold-start`: measures how fast a function starts, compared with the same function in Python, and the size of
//! the artefact. It fails if a promised limit is exceeded.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::package::{self, MOST_BYTES};
use crate::shell::{build, output, read, root, run as run_command, write};
use crate::shipped::{Arch, By};
use crate::venv;

const PYTHON: &str = "python3.11";
const STARTS: &str = "25";
const REQUIREMENTS: &str = "tests/examples/cold_start/requirements.txt";

pub(crate) fn run() -> Outcome {
    let built = package::package(Arch::host()?, By::Host)?;
    let requirements = read(&root().join(REQUIREMENTS))?;
    let lines = requirements.lines().map(str::trim);
    let packages: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let python = venv::with(PYTHON, "cold-start", &packages)?.join("python");
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    certificates(&python, folder.path())?;
    let bench = build(&[
        "--release",
        "--locked",
        "--package",
        "prism-tests",
        "--features",
        "harness",
        "--example",
        "cold_start",
    ])?;
    println!("artefact: {} bytes (promised: {MOST_BYTES})", built.bytes);
    let mut command = Command::new(bench);
    command.arg(&built.program).arg(&python).arg(folder.path());
    run_command(command.arg(STARTS))
}

/// Creates a certificate for 127.0.0.1, and a bundle of the root certificates that a function has in Lambda plus the
/// one that signed it: parsing them all is part of a start.
fn certificates(python: &Path, folder: &Path) -> Outcome {
    let mut trustme = Command::new(python);
    trustme.args(["-m", "trustme", "--quiet", "-i", "127.0.0.1", "-d"]);
    run_command(trustme.arg(folder))?;
    let mut find = Command::new(python);
    find.args(["-c", "import botocore; print(botocore.__path__[0])"]);
    let botocore = PathBuf::from(output(&mut find)?.trim());
    let roots = read(&botocore.join("cacert.pem"))? + &read(&folder.join("client.pem"))?;
    write(&folder.join("roots.pem"), &roots)
}
