//! `prism local adopt`.

use std::path::Path;

use clap::Args;
use prism_functions::domain::{Code, Problem};
use prism_local::{Embedded, FILES};
use serde_json::json;

use crate::errors::Outcome;
use crate::output::Output;
use crate::{exit, prompt};

/// Repair an embedded cloud if one of its databases is missing or belongs to another folder
#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Adopt {
    /// Runs without an open cloud, because the cloud does not open.
    pub(crate) fn run(&self, out: &Output, home: &Path, program: &Path) -> Outcome {
        let missing: Vec<&str> = FILES
            .into_iter()
            .filter(|name| !home.join(name).exists())
            .collect();
        if missing.len() == FILES.len() {
            let message = format!("There is no embedded cloud in {}.", home.display());
            return Err(Problem::new(Code::InvalidInput, message)
                .hint("Name its folder with --home PATH; \"prism local show\" shows it.")
                .into());
        }
        let question = format!("{} Continue?", what(home, &missing));
        if !prompt::confirm(out, self.yes, &question)? {
            return Ok(exit::FAILED);
        }
        let made = Embedded::adopt(home, program)?;
        out.show(&json!({ "home": home, "made": made }), || {
            format!("The embedded cloud in {} is repaired.\n", home.display())
        })?;
        out.note("Next: prism doctor");
        Ok(exit::DONE)
    }
}

/// Describes what the command is about to do.
fn what(home: &Path, missing: &[&str]) -> String {
    if missing.is_empty() {
        return format!(
            "All databases in {} will be assigned to the registry's home.",
            home.display()
        );
    }
    format!(
        "{} in {} will be created empty: the lost data, such as templates or instances, is not recovered.",
        missing.join(", "),
        home.display()
    )
}
