//! The command-line arguments.

use clap::{Args, Parser, Subcommand, ValueEnum};
use prism_functions::domain::ec2::{Architecture, InstanceState};
use prism_functions::operations::InstanceView;

use crate::candidates;
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

/// The Region of an instance.
#[derive(Debug, Args)]
pub(crate) struct InRegion {
    /// The Region [default: $PRISM_REGION, the profile's Region, $AWS_REGION or us-east-1]
    #[arg(long, value_name = "REGION")]
    #[arg(add = candidates::regions())]
    pub(crate) region: Option<String>,
}

/// The states of instances that exist.
const STATES: [&str; 6] = [
    "pending",
    "running",
    "stopping",
    "stopped",
    "shutting-down",
    "terminated",
];

/// Which instances to list.
#[derive(Debug, Args)]
pub(crate) struct Only {
    /// Only instances in this state, such as running or stopped; can be repeated, or a list separated by commas
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = STATES)]
    state: Vec<String>,
    /// Only instances that were launched from this template, or from this version of it as NAME@3
    #[arg(long, value_name = "TEMPLATE", add = candidates::versions())]
    template: Option<String>,
    /// Only instances whose names contain this text
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
}

impl Only {
    pub(crate) fn is_set(&self) -> bool {
        !self.state.is_empty() || self.template.is_some() || self.name.is_some()
    }

    pub(crate) fn admits(&self, instance: &InstanceView) -> bool {
        let template = instance.template.as_deref();
        self.admits_any(instance.state, template, &instance.name)
    }

    pub(crate) fn admits_any(
        &self,
        state: InstanceState,
        template: Option<&str>,
        name: &str,
    ) -> bool {
        let state = state.as_str();
        let from = template.unwrap_or_default();
        let base = from.split('@').next().unwrap_or_default();
        (self.state.is_empty() || self.state.iter().any(|it| it == state))
            && self
                .template
                .as_deref()
                .is_none_or(|it| it == from || it == base)
            && self.name.as_deref().is_none_or(|it| name.contains(it))
    }
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
