//! What a build of a program that leaves this machine needs, checked before it begins: each with a remedy.

use std::path::Path;
use std::process::Command;

use super::{Arch, By};
use crate::Outcome;
use crate::shell::{output, root};

/// The memory that the compilation of EC2's SDK takes, measured with two jobs, in KiB.
const MEMORY_KIB: u64 = 8 * 1024 * 1024;

/// Fails, and names everything that is missing with its remedy. Too little memory is only told, because another process
/// may be about to release it.
pub(crate) fn check(arch: Arch, by: By) -> Outcome {
    let cross = by == By::Cross || Arch::host() != Ok(arch);
    let mut checks = vec![compiler(), standard_library(arch)];
    if cross {
        checks.push(python());
    }
    let missing: Vec<String> = checks.into_iter().filter_map(Result::err).collect();
    if let Some(available) =
        available_kib(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default())
        && available < MEMORY_KIB
    {
        println!(
            "The compilation of EC2's SDK takes up to 8 GiB of memory, and {} GiB are available. If it is killed, set CARGO_BUILD_JOBS=1.",
            available / 1024 / 1024
        );
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(missing.join("\n       "))
}

/// A C compiler and its linker: for build scripts and for the parts of ring that are written in C.
fn compiler() -> Outcome {
    output(Command::new("cc").arg("--version")).map(drop).map_err(|_| {
        "there is no C compiler (cc): install one, on Debian and Ubuntu with apt-get install gcc libc6-dev, on Amazon Linux and RHEL with dnf install gcc".to_owned()
    })
}

/// Rust's standard library for the target.
fn standard_library(arch: Arch) -> Outcome {
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

/// Python, which installs cargo-lambda and zig.
fn python() -> Outcome {
    output(Command::new("python3").args(["-c", "import venv, ensurepip"])).map(drop).map_err(|_| {
        "there is no Python 3 with its venv module, which installs cargo-lambda and zig: on Debian and Ubuntu, apt-get install python3-venv".to_owned()
    })
}

/// Returns the available memory from the content of /proc/meminfo.
fn available_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_available_memory_is_read() {
        let meminfo = "MemTotal:       24635296 kB\nMemAvailable:   20480000 kB\n";
        assert_eq!(available_kib(meminfo), Some(20_480_000));
        assert_eq!(available_kib(""), None);
    }
}
