//! `prism completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::errors::Outcome;
use crate::exit;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  prism completions bash > ~/.local/share/bash-completion/completions/prism
  prism completions zsh > ~/.zfunc/_prism
  prism completions fish > ~/.config/fish/completions/prism.fish";

/// Print a completion script for your shell
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Completions {
    /// Your shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "prism", &mut script);
        Output::data(&script)?;
        Ok(exit::DONE)
    }
}
