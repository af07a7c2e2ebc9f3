//! The time range of audit events, as typed.

use clap::Args;
use prism_functions::domain::ids::shown;
use prism_functions::domain::{Code, Problem, Timestamp};

/// A range of times.
#[derive(Debug, Args)]
pub(super) struct Range {
    /// Only changes at this time or later, such as 2026-01-05T09:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only changes before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl Range {
    pub(super) fn from(&self) -> Result<Option<Timestamp>, Problem> {
        self.from.as_deref().map(read).transpose()
    }

    pub(super) fn until(&self) -> Result<Option<Timestamp>, Problem> {
        self.until.as_deref().map(read).transpose()
    }
}

fn read(text: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|_| {
        let message = format!("The time {} is not valid.", shown(text));
        Problem::new(Code::InvalidInput, message)
            .hint("Write it with its offset from UTC: 2026-01-05T09:00:00Z")
    })
}
