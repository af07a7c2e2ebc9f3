//! Runs programs and accesses files, with errors that name them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;

use crate::Outcome;

pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

pub(crate) fn target() -> PathBuf {
    let folder = variable("CARGO_TARGET_DIR");
    root().join(folder.unwrap_or_else(|| "target".into()))
}

#[expect(clippy::disallowed_methods, reason = "chores read the environment")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The same cargo that runs this program, at the root. The variables that `cargo run` sets about the package it runs
/// are removed: some build scripts watch them, and would rebuild everything.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Builds a program and returns its path. Cargo shows its own progress.
pub(crate) fn build(args: &[&str]) -> Outcome<PathBuf> {
    build_by(cargo().arg("build").args(args))
}

/// Does the same with a given command: `cargo build` with its arguments.
pub(crate) fn build_by(command: &mut Command) -> Outcome<PathBuf> {
    command
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    let text = output(command)?;
    let program = text.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    program.ok_or_else(|| format!("{} built no program", line_of(command)))
}

pub(crate) fn cache() -> Outcome<PathBuf> {
    let usual = || Some(PathBuf::from(variable("HOME")?).join(".cache"));
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(usual);
    cache
        .map(|cache| cache.join("prism-ci"))
        .ok_or_else(|| "neither XDG_CACHE_HOME nor HOME says where tools can be kept".to_owned())
}

pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| cannot(command, &error))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{} failed: {status}", line_of(command)))
}

pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{} failed: {}\n{said}",
            line_of(command),
            output.status
        ));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("{} printed something that is not text", line_of(command)))
}

fn cannot(command: &Command, error: &std::io::Error) -> String {
    format!("{} cannot be run: {error}", line_of(command))
}

fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

pub(crate) fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

pub(crate) fn write(path: &Path, text: &str) -> Outcome {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
