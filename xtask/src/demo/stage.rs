//! Prints and runs the demo's commands, and shows their output.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::line::Line;
use crate::Outcome;

const USER: &str = "researcher";

pub(super) struct Stage {
    program: PathBuf,
    folder: PathBuf,
}

impl Stage {
    pub(super) fn new(program: &Path, folder: &Path) -> Self {
        Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
        }
    }

    #[expect(clippy::unused_self, reason = "it is one of the stage's operations")]
    pub(super) fn say(&self, text: &str) {
        println!("\n# {text}");
    }

    pub(super) async fn run(&self, text: &str) -> Outcome {
        let mut command = self.command(text)?;
        let mut child = command.spawn().map_err(|error| cannot(text, &error))?;
        let status = child.wait().await.map_err(|error| cannot(text, &error))?;
        ended(text, status)
    }

    pub(super) async fn output(&self, text: &str) -> Outcome<String> {
        let mut command = self.command(text)?;
        let child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| cannot(text, &error))?;
        let output = child.wait_with_output().await;
        let output = output.map_err(|error| cannot(text, &error))?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        print!("{stdout}");
        ended(text, output.status)?;
        Ok(stdout)
    }

    fn command(&self, text: &str) -> Outcome<Command> {
        println!("$ {text}");
        let line = Line::parse(text);
        let mut command = Command::new(&self.program);
        command
            .args(line.words.iter().skip(1))
            .current_dir(&self.folder)
            .env("PRISM_HOME", self.folder.join("cloud"))
            .env("USER", USER)
            .env_remove("PRISM_REGION")
            .env_remove("AWS_REGION")
            .kill_on_drop(true)
            .stdin(Stdio::null());
        if let Some(name) = line.stdin {
            let file = File::open(self.folder.join(&name)).map_err(|error| cannot(text, &error))?;
            command.stdin(file);
        }
        // Ctrl-C must only reach the demo; `prism save` would continue in the background.
        #[cfg(unix)]
        command.process_group(0);
        Ok(command)
    }
}

fn ended(text: &str, status: std::process::ExitStatus) -> Outcome {
    if status.success() {
        return Ok(());
    }
    Err(format!("the command \"{text}\" failed: {status}"))
}

fn cannot(text: &str, error: &std::io::Error) -> String {
    format!("the command \"{text}\" cannot be run: {error}")
}

#[cfg(unix)]
pub(super) async fn interrupted() -> String {
    use tokio::signal::unix::{SignalKind, signal};

    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else {
        return "signals cannot be listened to".to_owned();
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    "interrupted; the demo's cloud is removed".to_owned()
}

#[cfg(not(unix))]
pub(super) async fn interrupted() -> String {
    match tokio::signal::ctrl_c().await {
        Ok(()) => "interrupted; the demo's cloud is removed".to_owned(),
        Err(error) => format!("Ctrl-C cannot be listened to: {error}"),
    }
}
