//! The options of every command.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use crate::form::Form;

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The profile to use, see "prism configure" [default: $PRISM_PROFILE, or the default in the file]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The folder of the embedded cloud [default: $PRISM_HOME or ~/.local/share/prism]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) home: Option<PathBuf>,
    /// Act as this user, on an embedded cloud only [default: your user name on this machine]
    #[arg(long = "as", global = true, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Print results as JSON to stdout, and an error as one line of JSON to stderr; see "prism help json"
    #[arg(long, global = true, conflicts_with = "format")]
    pub(crate) json: bool,
    /// The form of results: table, json, yaml, ids, or fields separated by commas, such as name,state
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) format: Option<Form>,
    /// Do not print progress, notes and next steps
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Log to stderr; repeat for more detail (-vv, -vvv)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Global {
    /// The form in which results are printed.
    pub(crate) fn form(&self) -> Form {
        match &self.format {
            Some(form) => form.clone(),
            None if self.json => Form::Json,
            None => Form::Table,
        }
    }
}
