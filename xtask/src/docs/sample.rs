//! The sample in the README: what the commands in it print on a new embedded cloud.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::demo::Line;
use crate::shell::{build, output};

/// How many times faster than real time the cloud runs.
const SPEED: &str = "50";

/// The text with the output of its commands. If a run prints the same except for IDs, addresses and durations, which differ
/// each time, the text is returned as it is.
pub(super) fn played(text: &str) -> Outcome<String> {
    let commands: Vec<&str> = text
        .lines()
        .filter_map(|it| it.strip_prefix("$ "))
        .collect();
    let program = build(&["--workspace", "--bin", "prism"])?;
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    run(
        &program,
        folder.path(),
        "prism local speed",
        &["local", "speed", SPEED],
    )?;
    let mut played = "```console\n".to_owned();
    for line in commands {
        let words = Line::parse(line).words;
        let args: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let printed = run(&program, folder.path(), line, &args)?;
        let _ = write!(played, "$ {line}\n{printed}");
    }
    played.push_str("```\n");
    Ok(if masked(&played) == masked(text) {
        text.to_owned()
    } else {
        played
    })
}

fn run(program: &Path, home: &Path, line: &str, args: &[&str]) -> Outcome<String> {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env("PRISM_HOME", home)
        .env("USER", "alice")
        .stderr(std::process::Stdio::null());
    output(&mut command).map_err(|error| format!("{line}: {error}"))
}

/// A text without what differs between two runs: digits with the letters of hexadecimal numbers next to them, the words of
/// durations, and the width of columns.
fn masked(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let parts = word.split(|c: char| !c.is_ascii_alphanumeric());
        let parts = parts.map(|part| {
            if part.contains(|c: char| c.is_ascii_digit()) {
                "#"
            } else {
                part
            }
        });
        parts.collect::<Vec<_>>().join("-")
    });
    let kept = words.filter(|word| !matches!(word.as_str(), "#" | "min" | "s" | "h"));
    kept.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_between_runs_is_masked() {
        let one = "box (i-096cc5449710986cd) is running in us-east-1a.\n  downtime    44 s\n";
        let other = "box (i-02fed843e0410e18a) is running in us-east-1b.\n  downtime  1 min 05 s\n";
        assert_eq!(masked(one), masked(other));
        assert_ne!(masked(one), masked(&one.replace("running", "stopped")));
    }
}
