//! What every step is given, and how it begins.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Identity;
use crate::domain::Region;
use crate::domain::allowed::{AllowedRegions, AllowedTypes};
use crate::domain::grant::OrganizationArn;
use crate::domain::pace::Ec2Share;
use crate::ports::{Clock, Ec2, Inspect, Notice, Notifier};
use crate::registry::Registry;

/// How far `--public` reaches in this deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublicScope {
    /// Every user of this deployment; the AMI itself stays in the account.
    #[default]
    Deployment,
    /// The accounts of the deployment's organisation: the AMI's launch permission names it.
    Organization,
    /// The world: the AMI's launch permission names everybody.
    World,
}

/// What institutions differ in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// How far `--public` reaches.
    pub public_scope: PublicScope,
    /// The organisation that public templates are open to, where they reach so far.
    #[serde(default)]
    pub organization: Option<OrganizationArn>,
    /// The Regions that it allows.
    #[serde(default)]
    pub allowed_regions: AllowedRegions,
    /// The instance types that it allows.
    #[serde(default)]
    pub allowed_types: AllowedTypes,
    /// Which part of EC2's throttles it may use.
    #[serde(default)]
    pub ec2_share: Ec2Share,
    /// The only Region whose events of instances and AMIs reach it; those of all do where none is named.
    #[serde(default)]
    pub events_from: Option<Region>,
}

/// The world as the steps see it.
#[derive(Clone)]
pub struct Env {
    /// EC2.
    pub ec2: Arc<dyn Ec2>,
    /// What looks into instances.
    pub inspect: Arc<dyn Inspect>,
    /// The registry.
    pub registry: Registry,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where notices go.
    pub notifier: Arc<dyn Notifier>,
    /// The deployment's settings.
    pub settings: Settings,
    /// Which deployment it is.
    pub identity: Identity,
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Env {
    /// Delivers a notice. Nothing fails for want of one: the records say the same.
    pub(crate) async fn tell(&self, notice: &Notice) {
        if let Err(error) = self.notifier.notify(notice).await {
            let save = notice.save_id.as_ref().map(ToString::to_string);
            let project = notice.project.as_ref().map(ToString::to_string);
            tracing::warn!(save.id = save, project, event = notice.event, %error, "a notice was not delivered");
        }
    }
}
