//! `prism local reset`.

use std::path::Path;

use clap::Args;

use crate::errors::Outcome;
use crate::output::Output;
use crate::{exit, prompt};

/// Remove the embedded cloud with all of its instances and templates
#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Reset {
    /// Runs the command.
    pub(crate) fn run(self, out: &Output, home: &Path) -> Outcome {
        let question = format!(
            "Every instance and template in {} will be gone. Continue?",
            home.display()
        );
        if !self.yes && !prompt::confirm(out, &question)? {
            out.note("Nothing was changed.");
            return Ok(exit::FAILED);
        }
        Ok(exit::DONE)
    }
}
