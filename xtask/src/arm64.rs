//! `arm64`: builds the functions' program for arm64, and runs the tests of its start under an emulator of the processor.
//!
//! The program is not optimised, because that takes minutes: what is tested is that all of it can be compiled and linked
//! for arm64, and that it starts and answers. The emulator and arm64's C library come from Debian's packages, which are
//! unpacked aside: nothing is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::shell::{cache, cargo, output, run};
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

pub(crate) fn start() -> Outcome {
    if Arch::host()? != Arch::X86_64 {
        return Err(
            "this needs a machine with x86_64; on arm64, cargo test starts the program".to_owned(),
        );
    }
    let system = system()?;
    let program = shipped::program(&BOOTSTRAP, Arch::Arm64, By::Cross)?;
    let line = [
        &system.join("usr/bin/qemu-aarch64-static"),
        Path::new("-L"),
        &system,
        &program,
    ];
    let line: Vec<_> = line.iter().map(|part| part.to_string_lossy()).collect();
    let mut tests = cargo();
    tests.args(["test", "--locked", "--package", "prism-functions"]);
    // The features are those of the tests for AWS, so that nothing is compiled twice.
    tests.args(["--package", "prism-tests", "--package", "prism"]);
    tests.args([
        "--features",
        "prism-functions/aws,prism-tests/aws,prism/aws",
    ]);
    tests.args(["--test", "bootstrap"]);
    run(tests.env(PROGRAM, line.join("\n")))
}

/// Returns the folder with the emulator and arm64's C library. They are downloaded once.
fn system() -> Outcome<PathBuf> {
    let folder = cache()?.join("arm64");
    let (root, complete) = (folder.join("root"), folder.join("complete"));
    if complete.exists() {
        return Ok(root);
    }
    println!("downloading {}", PACKAGES.join(", "));
    // Remove an incomplete download and start again.
    let _ = fs::remove_dir_all(&folder);
    let unwritable = |error| format!("{} cannot be written: {error}", folder.display());
    for part in ["state/lists/partial", "cache/archives/partial", "root"] {
        fs::create_dir_all(folder.join(part)).map_err(unwritable)?;
    }
    fs::write(folder.join("status"), "").map_err(unwritable)?;
    run(apt(&folder).args(["--quiet", "update"]))?;
    run(apt(&folder).args(["--quiet", "download"]).args(PACKAGES))?;
    for package in fs::read_dir(&folder).map_err(unwritable)? {
        let package = package.map_err(unwritable)?.path();
        if package
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            output(
                Command::new("dpkg-deb")
                    .arg("--extract")
                    .arg(&package)
                    .arg(&root),
            )?;
            fs::remove_file(package).map_err(unwritable)?;
        }
    }
    fs::write(complete, "").map_err(unwritable)?;
    Ok(root)
}

/// apt-get with the sources of this machine and lists of its own, for both architectures.
fn apt(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.current_dir(folder);
    let place = |name: &str, part: &str| format!("{name}={}", folder.join(part).display());
    for setting in [
        place("Dir::State", "state"),
        place("Dir::State::status", "status"),
        place("Dir::Cache", "cache"),
        "APT::Architectures::=amd64".to_owned(),
        "APT::Architectures::=arm64".to_owned(),
        "APT::Sandbox::User=root".to_owned(),
    ] {
        command.args(["-o", &setting]);
    }
    command
}
