//! Output: data to stdout, everything else to stderr.

use std::io::{ErrorKind, Write};

use prism_functions::domain::{Code, Problem};
use serde::Serialize;

use crate::environment::Environment;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::form::{Form, Results};
use crate::text::{fitted, plain};

/// The output settings of this run.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// The form of results.
    pub(crate) form: Form,
    /// Whether progress and notes are suppressed.
    pub(crate) quiet: bool,
    /// Whether progress is animated.
    pub(crate) live: bool,
    /// Whether questions can be asked.
    pub(crate) answers: bool,
    /// Whether tables are fitted to the terminal's width.
    pub(crate) terminal: bool,
    /// The columns of the terminal that shows results, and of the one that shows everything else.
    widths: [Option<usize>; 2],
    color: bool,
}

/// What becomes of a field that no result has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Refused,
    /// It is left empty with a warning: an error would say that nothing was changed.
    Empty,
}

impl Output {
    pub(crate) fn new(form: Form, quiet: bool, environment: &Environment) -> Self {
        Self {
            form,
            quiet,
            live: environment.stderr_terminal,
            answers: environment.stdin_terminal && environment.stderr_terminal,
            terminal: environment.stdout_terminal,
            widths: [environment.stdout_columns, environment.stderr_columns],
            color: environment.color && environment.stderr_terminal,
        }
    }

    /// Whether a program reads the results.
    pub(crate) fn for_programs(&self) -> bool {
        self.form.is_for_programs()
    }

    /// The columns that results may take; `None` without a terminal.
    pub(crate) fn width(&self) -> Option<usize> {
        self.widths[0]
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

    /// Prints a result: `text`, or `value` in a form for programs. The command may have changed something by now, so an
    /// unknown field does not fail it.
    pub(crate) fn show<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        self.print(value, text, Results::Whole, Unknown::Empty)
    }

    /// Prints a list of results in the same way: `text`, or the first list in `value` in a form for programs.
    pub(crate) fn show_each<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        self.print(value, text, Results::Listed, Unknown::Empty)
    }

    /// Prints a list that was only read: `text`, or the first list in `value` in a form for programs.
    pub(crate) fn show_list<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        self.print(value, text, Results::Listed, Unknown::Refused)
    }

    fn print<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
        results: Results,
        unknown: Unknown,
    ) -> Result<(), Failure> {
        if !self.for_programs() {
            return Self::data(fitted(&text(), self.widths[0]).as_bytes());
        }
        let value = serde_json::to_value(value).map_err(|error| {
            Problem::new(Code::Internal, "The result could not be written as JSON.").because(error)
        })?;
        let results = results.of(&value);
        match (self.form.check(&results), unknown) {
            (Ok(()), _) => {}
            (Err(problem), Unknown::Refused) => return Err(problem.into()),
            (Err(problem), Unknown::Empty) => {
                let (message, fields) = (&problem.message, problem.advice());
                self.warn(&plain(&format!("{message} It is left empty. {fields}")));
            }
        }
        Self::data(self.form.text(&value, &results)?.as_bytes())
    }

    /// Prints text for people, whatever the form of results is.
    pub(crate) fn print_text(&self, text: &str) -> Result<(), Failure> {
        Self::data(fitted(text, self.widths[0]).as_bytes())
    }

    /// Prints the result of a command, which has succeeded.
    pub(crate) fn done<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Outcome {
        self.show(value, text)?;
        Ok(exit::DONE)
    }

    /// Prints the result of a command that only reads. An unknown field is refused.
    pub(crate) fn read<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Outcome {
        self.print(value, text, Results::Whole, Unknown::Refused)?;
        Ok(exit::DONE)
    }

    /// The line that names the next command; empty if notes are suppressed.
    pub(crate) fn next(&self, command: &str) -> String {
        if self.quiet {
            return String::new();
        }
        format!("Next: {command}\n")
    }

    /// Prints a note to stderr, unless notes are suppressed.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.complain_fitted(text);
        }
    }

    /// Prints a warning to stderr.
    pub(crate) fn warn(&self, text: &str) {
        self.complain_fitted(&format!("{} {text}", self.bold("warning:")));
    }

    /// Writes text to stderr, in lines that fit the terminal.
    pub(crate) fn complain_fitted(&self, text: &str) {
        Self::complain(fitted(text, self.widths[1]).trim_end_matches('\n'));
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
