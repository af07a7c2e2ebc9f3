//! `prism man`.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command};
use prism_functions::domain::{Code, Problem};

use crate::errors::Outcome;
use crate::exit;

/// Write the manual pages of all commands to a folder
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder, which is created if it does not exist
    folder: PathBuf,
}

impl Man {
    pub(crate) fn run(self, root: Command) -> Outcome {
        let made = fs::create_dir_all(&self.folder);
        let written = made.and_then(|()| clap_mangen::generate_to(root, &self.folder));
        written.map_err(|error| {
            let folder = self.folder.display();
            let message = format!("The manual pages cannot be written to {folder}.");
            Problem::new(Code::LocalIo, message)
                .because(error)
                .hint("Check the folder's permissions, or name another one.")
        })?;
        Ok(exit::DONE)
    }
}
