//! The command-line arguments.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use prism_functions::domain::ec2::Architecture;

use crate::commands;

const EXAMPLES: &str = "\
Examples:
  prism launch python-ml my-research            launch a built-in environment
  prism exec my-research -- pip install obspy   customise it
  prism save my-research my-custom-ml-env       save it, with about a minute of downtime
  prism templates                               list what you can launch
  prism launch my-custom-ml-env new-project     launch the saved environment again

Without a profile, commands work on an embedded cloud: instances and AMIs are simulated on this \
machine, in the folder that --home names, and nothing is billed. Prices are those of AWS. Use \
\"prism configure\" to create a profile for a deployment on AWS.

Exit codes: 0 success, 1 request refused or failed, 2 invalid arguments, 130 interrupted.";

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
    /// Print results as JSON to stdout, and an error as one line of JSON to stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Do not print progress and notes
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Log to stderr; repeat for more detail (-vv, -vvv)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Launch(commands::launch::Launch),
    List(commands::list::List),
    Stop(commands::stop::Stop),
    Start(commands::start::Start),
    Terminate(commands::terminate::Terminate),
    Connect(commands::connect::Connect),
    Open(commands::open::Open),
    Cp(commands::cp::Cp),
    Exec(commands::exec::Exec),
    #[command(subcommand)]
    Keys(commands::keys::Keys),
    Regions(commands::regions::Regions),
    Save(commands::save::Save),
    #[command(subcommand)]
    Saves(commands::saves::Saves),
    #[command(subcommand)]
    Schedule(commands::schedule::Schedules),
    Templates(commands::templates::Templates),
    #[command(subcommand)]
    Template(commands::template::Template),
    #[command(subcommand)]
    Project(commands::project::Projects),
    #[command(subcommand)]
    Audit(commands::audit::Audit),
    #[command(subcommand)]
    Local(commands::local::Local),
    Configure(commands::configure::Configure),
    Doctor(commands::doctor::Doctor),
    Completions(commands::completions::Completions),
    #[command(hide = true)]
    Man(commands::man::Man),
}

/// The Region of an instance.
#[derive(Debug, Args)]
pub(crate) struct InRegion {
    /// The Region [default: $PRISM_REGION, the profile's Region, $AWS_REGION or us-east-1]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

/// A processor architecture, as typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Arch {
    /// Intel and AMD
    #[value(name = "x86_64")]
    X86_64,
    /// Graviton
    #[value(name = "arm64")]
    Arm64,
}

impl From<Arch> for Architecture {
    fn from(typed: Arch) -> Self {
        match typed {
            Arch::X86_64 => Architecture::X86_64,
            Arch::Arm64 => Architecture::Arm64,
        }
    }
}
