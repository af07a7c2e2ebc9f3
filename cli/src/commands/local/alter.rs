//! `prism local alter`.

use clap::{ArgGroup, Args, ValueEnum};
use prism_functions::domain::Problem;
use prism_local::Feature;
use serde_json::json;

use crate::candidates;
use crate::errors::Outcome;
use crate::options::InRegion;
use crate::session::Session;
use crate::text::plain;

/// Change a simulated instance so that saves of it are refused or give a warning
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("feature").required(true))]
pub(crate) struct Alter {
    /// The instance, by its name or ID
    #[arg(add = candidates::instances())]
    instance: String,
    #[command(flatten)]
    region: InRegion,
    #[command(flatten)]
    feature: Choice,
}

#[derive(Debug, Args)]
struct Choice {
    /// Make it a one-time Spot Instance
    #[arg(long, group = "feature")]
    spot: bool,
    /// Make it a member of an Auto Scaling group
    #[arg(long, group = "feature")]
    auto_scaling: bool,
    /// Turn its stop protection on or off
    #[arg(long, group = "feature", value_enum, value_name = "on|off")]
    stop_protection: Option<Switch>,
    /// Move its root device to the instance store
    #[arg(long, group = "feature")]
    instance_store_root: bool,
    /// Enable hibernation
    #[arg(long, group = "feature")]
    hibernation: bool,
    /// Give it a Marketplace product code
    #[arg(long, group = "feature")]
    product_code: bool,
    /// Make its address an Elastic IP address
    #[arg(long, group = "feature")]
    elastic_ip: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Choice {
    /// The feature, and how the instance is described once it has it.
    fn feature(&self) -> (Feature, &'static str) {
        match self.stop_protection {
            Some(Switch::On) => (Feature::StopProtection(true), "is now protected from stops"),
            Some(Switch::Off) => (
                Feature::StopProtection(false),
                "is no longer protected from stops",
            ),
            None if self.spot => (Feature::Spot, "is now a Spot Instance"),
            None if self.auto_scaling => (Feature::AutoScaling, "is now in an Auto Scaling group"),
            None if self.instance_store_root => (
                Feature::InstanceStoreRoot,
                "now has its root in the instance store",
            ),
            None if self.hibernation => (Feature::Hibernation, "now has hibernation enabled"),
            None if self.product_code => (Feature::ProductCode, "now has a product code"),
            None => (Feature::ElasticIp, "now has an Elastic IP address"),
        }
    }
}

impl Alter {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let region = session.region(&self.region)?;
        let instance = session.instance(&region, &self.instance).await?;
        let (feature, sentence) = self.feature.feature();
        let cloud = &session.embedded()?.cloud;
        let id = instance.id.parse().map_err(Problem::from)?;
        cloud.alter(&region, &id, feature)?;
        let value = json!({ "id": instance.id, "altered": sentence });
        session.out.done(&value, || {
            format!("{} {sentence}.\n", plain(&self.instance))
        })
    }
}
