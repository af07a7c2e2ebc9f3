//! Questions to the person at the terminal.

use std::io::{BufRead, Write};

use prism_functions::domain::{Code, Problem};
use tokio::sync::mpsc;

use crate::output::Output;

/// Asks for confirmation, unless `yes` gives it already. Any reply other than yes, and the end of the input, means no.
pub(crate) fn confirm(out: &Output, yes: bool, question: &str) -> Result<bool, Problem> {
    if yes {
        return Ok(true);
    }
    if !out.answers {
        let message = "This requires a confirmation, but there is no terminal to ask on.";
        return Err(Problem::new(Code::ConfirmationNeeded, message));
    }
    ask(&format!("{question} [y/N] "));
    let reply = line().unwrap_or_default().to_lowercase();
    let yes = matches!(reply.as_str(), "y" | "yes");
    if !yes {
        out.note("Nothing was changed.");
    }
    Ok(yes)
}

/// What to do with a save after an interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Let it continue without this process.
    Background,
    /// Cancel it and roll everything back.
    Cancel,
    /// Continue waiting.
    Wait,
}

/// Asks what to do on a separate thread, so that the save continues meanwhile.
pub(crate) fn choose(answers: mpsc::Sender<Choice>) {
    std::thread::spawn(move || {
        loop {
            ask(
                "[b] continue in the background, [c] cancel the save and roll it back, [w] keep waiting: ",
            );
            let Some(answer) = line() else {
                let _ = answers.blocking_send(Choice::Background);
                return;
            };
            let choice = match answer.to_lowercase().as_str() {
                "b" => Choice::Background,
                "c" => Choice::Cancel,
                "w" => Choice::Wait,
                _ => continue,
            };
            let _ = answers.blocking_send(choice);
            return;
        }
    });
}

fn ask(question: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(question.as_bytes());
    let _ = stderr.flush();
}

/// Reads a line; `None` at the end of the input.
fn line() -> Option<String> {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim().to_owned()),
    }
}
