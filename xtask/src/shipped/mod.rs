//! Programs that leave this machine: for one architecture, runnable where they are meant to run, and the same bytes for
//! the same source and toolchain in any folder.

mod binary;
mod cross;
mod prerequisites;
mod remap;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::shell::{build_by, cargo, target};

pub(crate) use prerequisites::check as ready;

/// The separator of the flags in `CARGO_ENCODED_RUSTFLAGS`.
const BETWEEN: &str = "\u{1f}";

/// A program, and how it is built.
#[derive(Debug)]
pub(crate) struct Shipped {
    pub(crate) bin: &'static str,
    /// The arguments of `cargo build`.
    pub(crate) build: &'static [&'static str],
    /// The flags of its compiler.
    pub(crate) flags: &'static [&'static str],
    /// The folder of its build within the target folder, if it should not wait for other builds.
    pub(crate) folder: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arch {
    X86_64,
    Arm64,
}

impl Arch {
    pub(crate) const ALL: [Self; 2] = [Self::X86_64, Self::Arm64];

    pub(crate) fn host() -> Outcome<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Ok(Arch::X86_64),
            "aarch64" => Ok(Arch::Arm64),
            other => Err(format!(
                "nothing is shipped for {other}: say --arch x86_64 or --arch arm64"
            )),
        }
    }

    /// Returns the architecture that `--arch` names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|arch| arch.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Arm64 => "arm64",
        }
    }

    pub(crate) fn target(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64-unknown-linux-gnu",
            Arch::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The host's own compiler and linker, if they can.
    Host,
    /// cargo-lambda and zig, even if the host's tools could.
    Cross,
}

/// Builds a program: with the host's own compiler and linker if requested, and if the result runs on old enough
/// systems; otherwise with cargo-lambda.
pub(crate) fn program(shipped: &Shipped, arch: Arch, by: By) -> Outcome<PathBuf> {
    ready(arch, by)?;
    let mut flags = remap::flags()?;
    flags.extend(shipped.flags.iter().map(|&flag| flag.to_owned()));
    let native = cfg!(target_os = "linux") && Arch::host() == Ok(arch);
    if native && by == By::Host {
        let mut command = cargo();
        command.arg("build").args(shipped.build);
        // The target is named even if it is the host's, so that the flags do not apply to build scripts and macros.
        command.args(["--bin", shipped.bin, "--target", arch.target()]);
        command
            .arg("--target-dir")
            .arg(target().join(shipped.folder));
        let program = build_by(flagged(&mut command, &flags))?;
        match checked(&program, arch) {
            Ok(()) => return Ok(program),
            Err(problem) => println!("{problem}; cargo-lambda builds it again"),
        }
    }
    let program = cross::build(shipped, arch, &flags)?;
    checked(&program, arch)?;
    Ok(program)
}

/// Sets these compiler flags, and removes those and the wrapper of the user's environment.
fn flagged<'a>(command: &'a mut Command, flags: &[String]) -> &'a mut Command {
    command
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join(BETWEEN))
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
}

fn checked(program: &Path, arch: Arch) -> Outcome {
    let content = fs::read(program)
        .map_err(|error| format!("{} cannot be read: {error}", program.display()))?;
    binary::check(&content, arch).map_err(|problem| format!("{}: {problem}", program.display()))
}
