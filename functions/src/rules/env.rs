//! The environment that every step runs in.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::EnumString;

use super::{Identity, outbox};
use crate::domain::allowed::{AllowedRegions, AllowedTypes};
use crate::domain::grant::OrganizationArn;
use crate::domain::kms_keys::KmsKeys;
use crate::domain::pace::{Ec2Share, QueueHours};
use crate::domain::resource_tags::ResourceTags;
use crate::domain::{DeploymentId, Problem, Region, SubnetId};
use crate::ports::{Clock, Ec2, Inspect, Notice, Notifier};
use crate::registry::Registry;

/// How far `--public` reaches in this deployment.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, EnumString, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PublicScope {
    /// Every user of this deployment; the AMI itself stays in the account.
    #[default]
    Deployment,
    /// The accounts of the deployment's organization: the AMI's launch permission names the organization.
    Organization,
    /// Everyone: the AMI's launch permission is public.
    World,
}

/// The settings in which deployments differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    pub public_scope: PublicScope,
    /// The organization that public templates are open to, if [`PublicScope::Organization`] applies.
    #[serde(default)]
    pub organization: Option<OrganizationArn>,
    #[serde(default)]
    pub allowed_regions: AllowedRegions,
    #[serde(default)]
    pub allowed_types: AllowedTypes,
    /// The KMS keys that may be used, and those that encrypt copies and launched volumes.
    #[serde(default)]
    pub kms_keys: KmsKeys,
    /// The tags of everything that is created in EC2.
    #[serde(default)]
    pub resource_tags: ResourceTags,
    /// The name of the instance profile that launched instances get.
    #[serde(default)]
    pub launch_profile: Option<String>,
    /// The share of EC2's request limits that the deployment may use.
    #[serde(default)]
    pub ec2_share: Ec2Share,
    /// How long a save or a copy may wait for its turn.
    #[serde(default)]
    pub queue_hours: QueueHours,
    /// The subnets that instances are launched into, in the order in which they are tried. If empty, instances are
    /// launched into the default subnets of the Region.
    #[serde(default)]
    pub launch_subnets: Vec<SubnetId>,
    /// The Regions whose instance and AMI events reach this deployment; `None` if the events of all Regions do.
    #[serde(default)]
    pub events_from: Option<BTreeSet<Region>>,
    /// How the portal's users sign in; `None` without a portal.
    #[serde(default)]
    pub sign_in: Option<SignIn>,
}

/// The identity provider of the portal's users, for OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignIn {
    /// The issuer of the tokens.
    pub issuer: String,
    /// The client ID of the portal, which is the first audience that the API accepts.
    pub client_id: String,
    /// Where the portal gets its tokens, if not from the issuer's own origin.
    #[serde(skip)]
    pub token_origins: Vec<String>,
}

impl SignIn {
    /// The origins that the portal's pages call to sign in.
    pub fn origins(&self) -> Vec<String> {
        let end = self.issuer.match_indices('/').nth(2);
        let origin = end.map_or(self.issuer.as_str(), |(at, _)| &self.issuer[..at]);
        let others = self.token_origins.iter().cloned();
        std::iter::once(origin.to_owned()).chain(others).collect()
    }
}

/// Everything outside the core that steps and operations use.
#[derive(Clone)]
pub struct Env {
    pub ec2: Arc<dyn Ec2>,
    pub inspect: Arc<dyn Inspect>,
    pub registry: Registry,
    pub clock: Arc<dyn Clock>,
    pub notifier: Arc<dyn Notifier>,
    pub settings: Settings,
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
    /// Returns the identity of this deployment. The registry is read once per process; if it contains no identity yet,
    /// the configured one is written to it.
    ///
    /// A registry that belongs to another deployment is refused, because its records say nothing about the resources
    /// that this deployment may change.
    pub async fn deployment(&self) -> Result<&DeploymentId, Problem> {
        self.identity.confirm(&self.registry).await
    }

    /// Sends a notice: to the outbox, for the users whom it concerns, and to those who operate the deployment. A failure
    /// is not an error, because the records contain the same information.
    pub async fn tell(&self, notice: &Notice) {
        // The outbox first: the event of the notice starts the delivery.
        if let Err(problem) = outbox::post(&self.registry, notice).await {
            let save = notice.save_id.as_ref().map(ToString::to_string);
            tracing::warn!(save.id = save, event = notice.event.as_str(), code = %problem.code, problem = problem.chain(), "a notice was not put into the outbox");
        }
        self.notify(notice).await;
    }

    /// Sends a notice that must not be lost, because no record would send it again.
    ///
    /// # Errors
    /// If it could not be put into the outbox for everybody whom it concerns. Repeating it is safe.
    pub async fn tell_surely(&self, notice: &Notice) -> Result<(), Problem> {
        outbox::post(&self.registry, notice).await?;
        self.notify(notice).await;
        Ok(())
    }

    async fn notify(&self, notice: &Notice) {
        if let Err(error) = self.notifier.notify(notice).await {
            let save = notice.save_id.as_ref().map(ToString::to_string);
            let project = notice.project.as_ref().map(ToString::to_string);
            tracing::warn!(save.id = save, project, event = notice.event.as_str(), %error, "a notification was not delivered");
        }
    }
}
