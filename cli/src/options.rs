//! Options that several commands take.

use clap::{Args, ValueEnum};
use prism_functions::domain::ec2::{Architecture, InstanceState};
use prism_functions::operations::InstanceView;

use crate::candidates;

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
