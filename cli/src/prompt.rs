//! Questions to the person at the terminal.

use std::io::{BufRead, Write};

use prism_functions::domain::{Code, Problem};
use tokio::sync::mpsc;

use crate::output::Output;

/// Asks for confirmation. Any reply other than yes, and the end of the input, means no.
pub(crate) fn confirm(out: &Output, question: &str) -> Result<bool, Problem> {
    if !out.answers {
        return Err(Problem::new(
            Code::ConfirmationNeeded,
            "This needs a confirmation, and nobody is at the terminal to give it.",
        ));
    }
    ask(&format!("{question} [y/N] "));
    Ok(matches!(
        line().unwrap_or_default().to_lowercase().as_str(),
        "y" | "yes"
    ))
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
                "[b] leave it running in the background, [c] cancel the save and put everything back, [w] keep waiting: ",
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
