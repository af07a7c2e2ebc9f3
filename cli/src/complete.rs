//! Completion of commands, options and names. The shell runs the program for it, with a variable set.

use clap::CommandFactory;
use clap_complete::env::CompleteEnv;

use crate::args::Cli;
use crate::candidates::VARIABLE;
use crate::exit;

/// Completes the command line if the shell asks for it, and returns the exit code.
pub(crate) fn run() -> Option<u8> {
    let folder = std::env::current_dir().ok();
    let complete = CompleteEnv::with_factory(Cli::command).var(VARIABLE);
    match complete.try_complete(std::env::args_os(), folder.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(exit::DONE),
        Err(error) => {
            // If stderr is closed, there is nowhere to report it.
            let _ = error.print();
            Some(exit::BAD_ARGUMENTS)
        }
    }
}
