//! `package`: builds the artefact of a deployment, `target/package/bootstrap-ARCH.zip`, and a copy of the last one as
//! `bootstrap.zip`, which infra/template.yaml names. The same source and toolchain produce the same bytes in any
//! folder.

mod artefact;

use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::Outcome;
use crate::shell::root;
use crate::shipped::{self, Arch, By, Shipped};

pub(crate) use self::artefact::MOST_BYTES;

/// The name of the last built artefact, as infra/template.yaml has it.
const DEPLOYED: &str = "bootstrap.zip";

const BOOTSTRAP: Shipped = Shipped {
    bin: "bootstrap",
    build: &[
        "--profile",
        "artefact",
        "--locked",
        "--package",
        "prism-functions",
        "--features",
        "prism-functions/aws",
    ],
    flags: &[FIXED],
    folder: "",
};

/// Links the program at a fixed address. Otherwise each start reads and writes a table of all its pointers, which takes
/// more memory than is allowed (docs/adr/0020-a-panic-fails-one-invocation.md).
const FIXED: &str = "-Crelocation-model=static";

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
        [] => Some(Arch::host()?),
        ["--arch", name] => Arch::named(name),
        _ => None,
    };
    let usage = "usage: cargo xtask package [--arch x86_64|arm64] [--cross]";
    package(arch.ok_or(usage)?, by).map(drop)
}

pub(crate) fn package(arch: Arch, by: By) -> Outcome<Package> {
    let program = shipped::program(&BOOTSTRAP, arch, by)?;
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
