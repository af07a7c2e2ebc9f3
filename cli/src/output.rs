//! Output: data to stdout, everything else to stderr.

use std::io::{ErrorKind, Write};

use prism_functions::domain::{Code, Problem};
use serde::Serialize;

use crate::environment::Environment;
use crate::exit;
use crate::failure::{Failure, Outcome};

/// The output settings of this run.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// Whether data is printed as JSON.
    pub(crate) json: bool,
    /// Whether progress and notes are suppressed.
    pub(crate) quiet: bool,
    /// Whether progress is animated.
    pub(crate) live: bool,
    /// Whether questions can be asked.
    pub(crate) answers: bool,
    /// Whether tables are fitted to the terminal's width.
    pub(crate) terminal: bool,
    color: bool,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool, environment: &Environment) -> Self {
        Self {
            json,
            quiet,
            live: environment.stderr_terminal,
            answers: environment.stdin_terminal && environment.stderr_terminal,
            terminal: environment.stdout_terminal,
            color: environment.color && environment.stderr_terminal,
        }
    }

    pub(crate) fn data(bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::NobodyReads),
            Err(error) => {
                let code = match error.kind() {
                    ErrorKind::StorageFull => Code::DiskFull,
                    _ => Code::LocalIo,
                };
                Err(Problem::new(code, "The output could not be written.")
                    .because(error)
                    .hint("Check where stdout is redirected.")
                    .into())
            }
        }
    }

    /// Prints a result: `text`, or `value` with `--json`.
    pub(crate) fn show<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if !self.json {
            return Self::data(text().as_bytes());
        }
        let mut json = serde_json::to_string_pretty(value).map_err(|error| {
            Problem::new(Code::Internal, "The result could not be written as JSON.").because(error)
        })?;
        json.push('\n');
        Self::data(json.as_bytes())
    }

    /// Prints the result of a command, which has succeeded.
    pub(crate) fn done<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Outcome {
        self.show(value, text)?;
        Ok(exit::DONE)
    }

    /// Prints a note to stderr, unless notes are suppressed.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            Self::complain(text);
        }
    }

    /// Prints a warning to stderr.
    pub(crate) fn warn(&self, text: &str) {
        Self::complain(&format!("{} {text}", self.bold("warning:")));
    }

    /// Writes a line to stderr. Errors are ignored: if stderr is closed, there is nowhere to report them.
    pub(crate) fn complain(text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Writes bytes to stderr unchanged.
    pub(crate) fn stderr(bytes: &[u8]) {
        let _ = std::io::stderr().lock().write_all(bytes);
    }

    /// Formats text in bold on a terminal.
    pub(crate) fn bold(&self, text: &str) -> String {
        self.styled("1", text)
    }

    /// Formats text in bold red on a terminal.
    pub(crate) fn bold_red(&self, text: &str) -> String {
        self.styled("1;31", text)
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{style}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
