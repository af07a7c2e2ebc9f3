//! `prism completions`.

use clap::Args;
use clap_complete::Shell;
use clap_complete::env::Shells;
use prism_functions::domain::{Code, Problem};

use crate::candidates::VARIABLE;
use crate::errors::Outcome;
use crate::exit;
use crate::output::Output;

const EXAMPLES: &str = "\
The script has the shell ask prism what can follow: commands, options, and the names of your instances, \
templates, projects, schedules, saves and Regions.

Examples:
  prism completions bash > ~/.local/share/bash-completion/completions/prism
  prism completions zsh > ~/.zfunc/_prism
  prism completions fish > ~/.config/fish/completions/prism.fish";

/// By default, bash takes a name and what follows its "@" for separate words.
const WORDS_OF_BASH: &[u8] = b"COMP_WORDBREAKS=${COMP_WORDBREAKS//@}\n";

/// Print a completion script for your shell
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Completions {
    /// Your shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Outcome {
        let name = self.shell.to_string();
        let mut script = Vec::new();
        if self.shell == Shell::Bash {
            script.extend_from_slice(WORDS_OF_BASH);
        }
        let shells = Shells::builtins();
        let written = match shells.completer(&name) {
            // The program is found by its name, so that the script can be made on another machine.
            Some(shell) => {
                shell.write_registration(VARIABLE, "prism", "prism", "prism", &mut script)
            }
            None => Err(std::io::ErrorKind::Unsupported.into()),
        };
        written.map_err(|error| {
            let message = format!("There is no completion script for {name}.");
            Problem::new(Code::Internal, message).because(error)
        })?;
        Output::data(&script)?;
        Ok(exit::DONE)
    }
}
