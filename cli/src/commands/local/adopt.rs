//! `prism local adopt`.

use std::path::Path;

use clap::Args;
use prism_functions::domain::{Code, Problem};
use prism_local::{Embedded, FILES};
use serde_json::json;

use crate::errors::Outcome;
use crate::output::Output;
use crate::{exit, prompt};

/// Go on with an embedded cloud of which a database is missing, or is another home's
#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// Do not ask
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
                .hint("Name its folder with --home PATH; \"prism local info\" shows it.")
                .into());
        }
        let question = format!("{} Go on?", what(home, &missing));
        if !self.yes && !prompt::confirm(out, &question)? {
            out.note("Nothing was changed.");
            return Ok(exit::FAILED);
        }
        let made = Embedded::adopt(home, program)?;
        out.show(&json!({ "home": home, "made": made }), || {
            format!("The embedded cloud in {} opens again.\n", home.display())
        })?;
        out.note("Next: prism doctor");
        Ok(exit::DONE)
    }
}

/// Describes what the command is about to do.
fn what(home: &Path, missing: &[&str]) -> String {
    if missing.is_empty() {
        return format!(
            "The databases in {} will be made those of one home, the registry's.",
            home.display()
        );
    }
    format!(
        "{} in {} will be made, empty: what it knew, such as templates or instances, stays lost.",
        missing.join(", "),
        home.display()
    )
}
