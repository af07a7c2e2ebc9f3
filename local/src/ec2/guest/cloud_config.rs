//! The work of cloud-init at the first boot: the keys `bootcmd`, `write_files`, `ssh_authorized_keys`, `packages` and
//! `runcmd` of a `#cloud-config`.

use prism_functions::domain::InstanceId;
use prism_functions::domain::catalogue::{SETUP, SETUP_FILE};
use prism_functions::domain::first_boot::{FORGET_KEYS, MARK};
use serde::Deserialize;

use super::disk::System;
use super::{GuestOutput, Session};

/// The supported part of a cloud-config. Like in cloud-init, other keys are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CloudConfig {
    bootcmd: Vec<Line>,
    ssh_authorized_keys: Vec<String>,
    write_files: Vec<File>,
    packages: Vec<Line>,
    runcmd: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct File {
    path: String,
    content: String,
}

/// A line, as one text or as a list of words.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Text(String),
    Words(Vec<String>),
}

/// The maximum number of lines. No template has more.
const MOST_LINES: usize = 200;
const LOG: &str = "/var/log/cloud-init-output.log";

pub(super) fn apply(session: &mut Session, id: &InstanceId, user_data: &str) -> String {
    if !user_data.trim_start().starts_with("#cloud-config") {
        return "cloud-init: the user data is no #cloud-config, and was let be".to_owned();
    }
    let config: CloudConfig = match serde_saphyr::from_str(user_data) {
        Ok(config) => config,
        Err(why) => {
            let why = why.to_string();
            let why = why.lines().next().unwrap_or_default();
            return format!("cloud-init: the #cloud-config could not be read: {why}");
        }
    };
    let mut log = String::new();
    let mut failed = 0_usize;
    if config.bootcmd.iter().any(forgets_keys) {
        forget_keys(session);
    }
    add_keys(session, &config.ssh_authorized_keys);
    for file in config.write_files.iter().take(MOST_LINES) {
        // As on a real instance, what needs a file that did not fit on the disk fails later.
        let _ = session.write(&file.path, file.content.as_bytes());
    }
    let mut setup = "preparing";
    let mut commands = packages(session, &config.packages);
    commands.extend(config.runcmd.iter().take(MOST_LINES).flat_map(commands_of));
    for command in &commands {
        let output = match command.as_slice() {
            [script, step @ ..] if script == SETUP => set_up(session, id, &mut setup, step),
            _ => session.run(command, &[]),
        };
        failed += usize::from(output.exit_code != 0);
        note(&mut log, command, &output);
    }
    if !log.is_empty() {
        // The log is for people; if the disk has no room for it, the installed packages stay.
        let _ = session.write(LOG, log.as_bytes());
    }
    format!("cloud-init: {} commands, {failed} failed", commands.len())
}

/// Whether a line of `bootcmd` removes the keys of earlier launches. No other is supported.
fn forgets_keys(line: &Line) -> bool {
    matches!(line, Line::Words(words) if words.last().is_some_and(|last| last == FORGET_KEYS))
}

fn forget_keys(session: &mut Session) {
    let is_keys = |path: &&String| path.ends_with("/.ssh/authorized_keys");
    let files: Vec<String> = session.disk.files.keys().filter(is_keys).cloned().collect();
    for path in files {
        let Some(text) = session.read(&path) else {
            continue;
        };
        let kept: String = text
            .split_inclusive('\n')
            .filter(|line| !line.trim_end().ends_with(MARK))
            .collect();
        if kept != text {
            let _ = session.write(&path, kept.as_bytes());
        }
    }
}

/// Adds keys that the default user of the disk's system does not have yet.
fn add_keys(session: &mut Session, keys: &[String]) {
    if keys.is_empty() {
        return;
    }
    let user = session.disk.system.user();
    let path = format!("/home/{user}/.ssh/authorized_keys");
    let mut text = session.read(&path).unwrap_or_default();
    for key in keys.iter().take(MOST_LINES) {
        if !text.lines().any(|line| line == key) {
            text.push_str(key);
            text.push('\n');
        }
    }
    let _ = session.write(&path, text.as_bytes());
}

/// A step of the setup of a built-in template. It installs packages and records the outcome; nothing is executed, so all
/// other steps succeed.
fn set_up(
    session: &mut Session,
    id: &InstanceId,
    state: &mut &'static str,
    step: &[String],
) -> GuestOutput {
    let (verb, command) = step.split_first().map_or(("", step), |(v, c)| (v, c));
    let installs = matches!(command, [_, verb, ..] if verb == "install") && command[0] != "install";
    let output = match verb {
        _ if *state == "failed" => return GuestOutput::failed(1, "an earlier step has failed"),
        "run" | "own" if installs => session.run(command, &[]),
        _ => GuestOutput::default(),
    };
    if output.exit_code != 0 {
        *state = "failed";
    } else if verb == "finish" {
        *state = "ready";
    }
    let (step, said) = match *state {
        "failed" => (command.join(" "), output.stderr.trim()),
        _ => Default::default(),
    };
    let outcome = serde_json::json!({
        "state": state, "step": step, "output": said, "instance_id": id,
    });
    // A disk without room for it is one whose setup has failed, and the file of an earlier step says less.
    let _ = session.write(SETUP_FILE, format!("{outcome}\n").as_bytes());
    output
}

/// `packages` are installed with the package manager of the disk's system.
fn packages(session: &Session, packages: &[Line]) -> Vec<Vec<String>> {
    let names = packages
        .iter()
        .take(MOST_LINES)
        .filter_map(|line| match line {
            Line::Text(name) => Some(name.clone()),
            // A list of two words is a package name and a version.
            Line::Words(words) => match words.as_slice() {
                [name, version] => Some(format!("{name}={version}")),
                _ => words.first().cloned(),
            },
        });
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return Vec::new();
    }
    let manager = match session.disk.system {
        System::Debian => "apt-get",
        System::Amazon => "dnf",
    };
    let mut command: Vec<String> = [manager, "install", "-y"].map(str::to_owned).to_vec();
    command.extend(names);
    vec![command]
}

/// The commands of a line: a list is one command, and a text may join several with `&&`.
fn commands_of(line: &Line) -> Vec<Vec<String>> {
    match line {
        Line::Words(words) => vec![words.clone()],
        Line::Text(text) => text
            .split("&&")
            .map(words_of)
            .filter(|words| !words.is_empty())
            .collect(),
    }
}

/// Splits a command into words. Quotes keep spaces together.
pub fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn note(log: &mut String, command: &[String], output: &GuestOutput) {
    log.push_str("+ ");
    log.push_str(&command.join(" "));
    log.push('\n');
    log.push_str(&output.stdout);
    log.push_str(&output.stderr);
}
