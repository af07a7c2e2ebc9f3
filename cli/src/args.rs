//! The command-line arguments.

use clap::{Parser, Subcommand};

use crate::commands;
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  prism launch python-ml my-research            launch a built-in environment
  prism exec my-research -- pip install obspy   customise it
  prism save my-research my-custom-ml-env       save it, with about a minute of downtime
  prism template list                           list what you can launch
  prism launch my-custom-ml-env new-project     launch the saved environment again

Without a profile, commands work on an embedded cloud: instances and AMIs are simulated on this \
machine, in the folder that --home names, and nothing is billed. Prices are those of AWS. Use \
\"prism configure\" to create a profile for a deployment on AWS.

Exit codes: 0 success, 1 request refused or failed, 2 invalid arguments, 130 interrupted.

\"prism help COMMAND\" shows the help of a command, and \"prism help topics\" lists what else is explained.";

/// Save a running, customised instance as a template that can be launched again
#[derive(Debug, Parser)]
#[command(name = "prism", version, after_long_help = EXAMPLES, max_term_width = 100)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Launch(commands::launch::Launch),
    List(commands::list::List),
    Show(commands::show::Show),
    Stop(commands::stop::Stop),
    Start(commands::start::Start),
    Resize(commands::resize::Resize),
    Rename(commands::rename::Rename),
    Terminate(commands::terminate::Terminate),
    Extend(commands::extend::Extend),
    Connect(commands::connect::Connect),
    Open(commands::open::Open),
    Cp(commands::cp::Cp),
    Exec(commands::exec::Exec),
    Costs(commands::costs::Costs),
    #[command(subcommand, alias = "keys")]
    Key(commands::key::Keys),
    #[command(subcommand)]
    Notify(commands::notify::Notify),
    #[command(subcommand)]
    Region(commands::region::Regions),
    #[command(hide = true)]
    Regions(commands::region::List),
    Save(commands::save::Save),
    #[command(subcommand)]
    Saves(commands::saves::Saves),
    #[command(subcommand, alias = "schedules")]
    Schedule(commands::schedule::Schedules),
    #[command(hide = true)]
    Templates(commands::template::List),
    #[command(subcommand)]
    Template(commands::template::Template),
    #[command(subcommand, alias = "projects")]
    Project(commands::project::Projects),
    #[command(subcommand)]
    Audit(commands::audit::Audit),
    #[command(subcommand)]
    Local(commands::local::Local),
    Configure(commands::configure::Configure),
    Doctor(commands::doctor::Doctor),
    Completions(commands::completions::Completions),
    Help(commands::help::Help),
    #[command(hide = true)]
    Man(commands::man::Man),
}
