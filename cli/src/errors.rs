//! Prints the errors that end commands. No other module does.

use std::fmt::Write;

use prism_functions::domain::sensitive::ShownFile;
use prism_functions::domain::{Class, Code};
use serde_json::json;

use crate::exit;
use crate::explain::explain;
use crate::output::Output;
use crate::text::{causes, plain};

pub(crate) use crate::failure::{Failure, Outcome};

/// Prints a failure and returns its exit code.
pub(crate) fn tell(out: &Output, failure: Failure) -> u8 {
    match failure {
        Failure::NobodyReads => exit::DONE,
        Failure::Problem(problem) => {
            let problem = explain(problem);
            let causes = causes(&problem);
            Told {
                code: problem.code.as_str(),
                message: &problem.message,
                causes: &causes,
                files: &problem.files,
                hint: problem.advice(),
                ..Told::default()
            }
            .print(out);
            exit_code(problem.code)
        }
    }
}

fn exit_code(code: Code) -> u8 {
    if code == Code::Interrupted {
        return exit::INTERRUPTED;
    }
    match code.class() {
        Class::BadInput => exit::BAD_ARGUMENTS,
        Class::Refused | Class::Failed | Class::Transient => exit::FAILED,
    }
}

/// An error as it is printed.
#[derive(Default)]
pub(crate) struct Told<'a> {
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    /// Its causes, the most direct first.
    pub(crate) causes: &'a [String],
    /// The state after the error, in sentences.
    pub(crate) after: &'a [String],
    /// The files concerned. The message may not name all of them.
    pub(crate) files: &'a [ShownFile],
    pub(crate) hint: &'a str,
}

impl Told<'_> {
    /// Prints the error to stderr, as text or as one line of JSON.
    pub(crate) fn print(&self, out: &Output) {
        if out.form.has_json_errors() {
            let mut message = self.message.to_owned();
            for cause in self.causes {
                let _ = write!(message, ": {cause}");
            }
            let mut object = json!({ "code": self.code, "message": message, "hint": self.hint });
            if !self.files.is_empty() {
                object["files"] = json!(self.files);
            }
            Output::complain(&object.to_string());
            return;
        }
        let label = out.bold_red(&format!("error[{}]:", self.code));
        let mut text = format!("{label} {}", plain(self.message));
        for cause in self.causes {
            let _ = write!(text, "\n  because: {}", plain(cause));
        }
        // The message only names as many files as it has room for.
        let named = |file: &&ShownFile| !self.message.contains(&file.path);
        for file in self.files.iter().filter(named) {
            let _ = write!(text, "\n  {} ({})", plain(&file.path), file.what);
        }
        for sentence in self.after {
            let _ = write!(text, "\n  {}", plain(sentence));
        }
        if !self.hint.is_empty() {
            let _ = write!(text, "\n{} {}", out.bold("hint:"), plain(self.hint));
        }
        out.complain_fitted(&text);
    }
}
