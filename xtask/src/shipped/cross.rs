//! Builds with cargo-lambda, which uses zig as the C compiler and the linker: for another architecture than the host's,
//! or for an older glibc than the host has.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Arch, Shipped, flagged};
use crate::Outcome;
use crate::shell::{output, root, run};
use crate::venv;

const TOOLS: [&str; 2] = ["cargo-lambda==1.9.2", "ziglang==0.17.1"];

pub(super) fn build(shipped: &Shipped, arch: Arch, flags: &[String]) -> Outcome<PathBuf> {
    ready(arch)?;
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
        .env("PATH", path_with(&tools)?);
    if arch == Arch::Arm64 {
        command.arg("--arm64");
    } else {
        command.arg("--x86-64");
    }
    run(flagged(&mut command, flags))?;
    Ok(built.join(shipped.bin).join("bootstrap"))
}

/// Fails, with a remedy, if Rust's standard library for the target is missing.
pub(crate) fn ready(arch: Arch) -> Outcome {
    let target = arch.target();
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", target]);
    let folder = output(rustc.current_dir(root()))?;
    if Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    Err(format!(
        "Rust's standard library for {target} is not installed: rustup target add {target}"
    ))
}

/// The search path with the tools first, so that zig is found.
fn path_with(tools: &Path) -> Outcome<std::ffi::OsString> {
    let path = crate::shell::variable("PATH").unwrap_or_default();
    let folders = std::iter::once(tools.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).map_err(|error| format!("PATH cannot be extended: {error}"))
}
