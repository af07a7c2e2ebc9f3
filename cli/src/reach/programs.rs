//! Other programs: where they are, and how they are run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use prism_functions::domain::{Code, Problem};

/// The programs on the search path.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    folders: Vec<PathBuf>,
}

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) program: &'static str,
    pub(crate) args: Vec<String>,
    /// Variables of its environment. A secret is only ever in one of these, because other users can see arguments.
    pub(crate) env: Vec<(&'static str, String)>,
}

impl Programs {
    pub(crate) fn on(path: Option<OsString>) -> Self {
        let path = path.unwrap_or_default();
        Self {
            folders: std::env::split_paths(&path).collect(),
        }
    }

    /// The first executable file of this name on the search path.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let files = self.folders.iter().map(|folder| folder.join(name));
        files.into_iter().find(|file| is_executable(file))
    }

    fn command(&self, of: &Invocation) -> Result<Command, Problem> {
        let Some(program) = self.find(of.program) else {
            let message = format!("{} is not installed here.", of.program);
            return Err(Problem::new(Code::CannotConnect, message)
                .hint("Install it, or add its folder to PATH."));
        };
        let mut command = Command::new(program);
        command.args(&of.args).envs(of.env.iter().cloned());
        Ok(command)
    }

    /// Replaces this process by the program, which then has the terminal and its signals to itself. Only returns if that
    /// fails.
    #[cfg(unix)]
    pub(crate) fn become_it(&self, it: &Invocation) -> Problem {
        use std::os::unix::process::CommandExt as _;
        match self.command(it) {
            Ok(mut command) => failed(it, command.exec()),
            Err(problem) => problem,
        }
    }

    /// Runs the program and ends with its exit code.
    #[cfg(not(unix))]
    pub(crate) fn become_it(&self, it: &Invocation) -> Problem {
        let status = match self.command(it) {
            Ok(mut command) => command.status(),
            Err(problem) => return problem,
        };
        match status {
            Ok(status) => std::process::exit(status.code().unwrap_or(1)),
            Err(error) => failed(it, error),
        }
    }

    /// Runs the program, which shares this terminal, and returns its output.
    pub(crate) fn output(&self, of: &Invocation) -> Result<Output, Problem> {
        let mut command = self.command(of)?;
        let command = command.stdin(Stdio::null()).stderr(Stdio::inherit());
        command.output().map_err(|error| failed(of, error))
    }

    /// Starts the program without input and output of its own.
    pub(crate) fn start(&self, it: &Invocation) -> Result<tokio::process::Child, Problem> {
        let mut command = tokio::process::Command::from(self.command(it)?);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.kill_on_drop(true).spawn();
        child.map_err(|error| failed(it, error))
    }
}

fn failed(it: &Invocation, error: std::io::Error) -> Problem {
    let message = format!("{} could not be run.", it.program);
    Problem::new(Code::LocalIo, message).because(error)
}

#[cfg(unix)]
fn is_executable(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let found = std::fs::metadata(file);
    found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &std::path::Path) -> bool {
    file.is_file()
}
