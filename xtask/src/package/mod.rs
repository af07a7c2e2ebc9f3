//! `package`: builds the artefact of a deployment, `target/package/bootstrap-ARCH.zip`, and a copy of the last one as
//! `bootstrap.zip`, which infra/template.yaml names. The same source and toolchain produce the same bytes in any
//! folder.

mod artefact;
mod binary;
mod cross;
mod remap;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::Outcome;
use crate::shell::{build_by, cargo, root};

pub(crate) use self::artefact::MOST_BYTES;

/// The name of the last built artefact, as infra/template.yaml has it.
const DEPLOYED: &str = "bootstrap.zip";

pub(crate) const BUILD: [&str; 9] = [
    "--profile",
    "artefact",
    "--locked",
    "--package",
    "prism-functions",
    "--bin",
    "bootstrap",
    "--features",
    "prism-functions/aws",
];

/// Links the program at a fixed address. Otherwise each start reads and writes a table of all its pointers, which takes
/// more memory than is allowed (docs/adr/0020-a-panic-fails-one-invocation.md).
const FIXED: &str = "-Crelocation-model=static";
/// The separator of the flags in `CARGO_ENCODED_RUSTFLAGS`.
const BETWEEN: &str = "\u{1f}";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arch {
    X86_64,
    Arm64,
}

impl Arch {
    pub(crate) fn host() -> Outcome<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Ok(Arch::X86_64),
            "aarch64" => Ok(Arch::Arm64),
            other => Err(format!(
                "Lambda has no {other}: say --arch x86_64 or --arch arm64"
            )),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Arm64 => "arm64",
        }
    }

    fn target(self) -> &'static str {
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

#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) program: PathBuf,
    pub(crate) bytes: u64,
}

pub(crate) fn run(args: &[&str]) -> Outcome {
    let (args, by) = match args {
        [before @ .., "--cross"] => (before, By::Cross),
        all => (all, By::Host),
    };
    let arch = match args {
        [] => Arch::host()?,
        ["--arch", "x86_64"] => Arch::X86_64,
        ["--arch", "arm64"] => Arch::Arm64,
        _ => return Err("usage: cargo xtask package [--arch x86_64|arm64] [--cross]".to_owned()),
    };
    package(arch, by).map(drop)
}

pub(crate) fn package(arch: Arch, by: By) -> Outcome<Package> {
    let program = program(arch, by)?;
    let zip = root().join(format!("target/package/bootstrap-{}.zip", arch.name()));
    let content = fs::read(&program)
        .map_err(|error| format!("{} cannot be read: {error}", program.display()))?;
    let packed = artefact::zip(&content)?;
    artefact::write(&zip, &packed)?;
    // Tools that upload the template's artefacts need one fixed path.
    artefact::write(&zip.with_file_name(DEPLOYED), &packed)?;
    let bytes = packed.len() as u64;
    println!(
        "{}: {bytes} bytes ({} unpacked), sha256 {}",
        zip.strip_prefix(root()).unwrap_or(&zip).display(),
        content.len(),
        hex::encode(Sha256::digest(&packed)),
    );
    artefact::judge(bytes)?;
    Ok(Package { program, bytes })
}

/// Builds the functions' program: with the host's own compiler and linker if requested, and if Lambda can run the
/// result; otherwise with cargo-lambda.
fn program(arch: Arch, by: By) -> Outcome<PathBuf> {
    let mut flags = remap::flags()?;
    flags.push(FIXED.to_owned());
    let native = cfg!(target_os = "linux") && Arch::host() == Ok(arch);
    if native && by == By::Host {
        let mut command = cargo();
        command.arg("build").args(BUILD);
        // The target is named even if it is the host's, so that the flags do not apply to build scripts and macros.
        command.args(["--target", arch.target()]);
        let program = build_by(flagged(&mut command, &flags))?;
        match checked(&program, arch) {
            Ok(()) => return Ok(program),
            Err(problem) => println!("{problem}; cargo-lambda builds it again"),
        }
    }
    let program = cross::build(arch, &flags)?;
    checked(&program, arch)?;
    Ok(program)
}

/// Sets these compiler flags, and removes those of the user's environment.
fn flagged<'a>(command: &'a mut Command, flags: &[String]) -> &'a mut Command {
    command
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join(BETWEEN))
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS")
}

fn checked(program: &Path, arch: Arch) -> Outcome {
    let content = fs::read(program)
        .map_err(|error| format!("{} cannot be read: {error}", program.display()))?;
    binary::check(&content, arch).map_err(|problem| format!("{}: {problem}", program.display()))
}
