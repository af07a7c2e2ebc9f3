//! How far the setup of an instance is, as the instance itself says on its serial console (see [`super::catalogue`]).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalogue::CONSOLE_MARK;

/// The longest text that is taken from a console, in characters. The setup itself writes at most 502.
const LONGEST: usize = 512;

/// How far the setup of an instance is: cloud-init's at the first boot, and its notebook's at each later one. The
/// instance says so itself, so anyone with root access to it can change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Setup {
    /// How far it is.
    pub state: SetupState,
    /// The command that failed, and the end of what it printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// How far a setup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SetupState {
    /// Packages are being installed, or the notebook is starting.
    Preparing,
    /// Everything is installed, and the notebook has answered.
    Ready,
    /// A command failed each time that it was tried, and nothing after it is done.
    Failed,
}

impl SetupState {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Failed => "setup failed",
        }
    }
}

impl Setup {
    pub const PREPARING: Self = Self {
        state: SetupState::Preparing,
        failure: None,
    };

    /// Returns what the last line about the setup says; `None` if the console shows no such line.
    pub fn of_console(console: &str) -> Option<Self> {
        console.lines().rev().find_map(Self::of_line)
    }

    fn of_line(line: &str) -> Option<Self> {
        let said = line.trim().strip_prefix(CONSOLE_MARK)?;
        let (state, failure) = match said.split_once(": ") {
            _ if said == "preparing" => (SetupState::Preparing, None),
            _ if said == "ready" => (SetupState::Ready, None),
            Some(("failed", failure)) => (SetupState::Failed, Some(printable(failure))),
            _ => return None,
        };
        Some(Self { state, failure })
    }

    /// In words, such as `setup failed: apt-get update: no route to host`.
    pub fn text(&self) -> String {
        let state = self.state.text();
        match &self.failure {
            Some(failure) => format!("{state}: {failure}"),
            None => state.to_owned(),
        }
    }
}

/// The text without anything that a terminal would obey.
fn printable(text: &str) -> String {
    let printable = text.chars().filter(|c| matches!(c, ' '..='~'));
    printable.take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_about_the_setup_counts() {
        let console = "[    0.1] Linux\r\nprism-setup: preparing\r\nGet:1 noble\r\n\r\n\
                       prism-setup: failed: apt-get update: E: no route\u{1b}[31m\r\nlogin: ";
        let setup = Setup::of_console(console).unwrap();
        assert_eq!(
            setup.text(),
            "setup failed: apt-get update: E: no route[31m"
        );
        let again = format!("{console}\r\nprism-setup: ready\r\n");
        assert_eq!(Setup::of_console(&again).unwrap().text(), "ready");
        assert_eq!(
            Setup::of_console("prism-setup: preparing"),
            Some(Setup::PREPARING)
        );
    }

    #[test]
    fn other_lines_say_nothing() {
        for console in [
            "",
            "login:",
            "prism-setup: ",
            "prism-setup: readyish",
            "x prism-setup: ready",
        ] {
            assert_eq!(Setup::of_console(console), None, "{console}");
        }
        let long = format!("prism-setup: failed: {}", "x".repeat(1000));
        let failure = Setup::of_console(&long).unwrap().failure;
        assert_eq!(failure.map(|it| it.len()), Some(LONGEST));
    }
}
