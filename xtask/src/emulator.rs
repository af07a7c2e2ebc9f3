//! `emulator`: deploys `infra/template.yaml` with the real functions on an emulator of AWS, and uses the deployment.
//! The checks are in `tests/emulators/deployed`; docs/emulators.md describes what the emulator can and cannot do.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::Outcome;
use crate::debian;
use crate::dist;
use crate::shell::{build, read, root, run as run_command};
use crate::venv;
use crate::verify;

const CHECKS: &str = "tests/emulators/deployed";
/// The load test with many schedules in the same minute, which uses the deployment of the checks.
const BURST: &str = "xtask/emulator/burst.py";
/// What the stand-ins of instances consist of. The libraries that are missing here belong to every Debian.
const LOGINS: [&str; 4] = [
    "openssh-server:amd64",
    "openssh-sftp-server:amd64",
    "libnss-wrapper:amd64",
    "libwrap0:amd64",
];
const REQUIREMENTS: &str = "tests/emulators/deployed/requirements.txt";
/// The packages and features with which everything for AWS is built here, so that it is built only once.
const AWS: [&str; 9] = [
    "--locked",
    "--package",
    "prism-functions",
    "--package",
    "prism-tests",
    "--package",
    "prism",
    "--features",
    "prism-functions/aws,prism-tests/aws,prism/aws",
];

/// `--package ZIP` deploys an existing package instead of a quickly built one. Further arguments are passed to the
/// checks: `--only TEXT` runs those whose names contain the text. `--burst [SAVES]` runs the load test with many
/// schedules in the same minute instead of the checks.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let scratch = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let programs = environment()?;
    let wire = ["--package", "prism-local", "--features", "wire", "--locked"];
    let wire = build(&[&wire[..], &["--example", "wire"]].concat())?;
    let prism = build(&[&AWS[..], &["--bin", "prism"]].concat())?;
    let prism = stripped(&prism, scratch.path())?;
    let mut checks = Command::new(programs.join("python"));
    checks.arg(root().join(script(args))).args(args);
    if !args.contains(&"--package") {
        let bootstrap = build(&[&AWS[..], &["--bin", "bootstrap"]].concat())?;
        let package = scratch.path().join("bootstrap.zip");
        pack(&bootstrap, &package)?;
        checks.arg("--package").arg(package);
    }
    if script(args) == CHECKS {
        let archives = scratch.path().join("archives");
        dist::of(&prism, &archives)?;
        checks.arg("--archives").arg(archives);
        checks
            .arg("--debian")
            .arg(debian::unpacked("sshd", &LOGINS)?);
    }
    checks.arg("--sam").arg(verify::sam()?);
    checks.arg("--prism").arg(prism).arg("--wire").arg(wire);
    checks.arg("--scratch").arg(scratch.path().join("run"));
    run_command(checks.env_clear().envs(kept()).stdin(Stdio::null()))
}

fn script(args: &[&str]) -> &'static str {
    if args.contains(&"--burst") {
        BURST
    } else {
        CHECKS
    }
}

/// The environment variables for the checks: only the paths of programs and certificates.
fn kept() -> impl Iterator<Item = (OsString, OsString)> {
    let names = ["PATH", "HOME", "LANG", "TMPDIR", "CHROMIUM_BIN"];
    env::vars_os().filter(move |(name, _)| names.iter().any(|kept| name == OsStr::new(kept)))
}

fn environment() -> Outcome<PathBuf> {
    let requirements = read(&root().join(REQUIREMENTS))?;
    venv::with("python3", "deployed", &pinned(&requirements))
}

fn pinned(requirements: &str) -> Vec<&str> {
    let lines = requirements.lines().map(str::trim);
    lines.filter(|line| line.contains("==")).collect()
}

/// Copies a program into a folder without its symbols, which are most of its size.
fn stripped(program: &Path, folder: &Path) -> Outcome<PathBuf> {
    let copy = folder.join(program.file_name().unwrap_or_default());
    fs::create_dir_all(folder).map_err(|error| format!("{} : {error}", folder.display()))?;
    run_command(Command::new("strip").arg("-o").arg(&copy).arg(program))?;
    Ok(copy)
}

/// Packs a program for Lambda quickly.
fn pack(program: &Path, package: &Path) -> Outcome {
    let stripped = stripped(program, &package.with_extension("d"))?;
    let cannot = |error: &dyn std::fmt::Display| format!("{} : {error}", package.display());
    let bytes = fs::read(&stripped).map_err(|error| cannot(&error))?;
    let file = fs::File::create(package).map_err(|error| cannot(&error))?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(file);
    zip.start_file("bootstrap", options)
        .and_then(|()| Ok(std::io::Write::write_all(&mut zip, &bytes)?))
        .and_then(|()| zip.finish().map(drop))
        .map_err(|error| cannot(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_played_in_place_of_the_checks() {
        assert_eq!(script(&["--only", "burst"]), CHECKS);
        assert_eq!(script(&["--burst", "20", "--limit", "600"]), BURST);
        assert!(root().join(BURST).is_file() && root().join(CHECKS).is_dir());
    }

    #[test]
    fn what_is_pinned_is_installed() {
        let pinned = pinned("# pinned\nministack==1.5.33\n\nboto3==1.43.106\n");
        assert_eq!(pinned, ["ministack==1.5.33", "boto3==1.43.106"]);
    }
}
