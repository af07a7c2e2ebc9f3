//! Builds with cargo-lambda, which uses zig as the C compiler and the linker: for another architecture than the host's,
//! or for an older glibc than the host has.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Arch, Shipped, flagged};
use crate::Outcome;
use crate::shell::{root, run, target};
use crate::venv;

const TOOLS: [&str; 2] = ["cargo-lambda==1.9.2", "ziglang==0.17.1"];

pub(super) fn build(shipped: &Shipped, arch: Arch, flags: &[String]) -> Outcome<PathBuf> {
    let tools = venv::with("python3", "cargo-lambda", &TOOLS)?;
    let built = root().join("target/package").join(arch.name());
    let mut command = Command::new(tools.join("cargo-lambda"));
    command
        .current_dir(root())
        .args(["lambda", "build"])
        .args(shipped.build)
        .args(["--bin", shipped.bin])
        // The check would have rustup install the target, which may be missing and is not for this tool to change.
        .arg("--skip-target-check")
        .arg("--lambda-dir")
        .arg(&built)
        // cargo-lambda does not accept the folder as an argument.
        .env("CARGO_TARGET_DIR", target().join(shipped.folder))
        .env("PATH", path_with(&tools)?);
    if arch == Arch::Arm64 {
        command.arg("--arm64");
    } else {
        command.arg("--x86-64");
    }
    run(flagged(&mut command, flags))?;
    Ok(built.join(shipped.bin).join("bootstrap"))
}

/// The search path with the tools first, so that zig is found.
fn path_with(tools: &Path) -> Outcome<std::ffi::OsString> {
    let path = crate::shell::variable("PATH").unwrap_or_default();
    let folders = std::iter::once(tools.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).map_err(|error| format!("PATH cannot be extended: {error}"))
}
