//! `arm64`: builds the functions' program for arm64, and runs the tests of its start under an emulator of the processor.
//!
//! The program is not optimised, because that takes minutes: what is tested is that all of it can be compiled and linked
//! for arm64, and that it starts and answers. The emulator and arm64's C library come from Debian's packages, which are
//! unpacked aside: nothing is installed.

use std::path::Path;

use crate::Outcome;
use crate::debian;
use crate::shell::{cargo, run};
use crate::shipped::{self, Arch, By, Shipped};

const BOOTSTRAP: Shipped = Shipped {
    bin: "bootstrap",
    build: &[
        "--locked",
        "--package",
        "prism-functions",
        "--features",
        "prism-functions/aws",
    ],
    flags: &[],
    folder: "arm64",
};

const PACKAGES: [&str; 3] = ["qemu-user-static:amd64", "libc6:arm64", "libgcc-s1:arm64"];

/// The variable that tells the tests how to run the program (functions/tests/bootstrap.rs).
const PROGRAM: &str = "PRISM_BOOTSTRAP";

/// Builds the program, and prepares the emulator.
pub(crate) fn build() -> Outcome {
    line().map(|_| ())
}

pub(crate) fn start() -> Outcome {
    let line = line()?;
    let mut tests = cargo();
    tests.args(["test", "--locked", "--package", "prism-functions"]);
    // The features are those of the tests for AWS, so that nothing is compiled twice.
    tests.args(["--package", "prism-tests", "--package", "prism"]);
    tests.args([
        "--features",
        "prism-functions/aws,prism-tests/aws,prism/aws",
    ]);
    tests.args(["--test", "bootstrap"]);
    run(tests.env(PROGRAM, line))
}

/// The program under the emulator, with its arguments: one part a line.
fn line() -> Outcome<String> {
    if Arch::host()? != Arch::X86_64 {
        return Err(
            "this needs a machine with x86_64; on arm64, cargo test starts the program".to_owned(),
        );
    }
    let system = debian::unpacked("arm64", &PACKAGES)?;
    let program = shipped::program(&BOOTSTRAP, Arch::Arm64, By::Cross)?;
    let line = [
        &system.join("usr/bin/qemu-aarch64-static"),
        Path::new("-L"),
        &system,
        &program,
    ];
    let line: Vec<_> = line.iter().map(|part| part.to_string_lossy()).collect();
    Ok(line.join("\n"))
}
